//! A site's way through its life.

use kernel::{Id, Permission, Result};
use platform::audit::Entry;
use platform::{Read, WriteTx, args};
use records::site::{self, Site, SiteStatus};

use super::super::rules::{self, Standing};

/// What a change of status is decided from.
///
/// # Errors
/// `db.fault`.
pub async fn standing<'a>(tx: &mut impl Read, s: &'a Site) -> Result<Standing<'a>> {
    let domain: i64 =
        tx.scalar("SELECT COUNT(*) AS n FROM site_domain WHERE site_id=$1 AND main=TRUE", args![s.id]).await?;
    let columns: i64 =
        tx.scalar("SELECT COUNT(*) AS n FROM site_column WHERE site_id=$1 AND status='open'", args![s.id]).await?;
    let waiting: i64 = tx
        .scalar(
            "SELECT COUNT(*) AS n FROM edition e JOIN document d ON d.draft_edition=e.id WHERE d.site_id=$1 AND e.state IN ('submitted','approved','scheduled')",
            args![s.id],
        )
        .await?;
    let sibling: i64 = tx
        .scalar(
            "SELECT COUNT(*) AS n FROM site WHERE organ_id=$1 AND id<>$2 AND status='running'",
            args![s.organ, s.id],
        )
        .await?;
    Ok(Standing {
        kind: s.kind,
        set: &s.set,
        domain: domain > 0,
        columns: usize::try_from(columns).unwrap_or(0),
        waiting,
        sibling: sibling > 0,
    })
}

/// Moves a site on.
///
/// # Errors
/// What [`rules::may_move`] refuses; `permission.denied`.
pub async fn change_status(tx: &mut WriteTx, id: Id, to: SiteStatus) -> Result<()> {
    let s = super::authorised(tx, id, Permission::SiteWrite).await?;
    let stands = standing(tx, &s).await?;
    super::all_clear(rules::may_move(s.status, to, &stands))?;
    site::set_status(tx, id, to).await?;
    tx.audit(
        Entry::done("site.status", "site", id)
            .site(id)
            .detail(serde_json::json!({ "from": s.status.code(), "to": to.code() })),
    );
    super::changed(tx, id)?;
    super::all_changed(tx)
}
