//! An empty city: its government, the portal with the usual columns, three administrators.

use capabilities::office::api::{self, NewAccount};
use capabilities::sites::commands::{ColumnTree, NewSite, create_columns, create_site};
use kernel::permission::{Grant, Role, Scope};
use kernel::{Refusal, Result};
use platform::Read as _;
use platform::audit::Entry;
use records::organ::{self, NewOrgan, OrganKind};
use records::site::{self, SiteKind, SiteSettings, SiteStatus};
use serde::Serialize;

use crate::house::House;

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
        return Err(Refusal::conflict("city.exists", "这个数据目录里已经有城市")
            .mend("请换一个空目录，或者直接运行 gongkai serve"));
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
    let portal = create_site(
        &mut tx,
        NewSite {
            slug: "portal".into(),
            organ: root,
            kind: SiteKind::Portal,
            settings,
            domains: Vec::new(),
            demo: false,
            sort: 1,
            status: SiteStatus::Running,
        },
    )
    .await?;
    create_columns(&mut tx, portal, &usual_columns(SiteKind::Portal, name)?).await?;
    let mut logins = Vec::new();
    for (role, username) in
        [(Role::SystemAdmin, "sysadmin"), (Role::SecurityAdmin, "secadmin"), (Role::AuditAdmin, "auditadmin")]
    {
        let password = api::new_password(ctx.entropy.as_ref());
        let hash = api::hash_password(&password, ctx.entropy.as_ref())?;
        let new = NewAccount {
            username: username.into(),
            name: role.label().into(),
            organ: root,
            password_hash: hash,
            must_change: true,
        };
        let id = api::create_account(&mut tx, &new).await?;
        api::grant_role(&mut tx, id, Grant { role, scope: Scope::City }).await?;
        logins.push(FirstLogin { role: role.label(), username: username.into(), password });
    }
    tx.audit(Entry::done("city.create", "organ", root));
    tx.event("sites.changed", &serde_json::json!({}))?;
    tx.commit().await?;
    house.settle(&|_, _| {}).await?;
    Ok(logins)
}
