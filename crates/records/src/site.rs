//! Sites 站点, their domains and their column trees 栏目.

use kernel::permission::Target;
use kernel::{Id, Refusal, Result};
use platform::{Read, Row, Sql, WriteTx, args};
use serde::{Deserialize, Serialize};

use crate::organ;

/// What sort of site it is; decides its theme and its default columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteKind {
    /// 门户网站
    Portal,
    /// 县区门户
    County,
    /// 部门网站
    Department,
    /// 党群单位网站
    Party,
}

impl SiteKind {
    /// Every kind.
    pub const ALL: [SiteKind; 4] = [SiteKind::Portal, SiteKind::County, SiteKind::Department, SiteKind::Party];
    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            SiteKind::Portal => "portal",
            SiteKind::County => "county",
            SiteKind::Department => "department",
            SiteKind::Party => "party",
        }
    }
    /// What pages call it.
    pub fn label(self) -> &'static str {
        match self {
            SiteKind::Portal => "市政府门户",
            SiteKind::County => "县区政府",
            SiteKind::Department => "市政府部门",
            SiteKind::Party => "党群单位",
        }
    }
    /// The kind of a stored code.
    pub fn from_code(code: &str) -> Option<SiteKind> {
        SiteKind::ALL.into_iter().find(|k| k.code() == code)
    }
}

/// Where a site stands in its life (国办发〔2017〕47号 §三).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteStatus {
    /// 筹建
    Planned,
    /// 检测: the security test is passed.
    Tested,
    /// 备案
    Registered,
    /// 运行
    Running,
    /// 临时下线
    Paused,
    /// 关停
    Closed,
}

impl SiteStatus {
    /// Every status, in the order of a site's life.
    pub const ALL: [SiteStatus; 6] = [
        SiteStatus::Planned,
        SiteStatus::Tested,
        SiteStatus::Registered,
        SiteStatus::Running,
        SiteStatus::Paused,
        SiteStatus::Closed,
    ];
    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            SiteStatus::Planned => "planned",
            SiteStatus::Tested => "tested",
            SiteStatus::Registered => "registered",
            SiteStatus::Running => "running",
            SiteStatus::Paused => "paused",
            SiteStatus::Closed => "closed",
        }
    }
    /// What pages call it.
    pub fn label(self) -> &'static str {
        match self {
            SiteStatus::Planned => "筹建",
            SiteStatus::Tested => "已检测",
            SiteStatus::Registered => "已备案",
            SiteStatus::Running => "运行",
            SiteStatus::Paused => "临时下线",
            SiteStatus::Closed => "已关停",
        }
    }
    /// The status of a stored code.
    pub fn from_code(code: &str) -> Option<SiteStatus> {
        SiteStatus::ALL.into_iter().find(|k| k.code() == code)
    }
}

