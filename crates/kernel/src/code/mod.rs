//! Official codes: divisions, units, citizens, sites.
//!
//! Every code is read from what people type (full-width digits, spaces, small letters), checked as its standard says, and
//! kept in one written form. Divisions that begin with `99` do not exist in China: demonstrations and tests use them,
//! with check digits computed here, so that no made-up code is ever somebody's real one.

mod citizen;
mod credit;
mod division;
mod site;

pub use citizen::{CitizenId, citizen_check};
pub use credit::{CreditCode, credit_check, organisation_check};
pub use division::{DivisionCode, Level, PROVINCES, Province};
pub use site::{SiteCode, SiteKind};

use crate::text::to_half_width;

/// What was typed, half-width, without white space and hyphens.
fn typed(text: &str) -> String {
    to_half_width(text)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{200b}'..='\u{200f}' | '\u{feff}'))
        .collect()
}

/// Serialisation by the written form, reading by the ordinary check.
macro_rules! text_code {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl From<$name> for String {
            fn from(code: $name) -> String {
                code.as_str().to_string()
            }
        }
        impl TryFrom<String> for $name {
            type Error = $crate::Refusal;
            fn try_from(text: String) -> $crate::Result<$name> {
                text.parse()
            }
        }
    };
}
use text_code;
