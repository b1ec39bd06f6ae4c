//! An empty city: its government, the portal with the usual columns, three administrators.

use capabilities::office::api;
use kernel::permission::{Grant, Role, Scope};
use kernel::{Id, Refusal, Result};
use platform::Read as _;
use platform::audit::Entry;
use platform::WriteTx;
use records::organ::{self, NewOrgan, OrganKind};
use records::site::{self, Column, NewColumn, SiteKind, SiteSettings, SiteStatus};
use serde::{Deserialize, Serialize};

use crate::house::House;

/// A column with those below it, as data files have it.
#[derive(Clone, Debug, Deserialize)]
pub struct ColumnTree {
    /// Address word, name, description, keywords, type, role.
    #[serde(flatten)]
    pub column: RawColumn,
    /// Those below it.
    #[serde(default)]
    pub children: Vec<ColumnTree>,
}

/// A column as data files have it.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // fields of the data file
pub struct RawColumn {
    pub slug: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub keywords: serde_json::Value,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub role: Option<String>,
}

/// The column trees that new sites begin with, by kind of site.
const COLUMNS: &str = include_str!("../demo/columns.json");

/// The usual columns of a kind of site, with the place's name in `{place}`.
///
/// # Errors
/// `demo.data` where the file is not what it should be.
pub fn usual_columns(kind: SiteKind, place: &str) -> Result<Vec<ColumnTree>> {
    let text = COLUMNS.replace("{place}", place);
    let mut all: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).map_err(|e| Refusal::internal("demo.data", e))?;
    let tree = all.remove(kind.code()).unwrap_or_default();
    serde_json::from_value(tree).map_err(|e| Refusal::internal("demo.data", e))
}

/// Adds columns with those below them.
///
/// # Errors
/// `db.duplicate`.
pub async fn add_columns(tx: &mut WriteTx, site: Id, parent: Option<&Column>, trees: &[ColumnTree]) -> Result<()> {
    for (i, t) in trees.iter().enumerate() {
        let keywords = match &t.column.keywords {
            serde_json::Value::String(s) => s.clone(),
            serde_json::Value::Array(a) => {
                a.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join("，")
            }
            _ => String::new(),
        };
        let new = NewColumn {
            slug: t.column.slug.clone(),
            name: t.column.name.clone(),
            description: t.column.description.clone(),
            keywords,
            kind: t.column.kind.clone(),
            role: t.column.role.clone().unwrap_or_default(),
            sort: (i as i64 + 1) * 10,
        };
        let c = site::insert_column(tx, site, parent, &new).await?;
        Box::pin(add_columns(tx, site, Some(&c), &t.children)).await?;
    }
    Ok(())
}

/// A first sign-in that is printed once.
#[derive(Clone, Debug, Serialize)]
pub struct FirstLogin {
    /// 系统管理员
    pub role: &'static str,
    /// Its name.
    pub username: String,
    /// Valid until the first sign-in.
    pub password: String,
}

/// Makes an empty city.
///
/// # Errors
/// `city.exists` where there is one.
pub async fn run(house: &House, name: &str) -> Result<Vec<FirstLogin>> {
    let ctx = house.ctx("命令行");
    let mut tx = house.app.db.write(&ctx).await?;
    if tx.optional("SELECT id FROM city WHERE id=1", vec![]).await?.is_some() {
        return Err(Refusal::conflict("city.exists", "这个数据目录里已经有城市").mend("请换一个空目录，或者直接运行 gongkai serve"));
    }
    let government = format!("{name}人民政府");
    let root = organ::insert(
        &mut tx,
        &NewOrgan {
            slug: "shizf".into(),
            kind: OrganKind::Government,
            parent: None,
            name: government.clone(),
            short_name: "市政府".into(),
            division: "990100".into(),
            credit_code: None,
            phone: String::new(),
            address: String::new(),
            hours: String::new(),
            duties: String::new(),
            sort: 1,
            from_on: ctx.now.day(),
        },
    )
    .await?;
    site::insert_city(&mut tx, name, false, root).await?;
    let settings = SiteSettings {
        name: government.clone(),
        short_name: name.to_string(),
        theme: "portal".into(),
        id_code: "9901000001".into(),
        sub: "门户网站".into(),
        icp: String::new(),
        psb: String::new(),
        psb_code: String::new(),
        conac: String::new(),
        sponsor: format!("{government}办公室"),
        operator: format!("{government}办公室"),
        phone: "（待填写）".into(),
        hours: "工作日 9:00-17:30".into(),
        address: String::new(),
        search_hint: "搜政策、公告、新闻".into(),
        grey: false,
    };
    let portal =
        site::insert(&mut tx, "portal", root, SiteKind::Portal, SiteStatus::Running, &settings, false, 1).await?;
    add_columns(&mut tx, portal, None, &usual_columns(SiteKind::Portal, name)?).await?;
    let mut logins = Vec::new();
    for (role, username) in
        [(Role::SystemAdmin, "sysadmin"), (Role::SecurityAdmin, "secadmin"), (Role::AuditAdmin, "auditadmin")]
    {
        let password = api::new_password(ctx.entropy.as_ref());
        let hash = api::hash_password(&password, ctx.entropy.as_ref())?;
        let id =
            records::account::insert(&mut tx, username, role.label(), root, &hash, true).await?;
        api::grant_role(&mut tx, id, Grant { role, scope: Scope::City }).await?;
        tx.audit(Entry::done("account.create", "account", id));
        logins.push(FirstLogin { role: role.label(), username: username.into(), password });
    }
    tx.audit(Entry::done("city.create", "organ", root));
    tx.event("sites.changed", &serde_json::json!({}))?;
    tx.commit().await?;
    house.settle(&|_, _| {}).await?;
    Ok(logins)
}
