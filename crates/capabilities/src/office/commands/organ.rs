//! Organs: founding, correcting what was recorded, and dated changes. The past stays with the organ that made it.

use kernel::code::{CreditCode, DivisionCode};
use kernel::permission::Target;
use kernel::{Date, Id, Permission, Refusal, Result, text};
use platform::WriteTx;
use platform::audit::Entry;
use records::organ::{self, NewOrgan, Organ, OrganKind};
use serde_json::json;

use super::super::rules;

/// Kind of the event that something about an organ changed.
pub const CHANGED: &str = "organ.changed";

/// Loads an organ that the actor may change. What they may not even see does not exist for them.
async fn authorised(tx: &mut WriteTx, id: Id) -> Result<Organ> {
    let o = organ::get(tx, id).await?;
    let target = organ::target(tx, id).await?;
    let actor = tx.ctx().actor.clone();
    if !actor.may(Permission::OrganRead, &target) {
        return Err(Refusal::not_found("organ.unknown", "没有这个机关").mend("请从机关列表重新进入"));
    }
    actor.check(Permission::OrganWrite, &target)?;
    Ok(o)
}

fn announce(tx: &mut WriteTx, ids: &[Id]) -> Result<()> {
    for id in ids {
        tx.event(CHANGED, &json!({ "organ": id }))?;
    }
    Ok(())
}

/// What is wrong with an organ as it is typed, whatever it stands below.
pub fn faults(o: &NewOrgan) -> Vec<Refusal> {
    let mut out = Vec::new();
    out.extend(rules::organ_name(&o.name, &o.short_name).err());
    if !text::slug_ok(&o.slug) {
        out.push(
            Refusal::invalid("organ.slug", "拼音标识的写法不对")
                .at("slug")
                .mend("1 到 40 个小写字母、数字和连字符，例如 shuju"),
        );
    }
    out.extend(o.division.parse::<DivisionCode>().err().map(|r| r.at("division")));
    if let Some(code) = &o.credit_code {
        out.extend(code.parse::<CreditCode>().err().map(|r| r.at("uscc")));
    }
    out
}

/// Founds an organ.
///
/// # Errors
/// `organ.*`, `db.duplicate` where the address word is taken.
pub async fn found(tx: &mut WriteTx, new: &NewOrgan, basis: &str) -> Result<Id> {
    let target = match new.parent {
        Some(p) => organ::target(tx, p).await?,
        None => Target::City,
    };
    tx.ctx().actor.check(Permission::OrganWrite, &target)?;
    if let Some(first) = faults(new).into_iter().next() {
        return Err(first);
    }
    rules::basis(basis)?;
    let parent = match new.parent {
        Some(p) => Some(organ::get(tx, p).await?),
        None => None,
    };
    rules::parent_fits(new.kind, parent.as_ref().map(|p| p.kind))?;
    if let Some(p) = &parent {
        if p.until_on.is_some() {
            return Err(Refusal::invalid("organ.ended_parent", "隶属的机关已经撤销")
                .at("parent")
                .mend("请改选在用的机关"));
        }
        if new.from_on < p.from_on {
            return Err(Refusal::invalid("organ.before_parent", "设立日期早于它隶属的机关")
                .at("since")
                .mend("请核对两个日期"));
        }
    }
    if new.from_on > tx.now().day() {
        return Err(Refusal::invalid("organ.future", "设立日期还没有到").at("since").mend("请在设立当天或以后登记"));
    }
    slug_free(tx, &new.slug, "slug").await?;
    let id = organ::insert(tx, new).await?;
    organ::insert_change(tx, id, new.from_on, "create", basis.trim(), &[]).await?;
    tx.audit(Entry::done("organ.create", "organ", id).detail(json!({ "parent": new.parent, "kind": new.kind.code() })));
    announce(tx, &[id])?;
    Ok(id)
}

async fn slug_free(tx: &mut WriteTx, slug: &str, field: &str) -> Result<()> {
    match organ::find_slug(tx, slug).await? {
        None => Ok(()),
        Some(other) => Err(Refusal::conflict("organ.slug_taken", format!("“{slug}”已经给了{}", other.short_name))
            .at(field)
            .mend("请换一个标识")),
    }
}