/// A site's settings: what a form edits, with the footer elements of 国办发〔2017〕47号.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // columns of the table
pub struct SiteSettings {
    pub name: String,
    pub short_name: String,
    pub theme: String,
    pub id_code: String,
    pub sub: String,
    pub icp: String,
    pub psb: String,
    pub psb_code: String,
    pub conac: String,
    pub sponsor: String,
    pub operator: String,
    pub phone: String,
    pub hours: String,
    pub address: String,
    pub search_hint: String,
    pub grey: bool,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Site {
    pub id: Id,
    pub slug: String,
    pub organ: Id,
    pub kind: SiteKind,
    pub status: SiteStatus,
    pub set: SiteSettings,
    pub domain: String,
    pub demo: bool,
    pub sort: i64,
    pub lock_version: i64,
}

const SELECT: &str = "SELECT s.id, s.slug, s.organ_id, s.kind, s.name, s.short_name, s.theme, s.status, s.id_code, s.sub, s.icp, s.psb, s.psb_code, s.conac, s.sponsor, s.operator, s.phone, s.hours, s.address, s.search_hint, s.grey, s.demo, s.sort, s.lock_version, d.host FROM site s LEFT JOIN site_domain d ON d.site_id=s.id AND d.main=TRUE";

fn site(r: &Row) -> Result<Site> {
    let (kind, status): (String, String) = (r.get("kind")?, r.get("status")?);
    let slug: String = r.get("slug")?;
    let bad = |what: &str| Refusal::internal("db.inconsistent", format_args!("site {what}"));
    Ok(Site {
        id: r.get("id")?,
        organ: r.get("organ_id")?,
        kind: SiteKind::from_code(&kind).ok_or_else(|| bad(&kind))?,
        status: SiteStatus::from_code(&status).ok_or_else(|| bad(&status))?,
        domain: r.get::<Option<String>>("host")?.unwrap_or_else(|| format!("{slug}.localhost")),
        slug,
        set: SiteSettings {
            name: r.get("name")?,
            short_name: r.get("short_name")?,
            theme: r.get("theme")?,
            id_code: r.get("id_code")?,
            sub: r.get("sub")?,
            icp: r.get("icp")?,
            psb: r.get("psb")?,
            psb_code: r.get("psb_code")?,
            conac: r.get("conac")?,
            sponsor: r.get("sponsor")?,
            operator: r.get("operator")?,
            phone: r.get("phone")?,
            hours: r.get("hours")?,
            address: r.get("address")?,
            search_hint: r.get("search_hint")?,
            grey: r.get("grey")?,
        },
        demo: r.get("demo")?,
        sort: r.get("sort")?,
        lock_version: r.get("lock_version")?,
    })
}

/// Every site: portal, counties, departments, party units.
///
/// # Errors
/// `db.fault`.
pub async fn list(tx: &mut impl Read) -> Result<Vec<Site>> {
    let mut sql = Sql::new(SELECT);
    sql.push(" ORDER BY s.sort, s.id");
    tx.rows(sql, vec![]).await?.iter().map(site).collect()
}

/// A site by id.
///
/// # Errors
/// `site.unknown`.
pub async fn get(tx: &mut impl Read, id: Id) -> Result<Site> {
    let mut sql = Sql::new(SELECT);
    sql.push(" WHERE s.id=").bind(id);
    tx.optional(sql, vec![]).await?.as_ref().map(site).transpose()?.ok_or_else(unknown)
}

/// A site by its address word.
///
/// # Errors
/// `db.fault`.
pub async fn find_slug(tx: &mut impl Read, slug: &str) -> Result<Option<Site>> {
    let mut sql = Sql::new(SELECT);
    sql.push(" WHERE s.slug=").bind(slug);
    tx.optional(sql, vec![]).await?.as_ref().map(site).transpose()
}

/// The refusal where a site does not exist or may not be known.
pub fn unknown() -> Refusal {
    Refusal::not_found("site.unknown", "没有这个站点").mend("请从站点列表重新进入")
}

/// What permissions on this site are checked against.
///
/// # Errors
/// `site.unknown`.
pub async fn target(tx: &mut impl Read, site: Id) -> Result<Target> {
    let row = tx.optional("SELECT organ_id AS n FROM site WHERE id=$1", args![site]).await?;
    let organ: Id = row.ok_or_else(unknown)?.get("n")?;
    Ok(Target::Site { site, organs: organ::chain(tx, organ).await? })
}

/// Sites in which an actor may do something.
///
/// # Errors
/// `db.fault`.
pub async fn allowed(tx: &mut impl Read, actor: &kernel::Actor, what: kernel::Permission) -> Result<Vec<Site>> {
    let mut out = Vec::new();
    if !actor.may_somewhere(what) {
        return Ok(out);
    }
    for s in list(tx).await? {
        let t = Target::Site { site: s.id, organs: organ::chain(tx, s.organ).await? };
        if actor.may(what, &t) {
            out.push(s);
        }
    }
    Ok(out)
}

/// Adds a site.
///
/// # Errors
/// `db.duplicate`, `db.fault`.
#[allow(clippy::too_many_arguments)]
pub async fn insert(
    tx: &mut WriteTx,
    slug: &str,
    organ: Id,
    kind: SiteKind,
    status: SiteStatus,
    s: &SiteSettings,
    demo: bool,
    sort: i64,
) -> Result<Id> {
    let id = tx.ctx().id();
    tx.exec_one(
        "INSERT INTO site (id, slug, organ_id, kind, name, short_name, theme, status, id_code, sub, icp, psb, psb_code, conac, sponsor, operator, phone, hours, address, search_hint, grey, demo, sort, lock_version)
         VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,1)",
        args![
            id, slug, organ, kind.code(), &s.name, &s.short_name, &s.theme, status.code(), &s.id_code, &s.sub, &s.icp,
            &s.psb, &s.psb_code, &s.conac, &s.sponsor, &s.operator, &s.phone, &s.hours, &s.address, &s.search_hint,
            s.grey, demo, sort
        ],
    )
    .await?;
    Ok(id)
}

