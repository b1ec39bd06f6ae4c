//! The calendar as it is in force.

use kernel::calendar::{Calendar, parse_notice};
use kernel::{Refusal, Result, Timestamp};
use platform::Read;

/// The calendar in force: built-in years, with the loaded notices over them.
///
/// # Errors
/// `db.fault`; `calendar.stored` where a stored notice cannot be read.
pub async fn current(tx: &mut impl Read) -> Result<Calendar> {
    let mut calendar = Calendar::builtin();
    for r in tx.rows("SELECT year, notice FROM calendar_year ORDER BY year", vec![]).await? {
        let (year, text): (i64, String) = (r.get("year")?, r.get("notice")?);
        let fault = |e: Refusal| Refusal::internal("calendar.stored", format_args!("calendar of {year}: {e}"));
        calendar = calendar.with_year(parse_notice(&text).map_err(fault)?).map_err(fault)?;
    }
    Ok(calendar)
}

/// Who loaded a year's notice, and when; none where it is built in or missing.
///
/// # Errors
/// `db.fault`.
pub async fn loaded(tx: &mut impl Read, year: i32) -> Result<Option<(String, Timestamp)>> {
    tx.optional("SELECT loaded_by, loaded_at FROM calendar_year WHERE year=$1", platform::args![year])
        .await?
        .map(|r| Ok((r.get("loaded_by")?, r.get("loaded_at")?)))
        .transpose()
}