/// What is not a dated change.
pub struct Contact {
    /// 电话
    pub phone: String,
    /// 地址
    pub address: String,
    /// 办公时间
    pub hours: String,
    /// 职责
    pub duties: String,
    /// 统一社会信用代码
    pub credit_code: Option<String>,
    /// Place among its siblings.
    pub sort: i64,
}

/// Corrects contact data, duties, code and order.
///
/// # Errors
/// `organ.long`, `code.*`, `permission.denied`.
pub async fn correct(tx: &mut WriteTx, id: Id, c: &Contact) -> Result<()> {
    authorised(tx, id).await?;
    if let Some(code) = &c.credit_code {
        code.parse::<CreditCode>().map_err(|r| r.at("uscc"))?;
    }
    for (field, value, max) in
        [("phone", &c.phone, 60), ("address", &c.address, 120), ("hours", &c.hours, 120), ("duties", &c.duties, 4000)]
    {
        if text::count(value) > max {
            return Err(Refusal::invalid("organ.long", format!("超过 {max} 个字")).at(field).mend("请写得短一些"));
        }
    }
    organ::update_contact(tx, id, &c.phone, &c.address, &c.hours, &c.duties, c.credit_code.clone(), c.sort).await?;
    tx.audit(Entry::done("organ.correct", "organ", id));
    announce(tx, &[id])
}

/// The organ before a dated change, once the day is found to fit.
async fn changing(tx: &mut WriteTx, id: Id, on: Date, basis: &str) -> Result<Organ> {
    let o = authorised(tx, id).await?;
    let mut last = None;
    for c in organ::changes(tx, id).await?.iter().filter(|c| c.kind != "create") {
        last = last.max(Some(kernel::time::parse_date(&c.on)?));
    }
    if let Some(n) = organ::names(tx, id).await?.last() {
        let named = kernel::time::parse_date(&n.from)?;
        if named > o.from_on {
            last = last.max(Some(named));
        }
    }
    rules::change_day(on, o.from_on, o.until_on, last, tx.now().day())?;
    rules::basis(basis)?;
    Ok(o)
}

/// 改名: another name from a day on.
///
/// # Errors
/// `organ.*`.
pub async fn rename(tx: &mut WriteTx, id: Id, on: Date, name: &str, short_name: &str, basis: &str) -> Result<()> {
    let o = changing(tx, id, on, basis).await?;
    rules::organ_name(name, short_name)?;
    if o.name == name.trim() && o.short_name == short_name.trim() {
        return Err(Refusal::invalid("organ.same_name", "和现在的名称相同").at("name").mend("请填写新的名称"));
    }
    organ::insert_name(tx, id, on, name.trim(), short_name.trim()).await?;
    organ::insert_change(tx, id, on, "rename", basis.trim(), &[]).await?;
    tx.audit(Entry::done("organ.rename", "organ", id));
    announce(tx, &[id])
}

/// The last day of an organ whose successor begins on `on`.
fn eve(on: Date) -> Result<Date> {
    on.previous_day().ok_or_else(|| Refusal::invalid("time.date", "日期不对").at("on"))
}

/// An organ that ends may not leave others below it, nor a site that still runs.
async fn nothing_left(tx: &mut WriteTx, o: &Organ) -> Result<()> {
    let all = organ::list(tx).await?;
    if let Some(child) = all.iter().find(|c| c.parent == Some(o.id) && c.until_on.is_none()) {
        return Err(Refusal::conflict("organ.children", format!("还有下属机关在用，例如{}", child.short_name))
            .mend("请先登记下属机关的变动"));
    }
    let sites = records::site::list(tx).await?;
    if let Some(s) = sites.iter().find(|s| s.organ == o.id && s.status != records::site::SiteStatus::Closed) {
        return Err(Refusal::conflict("organ.site", format!("“{}”还没有关停", s.set.name))
            .mend("请先在站点管理里关停，并办好迁移"));
    }
    Ok(())
}

