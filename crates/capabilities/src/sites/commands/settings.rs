//! Changing a site's settings.

use kernel::{Id, Permission, Result};
use platform::WriteTx;
use platform::audit::Entry;
use records::site::{self, SiteSettings};

use super::super::rules;

/// Changes a site's settings, if nobody did since `lock_version` was read.
///
/// # Errors
/// `site.stale`; what [`rules::settings`] refuses.
pub async fn change_settings(tx: &mut WriteTx, id: Id, lock_version: i64, set: &SiteSettings) -> Result<()> {
    let before = super::authorised(tx, id, Permission::SiteWrite).await?;
    super::all_clear(rules::settings(set))?;
    site::update(tx, id, lock_version, set).await?;
    tx.audit(
        Entry::done("site.settings", "site", id).site(id).detail(serde_json::json!({ "version": lock_version + 1 })),
    );
    super::changed(tx, id)?;
    if before.set.name != set.name || before.set.short_name != set.short_name {
        super::all_changed(tx)?;
    }
    Ok(())
}
