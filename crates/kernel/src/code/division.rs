//! Administrative divisions (GB/T 2260, and the statistical codes of towns and villages that continue it).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{text_code, typed};
use crate::refusal::{Refusal, Result};
use crate::text::clip;

/// A code of 6 digits (down to counties), 9 (towns) or 12 (villages and communities). Abolished codes are valid: old
/// documents bear them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DivisionCode(String);

/// How far down a division stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Province, autonomous region, municipality.
    Province,
    /// City, prefecture, league.
    City,
    /// County, district, banner.
    County,
    /// Town, township, sub-district.
    Town,
    /// Village or community.
    Village,
}

/// A province and the characters that stand for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Province {
    /// First two digits.
    pub code: &'static str,
    /// Full name.
    pub name: &'static str,
    /// The abbreviation that number plates and 公安备案 use (`甘`).
    pub abbreviation: &'static str,
    /// The abbreviation before `ICP备`, which differs in some provinces (`陇`).
    pub icp: &'static str,
}

const fn p(code: &'static str, name: &'static str, abbreviation: &'static str) -> Province {
    Province { code, name, abbreviation, icp: abbreviation }
}

/// Every province of GB/T 2260.
pub const PROVINCES: &[Province] = &[
    p("11", "北京市", "京"),
    p("12", "天津市", "津"),
    p("13", "河北省", "冀"),
    p("14", "山西省", "晋"),
    p("15", "内蒙古自治区", "蒙"),
    p("21", "辽宁省", "辽"),
    p("22", "吉林省", "吉"),
    p("23", "黑龙江省", "黑"),
    p("31", "上海市", "沪"),
    p("32", "江苏省", "苏"),
    p("33", "浙江省", "浙"),
    p("34", "安徽省", "皖"),
    p("35", "福建省", "闽"),
    p("36", "江西省", "赣"),
    p("37", "山东省", "鲁"),
    p("41", "河南省", "豫"),
    p("42", "湖北省", "鄂"),
    p("43", "湖南省", "湘"),
    p("44", "广东省", "粤"),
    p("45", "广西壮族自治区", "桂"),
    p("46", "海南省", "琼"),
    p("50", "重庆市", "渝"),
    Province { code: "51", name: "四川省", abbreviation: "川", icp: "蜀" },
    Province { code: "52", name: "贵州省", abbreviation: "贵", icp: "黔" },
    // 云 is the character on number plates; both filings use 滇.
    p("53", "云南省", "滇"),
    p("54", "西藏自治区", "藏"),
    p("61", "陕西省", "陕"),
    Province { code: "62", name: "甘肃省", abbreviation: "甘", icp: "陇" },
    p("63", "青海省", "青"),
    p("64", "宁夏回族自治区", "宁"),
    p("65", "新疆维吾尔自治区", "新"),
    p("71", "台湾省", "台"),
    p("81", "香港特别行政区", "港"),
    p("82", "澳门特别行政区", "澳"),
];

impl DivisionCode {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How far down it stands.
    pub fn level(&self) -> Level {
        let part = |range: std::ops::Range<usize>| self.0.get(range).is_some_and(|p| p.bytes().any(|b| b != b'0'));
        if part(9..12) {
            Level::Village
        } else if part(6..9) {
            Level::Town
        } else if part(4..6) {
            Level::County
        } else if part(2..4) {
            Level::City
        } else {
            Level::Province
        }
    }

    /// The province; none for a fictional division.
    pub fn province(&self) -> Option<&'static Province> {
        PROVINCES.iter().find(|p| self.0.starts_with(p.code))
    }

    /// Whether it is one of the `99` divisions that exist in demonstrations only.
    pub fn is_fictional(&self) -> bool {
        self.0.starts_with("99")
    }

    /// The division of six digits to which it belongs.
    pub fn county(&self) -> DivisionCode {
        DivisionCode(self.0.chars().take(6).collect())
    }

    /// The next division up; none for a province.
    pub fn parent(&self) -> Option<DivisionCode> {
        let (keep, width) = match self.level() {
            Level::Province => return None,
            Level::City => (2, 6),
            Level::County => (4, 6),
            Level::Town => (6, 6),
            Level::Village => (9, 9),
        };
        let head: String = self.0.chars().take(keep).collect();
        Some(DivisionCode(format!("{head:0<width$}")))
    }

    /// Whether `other` is this division or lies within it.
    pub fn contains(&self, other: &DivisionCode) -> bool {
        let digits = match self.level() {
            Level::Province => 2,
            Level::City => 4,
            Level::County => 6,
            Level::Town => 9,
            Level::Village => 12,
        };
        self.0.get(..digits).is_some_and(|head| other.0.starts_with(head))
    }
}

impl FromStr for DivisionCode {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<DivisionCode> {
        let code = typed(text);
        let bad = |mend: &str| {
            Err(Refusal::invalid("code.division", format!("“{}”不是有效的行政区划代码", clip(text.trim(), 20)))
                .mend(mend)
                .cite("GB/T 2260"))
        };
        if !matches!(code.len(), 6 | 9 | 12) || !code.bytes().all(|b| b.is_ascii_digit()) {
            return bad("应为 6 位、9 位或 12 位数字");
        }
        let part = |range: std::ops::Range<usize>| code.get(range).filter(|p| p.bytes().any(|b| b != b'0')).is_some();
        // A county without a city (62 00 01), a village without a town.
        if (!part(2..4) && part(4..6)) || (!part(4..6) && part(6..12.min(code.len())) && !part(2..4)) {
            return bad("上级区划的代码不能为零");
        }
        let division = DivisionCode(code);
        if division.province().is_none() && !division.is_fictional() {
            return bad("前两位应为省级行政区划代码");
        }
        Ok(division)
    }
}

text_code!(DivisionCode);

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> DivisionCode {
        text.parse().expect(text)
    }

    #[test]
    fn table() {
        for (text, level, parent) in [
            ("620000", Level::Province, None),
            ("621100", Level::City, Some("620000")),
            ("621102", Level::County, Some("621100")),
            ("６２１１０２", Level::County, Some("621100")),
            ("621102001", Level::Town, Some("621102")),
            ("621102001001", Level::Village, Some("621102001")),
            ("441900003", Level::Town, Some("441900")),
            ("990100", Level::City, Some("990000")),
        ] {
            let division = code(text);
            assert_eq!(division.level(), level, "{text}");
            assert_eq!(division.parent().as_ref().map(DivisionCode::as_str), parent.filter(|_| true), "{text}");
        }
        assert_eq!(code("621102").province().map(|p| (p.abbreviation, p.icp)), Some(("甘", "陇")));
        assert!(code("990102").is_fictional() && code("990102").province().is_none());
        assert!(code("621100").contains(&code("621102001")) && !code("621100").contains(&code("621202")));
        assert_eq!(code("621102001").county(), code("621102"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "62", "62110", "6211021", "000000", "100000", "620001", "62110a", "二〇二六〇一", "700000"]
        {
            assert_eq!(text.parse::<DivisionCode>().expect_err(text).code(), "code.division", "{text}");
        }
    }

    #[test]
    fn provinces_are_whole_and_distinct() {
        assert_eq!(PROVINCES.len(), 34);
        let mut seen: Vec<_> = PROVINCES.iter().map(|p| p.abbreviation).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 34);
    }
}
