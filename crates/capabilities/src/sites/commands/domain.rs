//! Host names of a site.

use kernel::{Id, Permission, Refusal, Result};
use platform::audit::Entry;
use platform::{Read, WriteTx, args};
use records::site;

use super::super::rules;

/// Refuses a host name that somebody has.
pub(super) async fn free(tx: &mut impl Read, host: &str) -> Result<()> {
    match tx.optional("SELECT site_id FROM site_domain WHERE host=$1", args![host]).await? {
        None => Ok(()),
        Some(_) => Err(Refusal::conflict("domain.taken", "这个域名已经有站点在用")
            .at("host")
            .mend("请核对，或者先从原站点移除")),
    }
}

/// Gives a site another host name; the first becomes the main one.
///
/// # Errors
/// `domain.syntax`, `domain.taken`.
pub async fn add_domain(tx: &mut WriteTx, id: Id, host: &str) -> Result<()> {
    super::authorised(tx, id, Permission::SiteWrite).await?;
    let host = rules::host(host)?;
    free(tx, &host).await?;
    let mains: i64 =
        tx.scalar("SELECT COUNT(*) AS n FROM site_domain WHERE site_id=$1 AND main=TRUE", args![id]).await?;
    site::insert_domain(tx, id, &host, mains == 0).await?;
    tx.audit(Entry::done("site.domain_add", "site", id).site(id));
    after(tx, id)
}

async fn own(tx: &mut WriteTx, id: Id, host: &str) -> Result<bool> {
    tx.optional("SELECT main FROM site_domain WHERE host=$1 AND site_id=$2", args![host, id])
        .await?
        .ok_or_else(|| Refusal::not_found("domain.unknown", "这个站点没有这个域名").mend("请刷新页面"))?
        .get("main")
}

/// Takes a host name from a site; the main one stays while the site has others to be moved to it first.
///
/// # Errors
/// `domain.unknown`, `domain.main`.
pub async fn remove_domain(tx: &mut WriteTx, id: Id, host: &str) -> Result<()> {
    super::authorised(tx, id, Permission::SiteWrite).await?;
    if own(tx, id, host).await? {
        return Err(Refusal::conflict("domain.main", "主域名不能移除").mend("请先把另一个域名设为主域名"));
    }
    tx.exec_one("DELETE FROM site_domain WHERE host=$1 AND site_id=$2", args![host, id]).await?;
    tx.audit(Entry::done("site.domain_remove", "site", id).site(id));
    after(tx, id)
}

/// Makes one of a site's host names the main one.
///
/// # Errors
/// `domain.unknown`.
pub async fn set_main_domain(tx: &mut WriteTx, id: Id, host: &str) -> Result<()> {
    super::authorised(tx, id, Permission::SiteWrite).await?;
    own(tx, id, host).await?;
    tx.exec("UPDATE site_domain SET main=FALSE WHERE site_id=$1 AND main=TRUE", args![id]).await?;
    tx.exec_one("UPDATE site_domain SET main=TRUE WHERE host=$1 AND site_id=$2", args![host, id]).await?;
    tx.audit(Entry::done("site.domain_main", "site", id).site(id));
    after(tx, id)
}

fn after(tx: &mut WriteTx, id: Id) -> Result<()> {
    super::changed(tx, id)?;
    super::all_changed(tx)
}
