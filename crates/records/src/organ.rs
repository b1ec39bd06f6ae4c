//! Organs 机关: a tree with dated changes. A department that was merged in 2019 still owns what it did in 2018.

use std::collections::HashMap;

use kernel::permission::Target;
use kernel::{Date, Id, Refusal, Result};
use platform::{Read, Row, Sql, WriteTx, args};
use serde::{Deserialize, Serialize};

/// What sort of organ it is. The kind decides its duties: a party unit has a site, but no 政府信息公开 column, no
/// request entrance and no annual report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganKind {
    /// 人民政府
    Government,
    /// 政府部门
    Department,
    /// 乡镇、街道
    Town,
    /// 法律、法规授权的组织
    Authorised,
    /// 党群单位
    PartyUnit,
    /// 公共企事业单位
    PublicUtility,
}

impl OrganKind {
    /// Every kind.
    pub const ALL: [OrganKind; 6] = [
        OrganKind::Government,
        OrganKind::Department,
        OrganKind::Town,
        OrganKind::Authorised,
        OrganKind::PartyUnit,
        OrganKind::PublicUtility,
    ];

    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            OrganKind::Government => "government",
            OrganKind::Department => "department",
            OrganKind::Town => "town",
            OrganKind::Authorised => "authorised",
            OrganKind::PartyUnit => "party_unit",
            OrganKind::PublicUtility => "public_utility",
        }
    }

    /// What pages call it.
    pub fn label(self) -> &'static str {
        match self {
            OrganKind::Government => "人民政府",
            OrganKind::Department => "政府部门",
            OrganKind::Town => "乡镇街道",
            OrganKind::Authorised => "授权组织",
            OrganKind::PartyUnit => "党群单位",
            OrganKind::PublicUtility => "公共企事业单位",
        }
    }

    /// The kind of a stored code.
    pub fn from_code(code: &str) -> Option<OrganKind> {
        OrganKind::ALL.into_iter().find(|k| k.code() == code)
    }

    /// Whether it owes proactive disclosure, request handling and an annual report
    /// (政府信息公开条例 articles 2, 54, 55).
    pub fn owes_disclosure(self) -> bool {
        matches!(self, OrganKind::Government | OrganKind::Department | OrganKind::Town | OrganKind::Authorised)
    }

    /// Whether it may have a site of its own (国办发〔2017〕47号: towns publish through their county).
    pub fn may_have_site(self) -> bool {
        !matches!(self, OrganKind::Town | OrganKind::PublicUtility)
    }
}

/// An organ as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Organ {
    pub id: Id,
    pub slug: String,
    pub kind: OrganKind,
    pub parent: Option<Id>,
    pub name: String,
    pub short_name: String,
    pub division: String,
    pub credit_code: Option<String>,
    pub phone: String,
    pub address: String,
    pub hours: String,
    pub duties: String,
    pub sort: i64,
    #[serde(skip)]
    pub from_on: Date,
    #[serde(skip)]
    pub until_on: Option<Date>,
}

const SELECT: &str = "SELECT o.id, o.slug, o.kind, o.parent_id, n.name, n.short_name, o.division, o.credit_code, o.phone, o.address, o.hours, o.duties, o.sort, o.from_on, o.until_on FROM organ o JOIN organ_name n ON n.organ_id=o.id AND n.from_on=(SELECT MAX(m.from_on) FROM organ_name m WHERE m.organ_id=o.id)";

fn organ(r: &Row) -> Result<Organ> {
    let kind: String = r.get("kind")?;
    Ok(Organ {
        id: r.get("id")?,
        slug: r.get("slug")?,
        kind: OrganKind::from_code(&kind)
            .ok_or_else(|| Refusal::internal("db.inconsistent", format_args!("organ kind {kind}")))?,
        parent: r.get("parent_id")?,
        name: r.get("name")?,
        short_name: r.get("short_name")?,
        division: r.get("division")?,
        credit_code: r.get("credit_code")?,
        phone: r.get("phone")?,
        address: r.get("address")?,
        hours: r.get("hours")?,
        duties: r.get("duties")?,
        sort: r.get("sort")?,
        from_on: r.get("from_on")?,
        until_on: r.get("until_on")?,
    })
}

/// Every organ, in the order of the tree's `sort`.
///
/// # Errors
/// `db.fault`.
pub async fn list(tx: &mut impl Read) -> Result<Vec<Organ>> {
    let mut sql = Sql::new(SELECT);
    sql.push(" ORDER BY o.sort, o.id");
    tx.rows(sql, vec![]).await?.iter().map(organ).collect()
}

/// An organ by id.
///
/// # Errors
/// `organ.unknown`.
pub async fn get(tx: &mut impl Read, id: Id) -> Result<Organ> {
    let mut sql = Sql::new(SELECT);
    sql.push(" WHERE o.id=").bind(id);
    tx.optional(sql, vec![]).await?.as_ref().map(organ).transpose()?.ok_or_else(unknown)
}

