//! 机关: the tree, one organ through time, founding, correcting, dated changes.

use std::collections::HashMap;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use kernel::permission::Target;
use kernel::{Actor, Id, Permission, Refusal, Result};
use platform::{Read, args};
use records::organ::{self, NewOrgan, Organ, OrganKind};
use records::site::{self, Site};
use serde_json::{Value, json};
use web::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{Pages, Posted, Route, Staff, redirect_with};

use super::super::commands::{self, organ as act};
use super::super::queries::{day_text, state};
use super::super::rules;
use super::{crumb, csv_file, gather, one_page, option, query_string, refused_status};

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    use Permission::{OrganRead as Look, OrganWrite as Write};
    vec![
        Route::get("/organs", Look, list),
        Route::get("/organs.csv", Look, export),
        Route::get("/organs/new", Write, new_form),
        Route::post("/organs/new", Write, found),
        Route::get("/organs/{id}", Look, show),
        Route::get("/organs/{id}/edit", Write, edit_form),
        Route::post("/organs/{id}/edit", Write, edit),
        Route::get("/organs/{id}/change", Write, change_form),
        Route::post("/organs/{id}/change", Write, change),
    ]
}

/// Every organ with its ancestors, in the order of the tree.
pub(super) struct Tree {
    organs: Vec<Organ>,
    parents: HashMap<Id, Option<Id>>,
}

impl Tree {
    /// Reads the tree.
    pub(super) async fn read(tx: &mut impl Read) -> Result<Tree> {
        let all = organ::list(tx).await?;
        let parents: HashMap<Id, Option<Id>> = all.iter().map(|o| (o.id, o.parent)).collect();
        let mut below: HashMap<Option<Id>, Vec<Organ>> = HashMap::new();
        for o in all {
            below.entry(o.parent).or_default().push(o);
        }
        let mut organs = Vec::new();
        let mut open: Vec<Organ> = below.remove(&None).unwrap_or_default();
        open.reverse();
        while let Some(o) = open.pop() {
            let mut children = below.remove(&Some(o.id)).unwrap_or_default();
            children.reverse();
            organs.push(o);
            open.extend(children);
        }
        Ok(Tree { organs, parents })
    }

    /// An organ with its ancestors, nearest first.
    fn chain(&self, id: Id) -> Vec<Id> {
        let mut chain = vec![id];
        while let Some(Some(up)) = chain.last().and_then(|id| self.parents.get(id)) {
            if chain.len() > 16 {
                break;
            }
            chain.push(*up);
        }
        chain
    }

    /// How deep an organ stands; 1 is the city.
    fn level(&self, id: Id) -> usize {
        self.chain(id).len()
    }

    /// Organs that an actor may do something with.
    pub(super) fn allowed<'a>(&'a self, actor: &'a Actor, what: Permission) -> impl Iterator<Item = &'a Organ> {
        self.organs.iter().filter(move |o| actor.may(what, &Target::Organ(self.chain(o.id))))
    }

    /// A chooser of organs that are in use, indented by level; the first line says what none means.
    pub(super) fn options(
        &self,
        actor: &Actor,
        what: Permission,
        none: &str,
        fits: impl Fn(&Organ) -> bool,
    ) -> Vec<Value> {
        let mut out = vec![option("", none)];
        for o in self.allowed(actor, what).filter(|o| o.until_on.is_none() && fits(o)) {
            let indent = "　".repeat(self.level(o.id).saturating_sub(1).min(4));
            out.push(option(o.id.to_string(), format!("{indent}{}", o.short_name)));
        }
        out
    }
}

fn unknown() -> Refusal {
    Refusal::not_found("organ.unknown", "没有这个机关").mend("请从机关列表重新进入")
}

fn standing(o: &Organ) -> Value {
    if o.until_on.is_some() { state("mute", "stop", "已撤销") } else { state("ok", "ok", "在用") }
}

struct Wanted {
    q: String,
    under: Option<Id>,
    kind: Option<OrganKind>,
    all: bool,
}

