//! Unified social credit codes (GB 32100-2015) and the organisation codes within them (GB 11714).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DivisionCode, text_code, typed};
use crate::refusal::{Refusal, Result};
use crate::text::clip;

/// The 31 characters: digits and letters without I, O, S, V, Z.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// A unified social credit code of 18 characters: registering authority, category, division (6 digits), organisation
/// code (9), check character. The category that organs have is `11`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CreditCode(String);

/// The check character of a credit code from its first 17 characters; none where they cannot begin one.
pub fn credit_check(first17: &str) -> Option<char> {
    if first17.chars().count() != 17 {
        return None;
    }
    let mut sum = 0;
    for (c, weight) in first17.chars().zip(WEIGHTS) {
        sum += ALPHABET.find(c)? as u32 * weight;
    }
    ALPHABET.chars().nth(((31 - sum % 31) % 31) as usize)
}

/// The check character of an organisation code from its first 8 characters.
pub fn organisation_check(first8: &str) -> Option<char> {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    if first8.chars().count() != 8 {
        return None;
    }
    let mut sum = 0;
    for (c, weight) in first8.chars().zip(WEIGHTS) {
        if !(c.is_ascii_digit() || c.is_ascii_uppercase()) {
            return None;
        }
        sum += c.to_digit(36)? * weight;
    }
    match 11 - sum % 11 {
        10 => Some('X'),
        11 => Some('0'),
        n => char::from_digit(n, 10),
    }
}

impl CreditCode {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The organisation code of 9 characters, which index numbers before 2015 begin with.
    pub fn organisation_code(&self) -> &str {
        self.0.get(8..17).unwrap_or("")
    }

    /// The division where it was registered; none where the six digits are no division today's rules know.
    pub fn division(&self) -> Option<DivisionCode> {
        self.0.get(2..8)?.parse().ok()
    }

    /// Whether it belongs to an organ (机关), not to an enterprise or another body.
    pub fn is_organ(&self) -> bool {
        self.0.starts_with("11")
    }

    /// The credit code of a fictional organ in a `99` division, with both check characters right.
    ///
    /// # Errors
    /// `code.credit` where the division is not fictional or the serial is past 99999999.
    pub fn fictional_organ(division: &DivisionCode, serial: u32) -> Result<CreditCode> {
        let body = format!("{serial:08}");
        let built = || {
            let head = format!("11{}{body}{}", division.county(), organisation_check(&body)?);
            Some(format!("{head}{}", credit_check(&head)?))
        };
        match built() {
            Some(code) if division.is_fictional() => Ok(CreditCode(code)),
            _ => Err(Refusal::invalid("code.credit", "无法生成演示用的统一社会信用代码")
                .mend("演示用的代码只能使用 99 开头的区划")),
        }
    }
}

impl FromStr for CreditCode {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<CreditCode> {
        let code = typed(text).to_ascii_uppercase();
        let bad = |mend: &str| {
            Refusal::invalid("code.credit", format!("“{}”不是有效的统一社会信用代码", clip(text.trim(), 30)))
                .mend(mend)
                .cite("GB 32100-2015")
        };
        if code.chars().count() != 18 {
            return Err(bad("应为 18 位数字或大写字母"));
        }
        if !code.chars().all(|c| ALPHABET.contains(c)) {
            return Err(bad("只能是数字和大写字母，不含 I、O、S、V、Z"));
        }
        if !code.get(2..8).is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())) {
            return Err(bad("第 3 至 8 位应为行政区划代码"));
        }
        match code.get(..17).and_then(credit_check) {
            Some(check) if code.ends_with(check) => Ok(CreditCode(code)),
            _ => Err(bad("校验码不对，请检查是否有错字")),
        }
    }
}

text_code!(CreditCode);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_codes_pass() {
        // As they stand in published index numbers.
        for (text, organisation) in [("11620622013933539B", "013933539"), ("11341702486344515H", "486344515")] {
            let code: CreditCode = text.parse().expect(text);
            assert_eq!(code.organisation_code(), organisation);
            assert_eq!(organisation.get(..8).and_then(organisation_check), organisation.chars().last());
            assert!(code.is_organ());
        }
        let code: CreditCode = "１１６２０６２２ 013933539b".parse().expect("typed loosely");
        assert_eq!(code.to_string(), "11620622013933539B");
        assert_eq!(code.division().map(String::from).as_deref(), Some("620622"));
    }

    #[test]
    fn wrong_codes_are_refused() {
        for text in [
            "",
            "11620622013933539",
            "11620622013933539C",
            "1162062201393353OB",
            "11620622013933539Z",
            "1162O622013933539B",
        ] {
            assert_eq!(text.parse::<CreditCode>().expect_err(text).code(), "code.credit", "{text}");
        }
    }

    #[test]
    fn organisation_codes_may_end_in_x() {
        assert_eq!(organisation_check("01527918"), Some('X'));
        assert_eq!(organisation_check("0152791"), None);
    }

    proptest! {
        #[test]
        fn fictional_codes_pass_and_one_wrong_character_does_not(serial in 0u32..99_999_999, at in 8usize..18, to in 0usize..31) {
            let division: DivisionCode = "990102".parse().expect("fictional");
            let code = CreditCode::fictional_organ(&division, serial).expect("code");
            prop_assert_eq!(code.as_str().parse::<CreditCode>(), Ok(code.clone()));
            let mut chars: Vec<char> = code.as_str().chars().collect();
            let other = ALPHABET.chars().nth(to).expect("in the alphabet");
            if chars[at] != other {
                chars[at] = other;
                prop_assert!(chars.into_iter().collect::<String>().parse::<CreditCode>().is_err());
            }
        }
    }

    #[test]
    fn real_divisions_give_no_fictional_codes() {
        let division: DivisionCode = "620622".parse().expect("real");
        assert!(CreditCode::fictional_organ(&division, 1).is_err());
    }
}
