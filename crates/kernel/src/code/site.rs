//! Identification codes of government sites (网站标识码).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DivisionCode, text_code, typed};
use crate::refusal::{Refusal, Result};
use crate::text::clip;

/// A site's identification code of 10 characters, as the footer and the page tag `SiteIDCode` show it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SiteCode(String);

/// Whose site it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// Of a local government: six digits of its division, then four.
    Local(DivisionCode),
    /// Of a central authority: `bm` and eight digits.
    Central,
    /// Any other: `N` and nine digits.
    Other,
}

impl SiteCode {
    /// The 10 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose site it is.
    pub fn kind(&self) -> SiteKind {
        if self.0.starts_with("bm") {
            return SiteKind::Central;
        }
        match self.0.get(..6).map(str::parse) {
            Some(Ok(division)) => SiteKind::Local(division),
            _ => SiteKind::Other,
        }
    }

    /// The code of a fictional site in a `99` division.
    ///
    /// # Errors
    /// `code.site` where the division is not fictional or the serial is past 9999.
    pub fn fictional(division: &DivisionCode, serial: u16) -> Result<SiteCode> {
        if !division.is_fictional() || serial > 9999 {
            return Err(
                Refusal::invalid("code.site", "无法生成演示用的网站标识码").mend("演示用的代码只能使用 99 开头的区划")
            );
        }
        Ok(SiteCode(format!("{}{serial:04}", division.county())))
    }
}

impl FromStr for SiteCode {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<SiteCode> {
        let bad = |mend: &str| {
            Refusal::invalid("code.site", format!("“{}”不是有效的网站标识码", clip(text.trim(), 20))).mend(mend)
        };
        let code = typed(text);
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        let lower = code.to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("bm").filter(|r| digits(r, 8)) {
            return Ok(SiteCode(format!("bm{rest}")));
        }
        if let Some(rest) = lower.strip_prefix('n').filter(|r| digits(r, 9)) {
            return Ok(SiteCode(format!("N{rest}")));
        }
        if !digits(&code, 10) {
            return Err(bad("应为 10 位：地方网站 10 位数字，部门网站 bm 加 8 位数字，其他网站 N 加 9 位数字"));
        }
        match code.get(..6).map(str::parse::<DivisionCode>) {
            Some(Ok(_)) => Ok(SiteCode(code)),
            _ => Err(bad("前 6 位应为行政区划代码")),
        }
    }
}

text_code!(SiteCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (text, written) in [
            ("1304000009", "1304000009"),
            ("5101320017", "5101320017"),
            ("3100000087", "3100000087"),
            ("bm14000002", "bm14000002"),
            ("BM14000002", "bm14000002"),
            ("N000000672", "N000000672"),
            ("n000000672", "N000000672"),
            (" ６２１１０００００１ ", "6211000001"),
            ("9901000001", "9901000001"),
        ] {
            assert_eq!(text.parse::<SiteCode>().expect(text).as_str(), written);
        }
        for text in [
            "",
            "130400000",
            "130400000912",
            "bm1400000",
            "bm140000021",
            "N00000067",
            "0004000009",
            "X000000672",
            "130400000a",
        ] {
            assert_eq!(text.parse::<SiteCode>().expect_err(text).code(), "code.site", "{text}");
        }
    }

    #[test]
    fn kinds() {
        let code = |t: &str| t.parse::<SiteCode>().expect(t).kind();
        assert!(matches!(code("6211000001"), SiteKind::Local(d) if d.as_str() == "621100"));
        assert_eq!(code("bm14000002"), SiteKind::Central);
        assert_eq!(code("N000000672"), SiteKind::Other);
        let division: DivisionCode = "990100".parse().expect("fictional");
        let site = SiteCode::fictional(&division, 1).expect("a code");
        assert_eq!(site.as_str().parse::<SiteCode>(), Ok(site));
    }

    #[test]
    fn codes_travel_as_text() {
        let code: SiteCode = serde_json::from_str("\"6211000001\"").expect("read");
        assert_eq!(serde_json::to_string(&code).expect("written"), "\"6211000001\"");
        assert!(serde_json::from_str::<SiteCode>("\"x\"").is_err());
    }
}
