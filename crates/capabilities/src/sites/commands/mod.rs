//! What people do to sites. One verb a file.

mod column;
mod create;
mod domain;
mod settings;
mod status;

pub use column::{add_column, change_column, close_column, delete_column, open_column, shift_column, stamp};
pub use create::{ColumnTree, NewSite, create_columns, create_site};
pub use domain::{add_domain, remove_domain, set_main_domain};
pub use settings::change_settings;
pub use status::{change_status, standing};

use kernel::{Id, Permission, Refusal, Result};
use platform::WriteTx;
use records::site::{self, Site};

/// The first of several reasons; commands refuse with it, pages show all.
fn all_clear(refusals: Vec<Refusal>) -> Result<()> {
    refusals.into_iter().next().map_or(Ok(()), Err)
}

/// Loads a site that the actor may do something to. What they may not even see does not exist for them.
async fn authorised(tx: &mut WriteTx, id: Id, what: Permission) -> Result<Site> {
    let s = site::get(tx, id).await?;
    let target = site::target(tx, id).await?;
    let actor = tx.ctx().actor.clone();
    if !actor.may(Permission::SiteRead, &target) {
        return Err(site::unknown());
    }
    actor.check(what, &target)?;
    Ok(s)
}

/// Says to the publisher that every page of a site is to be rendered again.
fn changed(tx: &mut WriteTx, site: Id) -> Result<()> {
    tx.event("site.changed", &serde_json::json!({ "site": site }))
}

/// Says to the publisher that sites came, went, moved or changed their names.
fn all_changed(tx: &mut WriteTx) -> Result<()> {
    tx.event("sites.changed", &serde_json::json!({}))
}