fn wanted(query: &Fields) -> Wanted {
    Wanted {
        q: query.get("q").to_string(),
        under: query.get("under").parse().ok(),
        kind: OrganKind::from_code(query.get("kind")),
        all: query.get("state") == "all",
    }
}

fn matching<'a>(tree: &'a Tree, actor: &'a Actor, w: &'a Wanted) -> Vec<&'a Organ> {
    let q = w.q.to_lowercase();
    tree.allowed(actor, Permission::OrganRead)
        .filter(|o| w.all || o.until_on.is_none())
        .filter(|o| w.kind.is_none_or(|k| k == o.kind))
        .filter(|o| w.under.is_none_or(|u| tree.chain(o.id).contains(&u)))
        .filter(|o| {
            q.is_empty()
                || o.name.contains(&q)
                || o.short_name.contains(&q)
                || o.slug.contains(&q)
                || o.division.starts_with(&q)
                || o.credit_code.as_ref().is_some_and(|c| c.to_lowercase() == q)
        })
        .collect()
}

fn may_see_site(tree: &Tree, actor: &Actor, s: &Site) -> bool {
    actor.may(Permission::SiteRead, &Target::Site { site: s.id, organs: tree.chain(s.organ) })
}

async fn list(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(raw): RawQuery) -> Outcome {
    let query = Fields::parse(raw.unwrap_or_default().as_bytes());
    let w = wanted(&query);
    let actor = staff.actor();
    let mut tx = app.db.read().await?;
    let tree = Tree::read(&mut tx).await?;
    let sites = site::list(&mut tx).await?;
    let people = commands::per_organ(&mut tx).await?;
    drop(tx);
    let found = matching(&tree, actor, &w);
    let sees_people = commands::may_list(actor).is_ok();
    let rows: Vec<Value> = found
        .iter()
        .map(|o| {
            let site = sites.iter().find(|s| s.organ == o.id && may_see_site(&tree, actor, s));
            let n = people.get(&o.id).copied().unwrap_or_default();
            json!({
                "level": tree.level(o.id).min(4), "name": o.name, "url": format!("/organs/{}", o.id),
                "kind": o.kind.label(), "code": o.division,
                "site": site.map(|s| json!({ "name": s.set.short_name, "url": format!("/sites/{}", s.id) })),
                "people": n,
                "people_url": (n > 0 && sees_people).then(|| format!("/users?organ={}", o.id)),
                "state": standing(o),
                "note": o.until_on.map(|d| format!("到 {} 为止", kernel::time::iso(d))),
            })
        })
        .collect();
    let governments = tree.options(actor, Permission::OrganRead, "全部", |o| o.kind == OrganKind::Government);
    let mut kinds = vec![option("", "全部类别")];
    kinds.extend(OrganKind::ALL.iter().map(|k| option(k.code(), k.label())));
    let filter = query_string(&[
        ("q", w.q.as_str()),
        ("under", query.get("under")),
        ("kind", query.get("kind")),
        ("state", query.get("state")),
    ]);
    let context = json!({
        "title": "机关",
        "crumbs": [crumb("机关", None)],
        "summary": format!("{} 个", found.len()),
        "export_url": format!("/organs.csv{filter}"),
        "create_url": actor.may_somewhere(Permission::OrganWrite).then_some("/organs/new"),
        "filters": {
            "action": "/organs",
            "clear_url": (!filter.is_empty()).then_some("/organs"),
            "fields": {
                "q": { "value": w.q, "error": null },
                "under": { "value": query.get("under"), "error": null, "options": governments },
                "kind": { "value": query.get("kind"), "error": null, "options": kinds },
                "state": {
                    "value": query.get("state"), "error": null,
                    "options": [option("", "在用"), option("all", "含已撤销")],
                },
            },
        },
        "rows": rows,
        "paging": one_page(None),
        "empty": {
            "icon": "source", "title": "没有符合条件的机关",
            "text": "名称可以少写几个字；已撤销的机关，请把“状态”换成“含已撤销”。",
            "url": "/organs", "label": "清除条件",
        },
    });
    Ok(pages.page("office/staff/organs.html", context).await)
}