/// Changes a site's settings, if nobody did since `lock_version` was read.
///
/// # Errors
/// `site.stale` where somebody did.
pub async fn update(tx: &mut WriteTx, id: Id, lock_version: i64, s: &SiteSettings) -> Result<()> {
    let n = tx
        .exec(
            "UPDATE site SET name=$1, short_name=$2, theme=$3, id_code=$4, sub=$5, icp=$6, psb=$7, psb_code=$8, conac=$9, sponsor=$10, operator=$11, phone=$12, hours=$13, address=$14, search_hint=$15, grey=$16, lock_version=lock_version+1 WHERE id=$17 AND lock_version=$18",
            args![
                &s.name, &s.short_name, &s.theme, &s.id_code, &s.sub, &s.icp, &s.psb, &s.psb_code, &s.conac,
                &s.sponsor, &s.operator, &s.phone, &s.hours, &s.address, &s.search_hint, s.grey, id, lock_version
            ],
        )
        .await?;
    if n == 1 {
        Ok(())
    } else {
        Err(Refusal::conflict("site.stale", "在您填写期间，别人修改了这个站点的设置").mend("请核对后重新保存"))
    }
}

/// Changes a site's status.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_status(tx: &mut WriteTx, id: Id, status: SiteStatus) -> Result<()> {
    tx.exec_one("UPDATE site SET status=$1, lock_version=lock_version+1 WHERE id=$2", args![status.code(), id]).await
}

/// A host name of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Domain {
    pub host: String,
    pub site: Id,
    pub main: bool,
}

/// Every host name.
///
/// # Errors
/// `db.fault`.
pub async fn domains(tx: &mut impl Read) -> Result<Vec<Domain>> {
    tx.rows("SELECT host, site_id, main FROM site_domain ORDER BY host", vec![])
        .await?
        .iter()
        .map(|r| Ok(Domain { host: r.get("host")?, site: r.get("site_id")?, main: r.get("main")? }))
        .collect()
}

