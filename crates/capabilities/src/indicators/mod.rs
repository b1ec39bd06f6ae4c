//! indicators

mod pages;
pub use pages::{menu, routes};

use kernel::{Refusal, Result};
use platform::Read;

/// A figure of an organ and year, for the command line.
///
/// # Errors
/// `indicator.unknown`.
pub async fn figure(_tx: &mut impl Read, _organ: &str, _year: i32, code: &str, _records: bool) -> Result<serde_json::Value> {
    Err(Refusal::not_found("indicator.unknown", code.to_string()))
}