async fn export(State(app): State<App>, staff: Staff, RawQuery(raw): RawQuery) -> Outcome {
    let w = wanted(&Fields::parse(raw.unwrap_or_default().as_bytes()));
    let mut tx = app.db.read().await?;
    let tree = Tree::read(&mut tx).await?;
    drop(tx);
    let name =
        |id: Option<Id>| tree.organs.iter().find(|o| Some(o.id) == id).map(|o| o.name.clone()).unwrap_or_default();
    let rows = matching(&tree, staff.actor(), &w)
        .into_iter()
        .map(|o| {
            vec![
                o.name.clone(),
                o.short_name.clone(),
                o.kind.label().to_string(),
                name(o.parent),
                o.division.clone(),
                o.credit_code.clone().unwrap_or_default(),
                o.phone.clone(),
                o.address.clone(),
                kernel::time::iso(o.from_on),
                o.until_on.map(kernel::time::iso).unwrap_or_default(),
            ]
        })
        .collect();
    let head =
        ["全称", "简称", "类别", "隶属", "行政区划代码", "统一社会信用代码", "电话", "地址", "设立日期", "终止日期"];
    Ok(csv_file("organs.csv", &head, rows)?)
}

/// An organ that the actor may see, with the tree.
async fn seen(tx: &mut impl Read, actor: &Actor, id: &str) -> Result<(Organ, Tree)> {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let tree = Tree::read(tx).await?;
    let found = tree.allowed(actor, Permission::OrganRead).find(|o| o.id == id).cloned();
    Ok((found.ok_or_else(unknown)?, tree))
}

fn link(tree: &Tree, id: Id) -> Value {
    let name = tree.organs.iter().find(|o| o.id == id).map_or("", |o| o.name.as_str());
    json!({ "name": name, "url": format!("/organs/{id}") })
}

/// A change in words: what it is called and who is named, seen from `id`.
fn change_words(c: &organ::Change, id: Id) -> (&'static str, &'static str, Vec<Id>) {
    let gone = c.predecessors.contains(&id);
    match (c.kind.as_str(), gone) {
        ("create", _) => ("设立", "", Vec::new()),
        ("rename", _) => ("改名", "名称见上面的沿革", Vec::new()),
        ("move", _) => ("调整隶属", "", Vec::new()),
        ("merge", true) => ("并入", "并入", c.successors.clone()),
        ("merge", false) => ("并入", "承接", c.predecessors.clone()),
        ("split", true) => ("分设", "分设为", c.successors.clone()),
        ("split", false) => ("分设", "由原机关分设：", c.predecessors.clone()),
        (_, true) => ("撤销", "职责由下列机关承接：", c.successors.clone()),
        (_, false) if c.predecessors.is_empty() => ("撤销", "没有承接单位", Vec::new()),
        (_, false) => ("承接", "承接已撤销机关的职责：", c.predecessors.clone()),
    }
}

