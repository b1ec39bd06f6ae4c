//! What people do to the calendar.

use kernel::calendar::YearNotice;
use kernel::permission::Target;
use kernel::{Permission, Result};
use platform::audit::Entry;
use platform::{WriteTx, args};

/// Loads a year's notice, or replaces it where it was amended.
///
/// # Errors
/// `permission.denied`; what [`YearNotice::check`] refuses.
pub async fn load(tx: &mut WriteTx, notice: &YearNotice) -> Result<()> {
    let actor = tx.ctx().actor.clone();
    actor.check(Permission::CalendarWrite, &Target::City)?;
    notice.check()?;
    let now = tx.now();
    tx.exec(
        "INSERT INTO calendar_year (year, notice, loaded_at, loaded_by) VALUES ($1,$2,$3,$4) ON CONFLICT (year) DO UPDATE SET notice=excluded.notice, loaded_at=excluded.loaded_at, loaded_by=excluded.loaded_by",
        args![notice.year, notice.to_json(), now, &actor.name],
    )
    .await?;
    tx.audit(
        Entry::note("calendar.load", "calendar", "done")
            .detail(serde_json::json!({ "year": notice.year, "off": notice.off.len(), "work": notice.work.len() })),
    );
    tx.event("calendar.changed", &serde_json::json!({ "year": notice.year }))
}
