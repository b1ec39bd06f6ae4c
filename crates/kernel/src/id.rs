//! Identities of records.
//!
//! An [`Id`] is a positive 63-bit number: 42 bits of milliseconds, then 21 bits that count on from a random start, so that
//! no two of one process are alike, however many a transaction makes at its one instant. It is made here and never by
//! a database sequence, so that both engines store the same values. Ids sort roughly by birth; nothing relies on it:
//! order comes from the audit head, see `platform::tx`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::refusal::{Refusal, Result};
use crate::time::Timestamp;

/// Identity of a record. Shown as at most 13 characters of Crockford's base 32 in lower case (`1hk3…`), which are safe
/// in addresses and hard to misread aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Id(i64);

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Where random bits come from. The binary passes the system's generator, tests a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with unpredictable values.
    fn fill(&self, bytes: &mut [u8]);

    /// The next of a row of numbers that began at a random one: never the same twice in two million calls.
    fn serial(&self) -> u32;
}

impl Id {
    /// A new identity born at `now`.
    pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Id {
        let serial = i64::from(entropy.serial() & 0x1f_ffff);
        Id(((now.0.max(0) & 0x3ff_ffff_ffff) << 21) | serial)
    }

    /// An identity read back from a store.
    pub const fn from_i64(raw: i64) -> Id {
        Id(raw)
    }

    /// The number that a store keeps.
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut n = self.0 as u64;
        let mut out = [b'0'; 13];
        let mut i = out.len();
        loop {
            i -= 1;
            out[i] = ALPHABET[(n & 31) as usize];
            n >>= 5;
            if n == 0 || i == 0 {
                break;
            }
        }
        f.write_str(std::str::from_utf8(&out[i..]).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Id {
    type Err = Refusal;

    fn from_str(s: &str) -> Result<Id> {
        let bad = || Refusal::not_found("id.unknown", "没有这个编号的记录");
        if s.is_empty() || s.len() > 13 {
            return Err(bad());
        }
        let mut n: u64 = 0;
        for b in s.bytes() {
            let v = ALPHABET.iter().position(|a| *a == b).ok_or_else(bad)? as u64;
            n = n.checked_mul(32).and_then(|n| n.checked_add(v)).ok_or_else(bad)?;
        }
        i64::try_from(n).map(Id).map_err(|_| bad())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for Id {
    type Error = Refusal;
    fn try_from(s: String) -> Result<Id> {
        s.parse()
    }
}

/// A random token of `N` bytes as lower-case hexadecimal text.
pub fn token<const N: usize>(entropy: &dyn Entropy) -> String {
    let mut bytes = [0u8; N];
    entropy.fill(&mut bytes);
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
        fn serial(&self) -> u32 {
            u32::from_le_bytes([self.0; 4])
        }
    }

    proptest! {
        #[test]
        fn text_and_number_agree(raw in 0i64..i64::MAX) {
            let id = Id::from_i64(raw);
            prop_assert_eq!(id.to_string().parse::<Id>().unwrap(), id);
        }

        #[test]
        fn later_ids_sort_later(ms in 0i64..4_000_000_000_000, step in 1i64..1_000_000) {
            let a = Id::new(Timestamp(ms), &Fixed(0xff));
            let b = Id::new(Timestamp(ms + step), &Fixed(0));
            prop_assert!(a < b);
        }
    }

    #[test]
    fn strange_texts_are_unknown_ids() {
        for bad in ["", "u", "I", "zzzzzzzzzzzzz", "12345678901234", "../x", "１"] {
            assert_eq!(bad.parse::<Id>().expect_err(bad).code(), "id.unknown");
        }
    }
}