async fn show(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let actor = staff.actor();
    let mut tx = app.db.read().await?;
    let (o, tree) = seen(&mut tx, actor, &id).await?;
    let id = o.id;
    let names = organ::names(&mut tx, id).await?;
    let changes = organ::changes(&mut tx, id).await?;
    let posts = organ::posts(&mut tx, id).await?;
    let own_site = site::list(&mut tx).await?.into_iter().find(|s| s.organ == id);
    drop(tx);
    let basis_on = |on: &str| changes.iter().find(|c| c.on == on).map(|c| c.basis.clone()).unwrap_or_default();
    let newest = names.last().map(|n| n.from.clone());
    let names: Vec<Value> = names
        .iter()
        .rev()
        .map(|n| {
            json!({
                "name": n.name, "short_name": n.short_name, "since": day_text(&n.from),
                "until": n.until.as_deref().map(day_text), "basis": basis_on(&n.from),
                "current": o.until_on.is_none() && Some(&n.from) == newest.as_ref(),
            })
        })
        .collect();
    let ended = changes.iter().rev().find(|c| c.predecessors.contains(&id));
    let notice = o.until_on.map(|until| {
        let to = ended.and_then(|c| c.successors.first()).map(|s| link(&tree, *s));
        json!({
            "tone": "warn", "title": format!("到 {} 为止，已不再办理业务", kernel::time::iso(until)),
            "text": "在此以前公开的信息仍归本机关，名称和落款不变。",
            "url": to.as_ref().and_then(|t| t.get("url").cloned()),
            "label": to.as_ref().map(|t| format!("看承接的机关：{}", t.get("name").and_then(Value::as_str).unwrap_or_default())),
        })
    });
    let changes: Vec<Value> = changes
        .iter()
        .map(|c| {
            let (kind, text, organs) = change_words(c, id);
            json!({
                "is": "done", "kind": kind, "text": text, "when": day_text(&c.on), "basis": c.basis,
                "organs": organs.iter().map(|o| link(&tree, *o)).collect::<Vec<Value>>(),
            })
        })
        .collect();
    let said = |v: &str| if v.is_empty() { "没有登记".to_string() } else { v.to_string() };
    let fact = |label: &str, value: String| json!({ "label": label, "value": value, "url": null });
    let mut facts = Vec::new();
    if let Some(p) = o.parent {
        let up = link(&tree, p);
        facts.push(json!({ "label": "隶属", "value": up.get("name"), "url": up.get("url") }));
    }
    facts.push(fact("设立", kernel::time::iso(o.from_on)));
    if let Some(until) = o.until_on {
        facts.push(fact("终止", kernel::time::iso(until)));
    }
    facts.push(fact("信用代码", said(o.credit_code.as_deref().unwrap_or_default())));
    facts.push(fact("拼音标识", o.slug.clone()));
    facts.push(fact("电话", said(&o.phone)));
    facts.push(fact("地址", said(&o.address)));
    facts.push(fact("办公时间", said(&o.hours)));
    facts.push(fact("职责", said(&o.duties)));
    let duty = if o.kind.owes_disclosure() {
        "主动公开、受理申请、编制年度报告"
    } else {
        "没有政府信息公开条例规定的义务"
    };
    facts.push(fact("公开义务", duty.into()));
    let children: Vec<Value> = tree
        .organs
        .iter()
        .filter(|c| c.parent == Some(id))
        .map(|c| {
            let name = if c.until_on.is_some() { format!("{}（已撤销）", c.name) } else { c.name.clone() };
            json!({ "name": name, "url": format!("/organs/{}", c.id) })
        })
        .collect();
    let writes = actor.may(Permission::OrganWrite, &Target::Organ(tree.chain(id)));
    let act = |label: &str, url: String, text: &str| json!({ "label": label, "url": url, "text": text, "post": false, "tone": "quiet", "fields": [] });
    let (mut can, mut cannot) = (Vec::new(), Vec::new());
    if writes {
        can.push(act("修改基本情况", format!("/organs/{id}/edit"), "更正登记的差错和联系方式，不改变历史。"));
        if o.until_on.is_none() {
            can.push(act("登记变动", format!("/organs/{id}/change"), "改名、并入、分设、撤销；写明日期和依据。"));
        } else {
            cannot.push(json!({ "label": "登记变动", "why": "已经撤销的机关不能再变动。" }));
        }
        cannot.push(json!({ "label": "删除", "why": "机关不能删除，只能撤销：以前公开的信息还归它。" }));
    }
    let no_site = if o.kind.may_have_site() {
        "没有自己的站点。"
    } else {
        "不单独办网站，在上级政府的网站公开。"
    };
    let context = json!({
        "title": o.name,
        "crumbs": [crumb("机关", Some("/organs")), crumb(&o.short_name, None)],
        "organ": {
            "name": o.name, "short_name": o.short_name, "kind": o.kind.label(), "code": o.division, "state": standing(&o),
        },
        "notice": notice,
        "facts": facts,
        "names": names,
        "changes": changes,
        "posts_url": commands::may_list(actor).is_ok().then(|| format!("/users?organ={id}")),
        "posts": posts
            .iter()
            .map(|p| {
                json!({
                    "post": p.title, "person": p.holder.as_ref().filter(|_| p.until.is_none()),
                    "since": p.from.as_deref().filter(|_| p.until.is_none()).map(day_text),
                })
            })
            .collect::<Vec<Value>>(),
        "children": children,
        "acts": { "can": can, "cannot": cannot },
        "site": own_site.as_ref().map(|s| json!({
            "name": s.set.name,
            "url": may_see_site(&tree, actor, s).then(|| format!("/sites/{}", s.id)),
            "text": format!("{}，{}", s.domain, s.status.label()),
        })),
        "no_site": no_site,
    });
    Ok(pages.page("office/staff/organ.html", context).await)
}