/// Gives a site a host name.
///
/// # Errors
/// `db.duplicate` where another site has it.
pub async fn insert_domain(tx: &mut WriteTx, site: Id, host: &str, main: bool) -> Result<()> {
    tx.exec_one("INSERT INTO site_domain (host, site_id, main) VALUES ($1,$2,$3)", args![host, site, main]).await
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Column {
    pub id: Id,
    pub site: Id,
    pub parent: Option<Id>,
    pub slug: String,
    /// `zhengce/wenjian`: the slugs from the top, without outer slashes.
    pub path: String,
    pub name: String,
    pub description: String,
    pub keywords: String,
    /// Category of `ColumnType`, spec §1.6.
    pub kind: String,
    /// What the home page uses it for: `news`, `notice`, `policy` …; empty for none.
    pub role: String,
    pub sort: i64,
    pub open: bool,
}

const COLUMNS: &str =
    "SELECT id, site_id, parent_id, slug, path, name, description, keywords, type, role, sort, status FROM site_column";

fn column(r: &Row) -> Result<Column> {
    Ok(Column {
        id: r.get("id")?,
        site: r.get("site_id")?,
        parent: r.get("parent_id")?,
        slug: r.get("slug")?,
        path: r.get("path")?,
        name: r.get("name")?,
        description: r.get("description")?,
        keywords: r.get("keywords")?,
        kind: r.get("type")?,
        role: r.get("role")?,
        sort: r.get("sort")?,
        open: r.get::<String>("status")? == "open",
    })
}

/// Columns of a site, parents before children, siblings in order.
///
/// # Errors
/// `db.fault`.
pub async fn columns(tx: &mut impl Read, site: Id) -> Result<Vec<Column>> {
    let mut sql = Sql::new(COLUMNS);
    sql.push(" WHERE site_id=").bind(site).push(" ORDER BY sort, id");
    let all: Vec<Column> = tx.rows(sql, vec![]).await?.iter().map(column).collect::<Result<_>>()?;
    let mut out = Vec::with_capacity(all.len());
    fn walk(all: &[Column], parent: Option<Id>, depth: usize, out: &mut Vec<Column>) {
        if depth > 12 {
            return;
        }
        for c in all.iter().filter(|c| c.parent == parent) {
            out.push(c.clone());
            walk(all, Some(c.id), depth + 1, out);
        }
    }
    walk(&all, None, 0, &mut out);
    Ok(out)
}

/// A column by id.
///
/// # Errors
/// `column.unknown`.
pub async fn get_column(tx: &mut impl Read, id: Id) -> Result<Column> {
    let mut sql = Sql::new(COLUMNS);
    sql.push(" WHERE id=").bind(id);
    tx.optional(sql, vec![]).await?.as_ref().map(column).transpose()?.ok_or_else(unknown_column)
}

/// A column by its path.
///
/// # Errors
/// `db.fault`.
pub async fn find_column(tx: &mut impl Read, site: Id, path: &str) -> Result<Option<Column>> {
    let mut sql = Sql::new(COLUMNS);
    sql.push(" WHERE site_id=").bind(site).push(" AND path=").bind(path);
    tx.optional(sql, vec![]).await?.as_ref().map(column).transpose()
}

/// The refusal where a column does not exist.
pub fn unknown_column() -> Refusal {
    Refusal::not_found("column.unknown", "没有这个栏目").mend("请从栏目列表重新选择")
}

/// What is needed to make a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // columns of the table
pub struct NewColumn {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub keywords: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub sort: i64,
}

/// Adds a column below a parent.
///
/// # Errors
/// `db.duplicate` where a sibling has the same address word.
pub async fn insert_column(tx: &mut WriteTx, site: Id, parent: Option<&Column>, c: &NewColumn) -> Result<Column> {
    let id = tx.ctx().id();
    let path = match parent {
        Some(p) => format!("{}/{}", p.path, c.slug),
        None => c.slug.clone(),
    };
    tx.exec_one(
        "INSERT INTO site_column (id, site_id, parent_id, slug, path, name, description, keywords, type, role, sort, status) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,'open')",
        args![
            id, site, parent.map(|p| p.id), &c.slug, &path, &c.name, &c.description, &c.keywords, &c.kind, &c.role, c.sort
        ],
    )
    .await?;
    get_column(tx, id).await
}

/// Old paths of columns: `(path, column)`.
///
/// # Errors
/// `db.fault`.
pub async fn old_paths(tx: &mut impl Read, site: Id) -> Result<Vec<(String, Id)>> {
    tx.rows("SELECT path, column_id FROM column_address WHERE site_id=$1 ORDER BY path", args![site])
        .await?
        .iter()
        .map(|r| Ok((r.get("path")?, r.get("column_id")?)))
        .collect()
}

/// The city.
#[derive(Clone, Debug, Serialize)]
pub struct City {
    /// 云川市
    pub name: String,
    /// Whether it is a demonstration.
    pub demo: bool,
    /// The city's government.
    pub root: Id,
}

/// The city.
///
/// # Errors
/// `city.none` where the data folder has been opened but not initialised.
pub async fn city(tx: &mut impl Read) -> Result<City> {
    let row = tx.optional("SELECT name, demo, root_id FROM city WHERE id=1", vec![]).await?;
    let r = row.ok_or_else(|| {
        Refusal::not_found("city.none", "数据目录还没有初始化").mend("请先运行 gongkai init 或 gongkai demo")
    })?;
    Ok(City { name: r.get("name")?, demo: r.get("demo")?, root: r.get("root_id")? })
}

/// Notes what the city is called.
///
/// # Errors
/// `db.duplicate` where it was noted before.
pub async fn insert_city(tx: &mut WriteTx, name: &str, demo: bool, root: Id) -> Result<()> {
    tx.exec_one("INSERT INTO city (id, name, demo, root_id) VALUES (1,$1,$2,$3)", args![name, demo, root]).await
}
