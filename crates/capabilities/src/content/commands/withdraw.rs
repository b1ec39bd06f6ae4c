//! Withdrawing: page, lists, attachments, feeds, sitemap, search and export stop; the address says that it was withdrawn.

use kernel::{Id, Permission, Result};
use platform::WriteTx;
use platform::audit::Entry;
use records::document;

use super::super::model::{CHANGED, Changed};
use super::super::rules;
use super::standing::standing;
use super::{all_clear, authorised};

/// Withdraws a live document on a ground. The reason is for the office; the public sees the ground and the day.
///
/// # Errors
/// `withdraw.ground`, `withdraw.reason`, `document.not_live`.
pub async fn withdraw(tx: &mut WriteTx, id: Id, ground: &str, reason: &str) -> Result<()> {
    let mut d = authorised(tx, id, Permission::DocumentPublish).await?;
    all_clear(rules::may_withdraw(d.live, ground, reason))?;
    let before = standing(tx, id).await?;
    if let Some(live) = d.live {
        document::set_withdrawal(tx, live, ground, reason.trim()).await?;
        document::insert_step(tx, live, "withdraw", reason.trim()).await?;
    }
    d.live = None;
    d.withdrawn_at = Some(tx.now());
    document::save(tx, &d).await?;
    document::set_placements(tx, id, &[]).await?;
    let after = standing(tx, id).await?;
    tx.event(CHANGED, &Changed { document: id, before, after })?;
    tx.audit(
        Entry::done("document.withdraw", "document", id).site(d.site).detail(serde_json::json!({ "ground": ground })),
    );
    Ok(())
}