const LABELS: [(&str, &str); 18] = [
    ("name", "全称"),
    ("short_name", "简称"),
    ("slug", "拼音标识"),
    ("kind", "类别"),
    ("parent", "隶属"),
    ("division", "行政区划代码"),
    ("uscc", "统一社会信用代码"),
    ("since", "设立日期"),
    ("order", "排列顺序"),
    ("basis", "依据"),
    ("on", "从哪一天起"),
    ("into", "并入哪个机关"),
    ("parts", "分成哪些机关"),
    ("successor", "职责由谁承接"),
    ("sure", "核对后果"),
    ("phone", "电话"),
    ("address", "地址"),
    ("duties", "职责"),
];

async fn found_page(app: &App, staff: &Staff, pages: &Pages, fields: &Fields, refusals: Vec<Refusal>) -> Outcome {
    let status = if refusals.is_empty() { 200 } else { refused_status(&refusals) };
    let mut e = FormErrors::default();
    gather(&mut e, &LABELS, refusals)?;
    let mut tx = app.db.read().await?;
    let tree = Tree::read(&mut tx).await?;
    drop(tx);
    let kinds: Vec<Value> = OrganKind::ALL.iter().map(|k| option(k.code(), k.label())).collect();
    let parents = tree.options(staff.actor(), Permission::OrganWrite, "请选择", |_| true);
    let select =
        |key: &str, options: Vec<Value>| json!({ "value": fields.raw(key), "error": e.of(key), "options": options });
    let context = json!({
        "title": "设立机关",
        "crumbs": [crumb("机关", Some("/organs")), crumb("设立机关", None)],
        "lede": "登记一个新设的机关。改名、并入、分设、撤销已有的机关，请到它的页面上“登记变动”。",
        "submit_label": "设立机关",
        "cancel_url": "/organs",
        "form": {
            "action": "/organs/new",
            "errors": e.0,
            "fields": {
                "name": e.field(fields, "name"), "short_name": e.field(fields, "short_name"),
                "slug": e.field(fields, "slug"), "kind": select("kind", kinds), "parent": select("parent", parents),
                "division": e.field(fields, "division"), "uscc": e.field(fields, "uscc"),
                "since": e.field(fields, "since"), "order": e.field(fields, "order"), "basis": e.field(fields, "basis"),
            },
        },
    });
    Ok(pages.page_with(status, "office/staff/organ-form.html", context).await)
}

async fn new_form(State(app): State<App>, staff: Staff, pages: Pages) -> Outcome {
    let mut fields = Fields::default();
    fields.push("kind", OrganKind::Department.code().into());
    found_page(&app, &staff, &pages, &fields, Vec::new()).await
}

fn order_of(fields: &Fields, refusals: &mut Vec<Refusal>) -> i64 {
    if fields.get("order").is_empty() {
        return 100;
    }
    match fields.number("order") {
        Ok(n) if (0..=1_000_000).contains(&n) => n,
        Ok(_) => {
            refusals.push(Refusal::invalid("form.number", "数字太大或太小").at("order").mend("0 到 1000000"));
            0
        }
        Err(r) => {
            refusals.push(r);
            0
        }
    }
}