/// An organ by its address word.
///
/// # Errors
/// `db.fault`.
pub async fn find_slug(tx: &mut impl Read, slug: &str) -> Result<Option<Organ>> {
    let mut sql = Sql::new(SELECT);
    sql.push(" WHERE o.slug=").bind(slug);
    tx.optional(sql, vec![]).await?.as_ref().map(organ).transpose()
}

fn unknown() -> Refusal {
    Refusal::not_found("organ.unknown", "没有这个机关")
}

/// An organ with its ancestors, nearest first: what permissions are checked against.
///
/// # Errors
/// `organ.unknown`.
pub async fn chain(tx: &mut impl Read, id: Id) -> Result<Vec<Id>> {
    let mut chain = Vec::new();
    let mut next = Some(id);
    while let Some(id) = next {
        // A loop in the tree would be an inconsistency; it must not hang a request.
        if chain.contains(&id) || chain.len() > 16 {
            return Err(Refusal::internal("db.inconsistent", format_args!("the organ tree loops at {id}")));
        }
        chain.push(id);
        let row = tx.optional("SELECT parent_id AS n FROM organ WHERE id=$1", args![id]).await?;
        next = row.ok_or_else(unknown)?.get("n")?;
    }
    Ok(chain)
}

/// What permissions on this organ are checked against.
///
/// # Errors
/// `organ.unknown`.
pub async fn target(tx: &mut impl Read, id: Id) -> Result<Target> {
    Ok(Target::Organ(chain(tx, id).await?))
}

/// Everything below an organ, itself included.
///
/// # Errors
/// `db.fault`.
pub async fn below(tx: &mut impl Read, root: Id) -> Result<Vec<Id>> {
    let mut children: HashMap<Id, Vec<Id>> = HashMap::new();
    for r in tx.rows("SELECT id, parent_id FROM organ WHERE parent_id IS NOT NULL", vec![]).await? {
        children.entry(r.get("parent_id")?).or_default().push(r.get("id")?);
    }
    let mut all = vec![root];
    let mut i = 0;
    while let Some(id) = all.get(i).copied() {
        all.extend(children.remove(&id).unwrap_or_default());
        i += 1;
    }
    Ok(all)
}

/// What is needed to make an organ.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // columns of the table
pub struct NewOrgan {
    pub slug: String,
    pub kind: OrganKind,
    pub parent: Option<Id>,
    pub name: String,
    pub short_name: String,
    pub division: String,
    pub credit_code: Option<String>,
    pub phone: String,
    pub address: String,
    pub hours: String,
    pub duties: String,
    pub sort: i64,
    pub from_on: Date,
}

/// Adds an organ with its first name.
///
/// # Errors
/// `db.duplicate`, `db.fault`.
pub async fn insert(tx: &mut WriteTx, o: &NewOrgan) -> Result<Id> {
    let id = tx.ctx().id();
    tx.exec_one(
        "INSERT INTO organ (id, slug, kind, parent_id, division, credit_code, phone, address, hours, duties, sort, from_on) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)",
        args![
            id, &o.slug, o.kind.code(), o.parent, &o.division, o.credit_code.clone(), &o.phone, &o.address, &o.hours,
            &o.duties, o.sort, o.from_on
        ],
    )
    .await?;
    insert_name(tx, id, o.from_on, &o.name, &o.short_name).await?;
    Ok(id)
}

/// Gives an organ a name from a day on; the name before ends the day before.
///
/// # Errors
/// `db.duplicate` where it already got a name on that day.
pub async fn insert_name(tx: &mut WriteTx, id: Id, from: Date, name: &str, short_name: &str) -> Result<()> {
    if let Some(eve) = from.previous_day() {
        tx.exec(
            "UPDATE organ_name SET until_on=$1 WHERE organ_id=$2 AND until_on IS NULL AND from_on<$3",
            args![eve, id, from],
        )
        .await?;
    }
    tx.exec_one(
        "INSERT INTO organ_name (organ_id, from_on, name, short_name) VALUES ($1,$2,$3,$4)",
        args![id, from, name, short_name],
    )
    .await
}

/// Changes what is not a dated change: contact data, duties, order.
///
/// # Errors
/// `db.inconsistent` where there is no such organ.
#[expect(clippy::too_many_arguments, reason = "the columns of one form")]
pub async fn update_contact(
    tx: &mut WriteTx,
    id: Id,
    phone: &str,
    address: &str,
    hours: &str,
    duties: &str,
    credit_code: Option<String>,
    sort: i64,
) -> Result<()> {
    tx.exec_one(
        "UPDATE organ SET phone=$1, address=$2, hours=$3, duties=$4, credit_code=$5, sort=$6 WHERE id=$7",
        args![phone, address, hours, duties, credit_code, sort, id],
    )
    .await
}

/// A dated change of an organ.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Change {
    pub id: Id,
    pub on: String,
    pub kind: String,
    pub basis: String,
    pub predecessors: Vec<Id>,
    pub successors: Vec<Id>,
}