async fn check_successor(tx: &mut WriteTx, o: &Organ, to: Id, on: Date, field: &str) -> Result<Organ> {
    let s = organ::get(tx, to).await.map_err(|r| r.at(field))?;
    let chain = organ::chain(tx, to).await?;
    rules::successor_fits(o.id, s.id, s.from_on, s.until_on, &chain, on, field)?;
    if (o.kind == OrganKind::PartyUnit) != (s.kind == OrganKind::PartyUnit) {
        return Err(Refusal::invalid("organ.party", "党群单位和行政机关之间不能这样承接")
            .at(field)
            .mend("机构改革中由党群单位加挂牌子的，请登记“撤销”并写明依据"));
    }
    Ok(s)
}

/// 并入: the organ ends the day before, another one takes over.
///
/// # Errors
/// `organ.*`.
pub async fn merge(tx: &mut WriteTx, id: Id, on: Date, into: Id, basis: &str) -> Result<()> {
    let o = changing(tx, id, on, basis).await?;
    let s = check_successor(tx, &o, into, on, "into").await?;
    nothing_left(tx, &o).await?;
    organ::end(tx, id, eve(on)?).await?;
    organ::insert_change(tx, s.id, on, "merge", basis.trim(), &[(id, s.id)]).await?;
    tx.audit(Entry::done("organ.merge", "organ", id).detail(json!({ "into": s.id })));
    announce(tx, &[id, s.id])
}

/// 分设: the organ ends the day before, several new ones take over beside each other.
///
/// # Errors
/// `organ.*`.
pub async fn split(tx: &mut WriteTx, id: Id, on: Date, parts: &[rules::Part], basis: &str) -> Result<Vec<Id>> {
    let o = changing(tx, id, on, basis).await?;
    if parts.len() < 2 {
        return Err(Refusal::invalid("organ.parts", "分设至少成为两个机关")
            .at("parts")
            .mend("只有一个承接的，请登记“并入”或“改名”"));
    }
    nothing_left(tx, &o).await?;
    for p in parts {
        slug_free(tx, &p.slug, "parts").await?;
    }
    organ::end(tx, id, eve(on)?).await?;
    let mut made = Vec::new();
    for (i, p) in (0i64..).zip(parts) {
        let new = NewOrgan {
            slug: p.slug.clone(),
            kind: o.kind,
            parent: o.parent,
            name: p.name.clone(),
            short_name: p.short_name.clone(),
            division: o.division.clone(),
            credit_code: None,
            phone: String::new(),
            address: String::new(),
            hours: String::new(),
            duties: String::new(),
            sort: o.sort.saturating_add(i),
            from_on: on,
        };
        made.push(organ::insert(tx, &new).await?);
    }
    let succession: Vec<(Id, Id)> = made.iter().map(|m| (id, *m)).collect();
    organ::insert_change(tx, id, on, "split", basis.trim(), &succession).await?;
    tx.audit(Entry::done("organ.split", "organ", id).detail(json!({ "into": made })));
    let mut changed = made.clone();
    changed.push(id);
    announce(tx, &changed)?;
    Ok(made)
}

/// 撤销: the organ ends the day before; somebody may take over.
///
/// # Errors
/// `organ.*`.
pub async fn abolish(tx: &mut WriteTx, id: Id, on: Date, successor: Option<Id>, basis: &str) -> Result<()> {
    let o = changing(tx, id, on, basis).await?;
    if o.parent.is_none() {
        return Err(Refusal::conflict("organ.root", "市人民政府不能撤销").mend("请核对要撤销的机关"));
    }
    let mut succession = Vec::new();
    let mut changed = vec![id];
    if let Some(to) = successor {
        let s = check_successor(tx, &o, to, on, "successor").await?;
        succession.push((id, s.id));
        changed.push(s.id);
    }
    nothing_left(tx, &o).await?;
    organ::end(tx, id, eve(on)?).await?;
    organ::insert_change(tx, id, on, "abolish", basis.trim(), &succession).await?;
    tx.audit(Entry::done("organ.abolish", "organ", id).detail(json!({ "successor": successor })));
    announce(tx, &changed)
}