async fn found(State(app): State<App>, staff: Staff, pages: Pages, posted: Posted) -> Outcome {
    let fields = &posted.fields;
    let mut refusals = Vec::new();
    let from_on = kernel::time::parse_date(fields.get("since")).map_err(|r| refusals.push(r.at("since"))).ok();
    let kind = OrganKind::from_code(fields.get("kind"));
    if kind.is_none() {
        refusals.push(Refusal::invalid("organ.kind", "还没有选类别").at("kind"));
    }
    let parent = match fields.get("parent") {
        "" => None,
        id => id.parse::<Id>().map_err(|_| refusals.push(unknown().at("parent"))).ok(),
    };
    let new = NewOrgan {
        slug: fields.get("slug").to_string(),
        kind: kind.unwrap_or(OrganKind::Department),
        parent,
        name: fields.get("name").to_string(),
        short_name: fields.get("short_name").to_string(),
        division: fields.get("division").to_string(),
        credit_code: Some(fields.get("uscc").to_uppercase()).filter(|c| !c.is_empty()),
        phone: String::new(),
        address: String::new(),
        hours: String::new(),
        duties: String::new(),
        sort: order_of(fields, &mut refusals),
        from_on: from_on.unwrap_or_else(|| staff.ctx.now.day()),
    };
    refusals.extend(act::faults(&new));
    refusals.extend(rules::basis(fields.get("basis")).err());
    if refusals.is_empty() {
        let mut tx = app.db.write(&staff.ctx).await?;
        match act::found(&mut tx, &new, fields.get("basis")).await {
            Ok(id) => {
                tx.commit().await?;
                return Ok(redirect_with(&app, &format!("/organs/{id}"), "ok", "已设立", &new.name));
            }
            Err(r) => refusals.push(r),
        }
    }
    found_page(&app, &staff, &pages, fields, refusals).await
}

async fn edit_page(pages: &Pages, o: &Organ, fields: &Fields, refusals: Vec<Refusal>) -> Outcome {
    let status = if refusals.is_empty() { 200 } else { refused_status(&refusals) };
    let mut e = FormErrors::default();
    let mut labels = LABELS.to_vec();
    labels.push(("hours", "办公时间"));
    gather(&mut e, &labels, refusals)?;
    let context = json!({
        "title": format!("修改基本情况：{}", o.short_name),
        "crumbs": [
            crumb("机关", Some("/organs")), crumb(&o.short_name, Some(&format!("/organs/{}", o.id))), crumb("修改", None),
        ],
        "cancel_url": format!("/organs/{}", o.id),
        "form": {
            "action": format!("/organs/{}/edit", o.id),
            "errors": e.0,
            "fields": {
                "phone": e.field(fields, "phone"), "address": e.field(fields, "address"),
                "hours": e.field(fields, "hours"), "duties": e.field(fields, "duties"),
                "uscc": e.field(fields, "uscc"), "order": e.field(fields, "order"),
            },
        },
    });
    Ok(pages.page_with(status, "office/staff/organ-edit.html", context).await)
}

/// An organ that the actor may change.
async fn writable(app: &App, staff: &Staff, id: &str) -> Result<(Organ, Tree)> {
    let mut tx = app.db.read().await?;
    let (o, tree) = seen(&mut tx, staff.actor(), id).await?;
    staff.actor().check(Permission::OrganWrite, &Target::Organ(tree.chain(o.id)))?;
    Ok((o, tree))
}

async fn edit_form(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let (o, _) = writable(&app, &staff, &id).await?;
    let mut fields = Fields::default();
    for (k, v) in [("phone", &o.phone), ("address", &o.address), ("hours", &o.hours), ("duties", &o.duties)] {
        fields.push(k, v.clone());
    }
    fields.push("uscc", o.credit_code.clone().unwrap_or_default());
    fields.push("order", o.sort.to_string());
    edit_page(&pages, &o, &fields, Vec::new()).await
}

async fn edit(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>, posted: Posted) -> Outcome {
    let (o, _) = writable(&app, &staff, &id).await?;
    let fields = &posted.fields;
    let mut refusals = Vec::new();
    let contact = act::Contact {
        phone: fields.get("phone").into(),
        address: fields.get("address").into(),
        hours: fields.get("hours").into(),
        duties: fields.get("duties").into(),
        credit_code: Some(fields.get("uscc").to_uppercase()).filter(|c| !c.is_empty()),
        sort: order_of(fields, &mut refusals),
    };
    if refusals.is_empty() {
        let mut tx = app.db.write(&staff.ctx).await?;
        match act::correct(&mut tx, o.id, &contact).await {
            Ok(()) => {
                tx.commit().await?;
                return Ok(redirect_with(&app, &format!("/organs/{}", o.id), "ok", "已保存", ""));
            }
            Err(r) => refusals.push(r),
        }
    }
    edit_page(&pages, &o, fields, refusals).await
}