/// Notes a dated change with who took over from whom.
///
/// # Errors
/// `db.fault`.
pub async fn insert_change(
    tx: &mut WriteTx,
    organ: Id,
    on: Date,
    kind: &str,
    basis: &str,
    succession: &[(Id, Id)],
) -> Result<Id> {
    let id = tx.ctx().id();
    tx.exec_one(
        "INSERT INTO organ_change (id, organ_id, on_date, kind, basis) VALUES ($1,$2,$3,$4,$5)",
        args![id, organ, on, kind, basis],
    )
    .await?;
    for (from, to) in succession {
        tx.exec_one(
            "INSERT INTO organ_succession (change_id, predecessor_id, successor_id) VALUES ($1,$2,$3)",
            args![id, *from, *to],
        )
        .await?;
    }
    Ok(id)
}

/// Ends an organ on a day (its last).
///
/// # Errors
/// `db.inconsistent` where there is no such organ.
pub async fn end(tx: &mut WriteTx, id: Id, until: Date) -> Result<()> {
    tx.exec_one("UPDATE organ SET until_on=$1 WHERE id=$2", args![until, id]).await?;
    tx.exec("UPDATE organ_name SET until_on=$1 WHERE organ_id=$2 AND until_on IS NULL", args![until, id]).await?;
    Ok(())
}

/// Dated changes that concern an organ, oldest first.
///
/// # Errors
/// `db.fault`.
pub async fn changes(tx: &mut impl Read, organ: Id) -> Result<Vec<Change>> {
    let rows = tx
        .rows(
            "SELECT DISTINCT c.id, c.on_date, c.kind, c.basis FROM organ_change c LEFT JOIN organ_succession s ON s.change_id=c.id
             WHERE c.organ_id=$1 OR s.predecessor_id=$1 OR s.successor_id=$1 ORDER BY c.on_date, c.id",
            args![organ],
        )
        .await?;
    let mut out = Vec::new();
    for r in &rows {
        let id: Id = r.get("id")?;
        let pairs =
            tx.rows("SELECT predecessor_id, successor_id FROM organ_succession WHERE change_id=$1", args![id]).await?;
        let mut predecessors = Vec::new();
        let mut successors = Vec::new();
        for p in &pairs {
            predecessors.push(p.get("predecessor_id")?);
            successors.push(p.get("successor_id")?);
        }
        predecessors.sort_unstable();
        predecessors.dedup();
        successors.sort_unstable();
        successors.dedup();
        out.push(Change {
            id,
            on: r.get("on_date")?,
            kind: r.get("kind")?,
            basis: r.get("basis")?,
            predecessors,
            successors,
        });
    }
    Ok(out)
}

/// A name and when it held.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct DatedName {
    pub from: String,
    pub until: Option<String>,
    pub name: String,
    pub short_name: String,
}

/// What an organ was called when, oldest first.
///
/// # Errors
/// `db.fault`.
pub async fn names(tx: &mut impl Read, organ: Id) -> Result<Vec<DatedName>> {
    tx.rows(
        "SELECT from_on, until_on, name, short_name FROM organ_name WHERE organ_id=$1 ORDER BY from_on",
        args![organ],
    )
    .await?
    .iter()
    .map(|r| {
        Ok(DatedName {
            from: r.get("from_on")?,
            until: r.get("until_on")?,
            name: r.get("name")?,
            short_name: r.get("short_name")?,
        })
    })
    .collect()
}

/// A post and who holds it.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // columns of the tables
pub struct Post {
    pub id: Id,
    pub title: String,
    pub holder: Option<String>,
    pub from: Option<String>,
    pub until: Option<String>,
}

/// Posts of an organ with everyone who ever held them, present holders first.
///
/// # Errors
/// `db.fault`.
pub async fn posts(tx: &mut impl Read, organ: Id) -> Result<Vec<Post>> {
    tx.rows(
        "SELECT p.id, p.title, q.name, t.from_on, t.until_on FROM post p LEFT JOIN tenure t ON t.post_id=p.id LEFT JOIN person q ON q.id=t.person_id
         WHERE p.organ_id=$1 ORDER BY p.sort, CASE WHEN t.until_on IS NULL THEN 0 ELSE 1 END, t.from_on DESC",
        args![organ],
    )
    .await?
    .iter()
    .map(|r| {
        Ok(Post {
            id: r.get("id")?,
            title: r.get("title")?,
            holder: r.get("name")?,
            from: r.get("from_on")?,
            until: r.get("until_on")?,
        })
    })
    .collect()
}

/// Adds a post with its holder.
///
/// # Errors
/// `db.fault`.
pub async fn insert_post(
    tx: &mut WriteTx,
    organ: Id,
    title: &str,
    sort: i64,
    holder: Option<(&str, Date, Option<Date>)>,
) -> Result<Id> {
    let id = tx.ctx().id();
    tx.exec_one("INSERT INTO post (id, organ_id, title, sort) VALUES ($1,$2,$3,$4)", args![id, organ, title, sort])
        .await?;
    if let Some((name, from, until)) = holder {
        let person = tx.ctx().id();
        tx.exec_one("INSERT INTO person (id, name, organ_id) VALUES ($1,$2,$3)", args![person, name, organ]).await?;
        tx.exec_one(
            "INSERT INTO tenure (post_id, person_id, from_on, until_on) VALUES ($1,$2,$3,$4)",
            args![id, person, from, until],
        )
        .await?;
    }
    Ok(id)
}