const KINDS: [(&str, &str, &str); 4] = [
    ("rename", "改名", "登记改名"),
    ("merge", "并入其他机关", "登记并入"),
    ("split", "分设", "登记分设"),
    ("abolish", "撤销", "登记撤销"),
];

fn kind_of(fields: &Fields) -> (&'static str, &'static str, &'static str) {
    let given = fields.get("kind");
    KINDS.into_iter().find(|(k, ..)| *k == given).unwrap_or(("rename", "改名", "登记改名"))
}

async fn effects(tx: &mut impl Read, tree: &Tree, o: &Organ, kind: &str) -> Result<Vec<Value>> {
    let n: i64 = tx
        .scalar("SELECT COUNT(*) AS n FROM document WHERE organ_id=$1 AND live_edition IS NOT NULL", args![o.id])
        .await?;
    let finding = |tone: &str, title: String, text: &str, url: Option<String>, label: Option<&str>| json!({ "tone": tone, "title": title, "text": text, "url": url, "label": label });
    let mut out =
        vec![finding("info", format!("以前公开的 {n} 条信息仍归本机关"), "落款和发文机关不变，地址不变。", None, None)];
    let own_site = site::list(tx).await?.into_iter().find(|s| s.organ == o.id && s.status != site::SiteStatus::Closed);
    if kind == "rename" {
        if let Some(s) = own_site {
            let text = "网站名称另外管理，改名后请到站点设置里一起改。";
            out.push(finding("warn", format!("“{}”的名称不会自动更改", s.set.name), text, None, None));
        }
        return Ok(out);
    }
    if let Some(c) = tree.organs.iter().find(|c| c.parent == Some(o.id) && c.until_on.is_none()) {
        let title = format!("还有下属机关在用，例如{}", c.short_name);
        out.push(finding("bad", title, "请先登记下属机关的变动。", Some(format!("/organs/{}", c.id)), Some("去看")));
    }
    if let Some(s) = own_site {
        out.push(finding(
            "bad",
            format!("“{}”还没有关停", s.set.name),
            "请先在站点管理里关停，并办好迁移。",
            None,
            None,
        ));
    }
    out.push(finding("info", "本机关到前一天为止".into(), "账号不会自动停用，请另行调整。", None, None));
    Ok(out)
}

async fn change_page(
    app: &App,
    staff: &Staff,
    pages: &Pages,
    id: &str,
    fields: &Fields,
    refusals: Vec<Refusal>,
) -> Outcome {
    let (o, tree) = writable(app, staff, id).await?;
    let (kind, _, submit) = kind_of(fields);
    let status = if refusals.is_empty() { 200 } else { refused_status(&refusals) };
    let mut e = FormErrors::default();
    gather(&mut e, &LABELS, refusals)?;
    let mut tx = app.db.read().await?;
    let effects = effects(&mut tx, &tree, &o, kind).await?;
    drop(tx);
    let others = |none: &str| {
        tree.options(staff.actor(), Permission::OrganRead, none, |c| c.id != o.id && !tree.chain(c.id).contains(&o.id))
    };
    let select =
        |key: &str, none: &str| json!({ "value": fields.raw(key), "error": e.of(key), "options": others(none) });
    let context = json!({
        "title": format!("登记变动：{}", o.name),
        "crumbs": [
            crumb("机关", Some("/organs")), crumb(&o.short_name, Some(&format!("/organs/{}", o.id))), crumb("登记变动", None),
        ],
        "kinds": KINDS
            .iter()
            .map(|(k, name, _)| json!({
                "name": name, "url": format!("/organs/{}/change?kind={k}", o.id), "count": null, "current": *k == kind,
            }))
            .collect::<Vec<Value>>(),
        "kind": kind,
        "submit_label": submit,
        "cancel_url": format!("/organs/{}", o.id),
        "effects": effects,
        "form": {
            "action": format!("/organs/{}/change", o.id),
            "errors": e.0,
            "fields": {
                "on": e.field(fields, "on"), "name": e.field(fields, "name"), "short_name": e.field(fields, "short_name"),
                "into": select("into", "请选择"), "parts": e.field(fields, "parts"),
                "successor": select("successor", "没有承接单位"), "basis": e.field(fields, "basis"),
                "sure": { "checked": fields.ticked("sure"), "error": e.of("sure") },
            },
        },
    });
    Ok(pages.page_with(status, "office/staff/organ-change.html", context).await)
}

async fn change_form(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Outcome {
    let query = Fields::parse(raw.unwrap_or_default().as_bytes());
    let (o, _) = writable(&app, &staff, &id).await?;
    if o.until_on.is_some() {
        return Err(Refusal::conflict("organ.ended", "已经撤销的机关不能再变动").mend("请到承接它的机关办理").into());
    }
    let mut fields = Fields::default();
    fields.push("kind", query.get("kind").to_string());
    change_page(&app, &staff, &pages, &id, &fields, Vec::new()).await
}

async fn change(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>, posted: Posted) -> Outcome {
    let (o, _) = writable(&app, &staff, &id).await?;
    let fields = &posted.fields;
    let mut refusals = Vec::new();
    let on = kernel::time::parse_date(fields.get("on")).map_err(|r| refusals.push(r.at("on"))).ok();
    refusals.extend(rules::basis(fields.get("basis")).err());
    if !fields.ticked("sure") {
        refusals.push(Refusal::invalid("organ.sure", "请核对后果并打勾").at("sure"));
    }
    let (kind, name, _) = kind_of(fields);
    let id_of = |key: &'static str| {
        fields
            .get(key)
            .parse::<Id>()
            .map_err(|_| Refusal::invalid("organ.choose", "还没有选").at(key).mend("请从列表里选择"))
    };
    if let (Some(on), true) = (on, refusals.is_empty()) {
        let basis = fields.get("basis");
        let mut tx = app.db.write(&staff.ctx).await?;
        let done = match kind {
            "merge" => match id_of("into") {
                Ok(into) => act::merge(&mut tx, o.id, on, into, basis).await,
                Err(r) => Err(r),
            },
            "split" => match rules::parts(fields.raw("parts")) {
                Ok(parts) => act::split(&mut tx, o.id, on, &parts, basis).await.map(drop),
                Err(r) => Err(r),
            },
            "abolish" if fields.get("successor").is_empty() => act::abolish(&mut tx, o.id, on, None, basis).await,
            "abolish" => match id_of("successor") {
                Ok(to) => act::abolish(&mut tx, o.id, on, Some(to), basis).await,
                Err(r) => Err(r),
            },
            _ => act::rename(&mut tx, o.id, on, fields.get("name"), fields.get("short_name"), basis).await,
        };
        match done {
            Ok(()) => {
                tx.commit().await?;
                let to = format!("/organs/{}", o.id);
                let response: Response = redirect_with(&app, &to, "ok", &format!("已登记：{name}"), "");
                return Ok(response);
            }
            Err(r) => refusals.push(r),
        }
    }
    change_page(&app, &staff, &pages, &id, fields, refusals).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_from_both_ends() {
        let (a, b) = (Id::from_i64(1), Id::from_i64(2));
        let c = organ::Change {
            id: Id::from_i64(9),
            on: "2019-01-10".into(),
            kind: "merge".into(),
            basis: "云办发〔2019〕2号".into(),
            predecessors: vec![a],
            successors: vec![b],
        };
        assert_eq!(change_words(&c, a), ("并入", "并入", vec![b]));
        assert_eq!(change_words(&c, b), ("并入", "承接", vec![a]));
        let gone = organ::Change { kind: "abolish".into(), successors: Vec::new(), predecessors: Vec::new(), ..c };
        assert_eq!(change_words(&gone, a), ("撤销", "没有承接单位", Vec::new()));
    }
}
