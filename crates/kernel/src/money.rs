//! Money in fen, exact: no amount of a budget, a contract or a bill ever passes through a floating-point number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::refusal::{Refusal, Result};
use crate::text::{clip, to_half_width};

/// An amount of yuan in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

const YUAN: i64 = 100;
const WAN: i64 = 10_000 * YUAN;
const YI: i64 = 10_000 * WAN;

impl Fen {
    /// A whole number of yuan.
    ///
    /// # Errors
    /// `money.range` where it does not fit.
    pub fn from_yuan(yuan: i64) -> Result<Fen> {
        yuan.checked_mul(YUAN).map(Fen).ok_or_else(range)
    }

    /// The sum.
    ///
    /// # Errors
    /// `money.range` where it does not fit.
    pub fn plus(self, other: Fen) -> Result<Fen> {
        self.0.checked_add(other.0).map(Fen).ok_or_else(range)
    }

    /// The difference.
    ///
    /// # Errors
    /// `money.range` where it does not fit.
    pub fn minus(self, other: Fen) -> Result<Fen> {
        self.0.checked_sub(other.0).map(Fen).ok_or_else(range)
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// `money.range` where it does not fit.
    pub fn times(self, factor: i64) -> Result<Fen> {
        self.0.checked_mul(factor).map(Fen).ok_or_else(range)
    }

    /// The sum of many.
    ///
    /// # Errors
    /// `money.range` where it does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Fen>) -> Result<Fen> {
        amounts.into_iter().try_fold(Fen(0), Fen::plus)
    }

    /// `1,234.56`: two decimals, thousands separators, no unit. The form of tables.
    pub fn plain(self) -> String {
        let cents = self.0.unsigned_abs();
        format!("{}{}.{:02}", sign(self.0), thousands(cents / 100), cents % 100)
    }

    /// `123.46万元`: in units of ten thousand, the form of budgets. Two decimals, rounded half away from zero
    /// (四舍五入), always written out, so that columns align. Sums must be made before rounding.
    pub fn wan(self) -> String {
        format!("{}万元", self.rounded(WAN))
    }

    /// `1.23亿元`: in units of a hundred million, by the rule of [`Fen::wan`].
    pub fn yi(self) -> String {
        format!("{}亿元", self.rounded(YI))
    }

    /// For a sentence: `1.2亿元`, `3.5万元`, `980元`. The largest unit the amount reaches, two decimals by the rule of
    /// [`Fen::wan`], zeros at the end left out. An amount that rounding would carry into the next unit is written there.
    pub fn brief(self) -> String {
        let size = self.0.unsigned_abs();
        // From 9999.995万 on, two decimals of 万 would say 10000.00万.
        let (unit, name) = if size >= (YI - WAN / 200).unsigned_abs() {
            (YI, "亿元")
        } else if size >= WAN.unsigned_abs() {
            (WAN, "万元")
        } else {
            (YUAN, "元")
        };
        let text = self.rounded(unit);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{text}{name}")
    }

    /// The amount in some unit with two decimals, rounded half away from zero.
    fn rounded(self, unit: i64) -> String {
        let unit = u128::from(unit.unsigned_abs());
        let hundredths = (u128::from(self.0.unsigned_abs()) * 100 + unit / 2) / unit;
        let sign = if hundredths == 0 { "" } else { sign(self.0) };
        format!("{sign}{}.{:02}", thousands((hundredths / 100) as u64), hundredths % 100)
    }
}

fn sign(n: i64) -> &'static str {
    if n < 0 { "-" } else { "" }
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn range() -> Refusal {
    Refusal::invalid("money.range", "金额太大，无法计算").mend("请检查数位和单位")
}

/// `1,234.56元`.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}元", self.plain())
    }
}

/// Reads `1,234.56 元`, `3.5 万元`, `1.2亿元`, `¥１，２３４．５`, `人民币 300 元`, `-5元`, `80 分`; without a unit it is yuan.
/// An amount finer than one fen is refused, not rounded.
impl FromStr for Fen {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Fen> {
        let bad = || {
            Refusal::invalid("money.format", format!("“{}”不是有效金额", clip(text.trim(), 30)))
                .mend("请按 1,234.56 元或 3.5 万元的形式填写")
        };
        let plain: String = to_half_width(text).chars().filter(|c| !c.is_whitespace()).collect();
        let mut rest = plain.as_str();
        rest = rest.strip_prefix("人民币").unwrap_or(rest);
        let mut negative = false;
        if let Some(after) = rest.strip_prefix(['-', '−', '－']) {
            (negative, rest) = (true, after);
        }
        rest = rest.strip_prefix(['¥', '￥']).unwrap_or(rest);
        if let Some(after) = rest.strip_prefix(['-', '−']) {
            if negative {
                return Err(bad());
            }
            (negative, rest) = (true, after);
        }
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ',' || c == '.')).unwrap_or(rest.len());
        let (number, unit) = rest.split_at(end);
        let unit = match unit {
            "" | "元" | "圆" | "元整" | "圆整" => YUAN,
            "角" => 10,
            "分" => 1,
            "百元" => 100 * YUAN,
            "千元" => 1000 * YUAN,
            "万" | "万元" | "万圆" | "万元整" => WAN,
            "百万元" => 100 * WAN,
            "千万元" => 1000 * WAN,
            "亿" | "亿元" | "亿元整" => YI,
            "万亿" | "万亿元" => YI.checked_mul(10_000).ok_or_else(range)?,
            _ => return Err(bad()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole = ungrouped(whole).ok_or_else(bad)?;
        if number.ends_with('.') || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let mut fen: i128 = match whole.as_str() {
            "" => return Err(bad()),
            digits => digits.parse::<i128>().map_err(|_| range())?.checked_mul(i128::from(unit)).ok_or_else(range)?,
        };
        let mut place = i128::from(unit);
        for digit in fraction.trim_end_matches('0').chars() {
            if place % 10 != 0 {
                return Err(Refusal::invalid("money.precision", format!("“{}”小于一分", clip(text.trim(), 30)))
                    .mend("金额最多精确到分"));
            }
            place /= 10;
            fen += i128::from(digit.to_digit(10).ok_or_else(bad)?) * place;
        }
        let fen = if negative { -fen } else { fen };
        i64::try_from(fen).map(Fen).map_err(|_| range())
    }
}

/// Digits without their thousands separators; commas must stand every three digits.
fn ungrouped(whole: &str) -> Option<String> {
    if !whole.contains(',') {
        return Some(whole.to_string());
    }
    let mut groups = whole.split(',');
    let first = groups.next()?;
    ((1..=3).contains(&first.len()) && groups.all(|g| g.len() == 3)).then(|| whole.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fen(text: &str) -> i64 {
        text.parse::<Fen>().expect(text).0
    }

    #[test]
    fn amounts_are_read() {
        for (text, expected) in [
            ("1,234.56 元", 123_456),
            ("3.5 万元", 3_500_000),
            ("1.2亿元", 12_000_000_000),
            ("１，２３４．５６元", 123_456),
            ("￥３．５", 350),
            ("¥100", 10_000),
            ("人民币 300 元整", 30_000),
            ("-5元", -500),
            ("¥-5", -500),
            ("0", 0),
            ("0.000001万元", 1),
            ("80分", 80),
            ("5角", 50),
            ("1.10", 110),
            ("1.100", 110),
            ("2万", 2_000_000),
            ("0.0003万亿元", 30_000_000_000),
            ("12千元", 1_200_000),
        ] {
            assert_eq!(fen(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (text, code) in [
            ("", "money.format"),
            ("元", "money.format"),
            ("1.", "money.format"),
            (".5", "money.format"),
            ("1.2.3", "money.format"),
            ("1,23元", "money.format"),
            ("12,34,567", "money.format"),
            ("1e5", "money.format"),
            ("五元", "money.format"),
            ("100美元", "money.format"),
            ("--5", "money.format"),
            ("1.234", "money.precision"),
            ("0.5分", "money.precision"),
            ("99999999999999999999元", "money.range"),
            ("92233720368547758.08", "money.range"),
            ("9999999999999999999999999999999999999999999999亿元", "money.range"),
        ] {
            assert_eq!(text.parse::<Fen>().expect_err(text).code(), code, "{text}");
        }
    }

    #[test]
    fn amounts_are_written() {
        assert_eq!(Fen(123_456_789).to_string(), "1,234,567.89元");
        assert_eq!(Fen(-5).to_string(), "-0.05元");
        assert_eq!(Fen(i64::MIN).plain(), "-92,233,720,368,547,758.08");
        assert_eq!(Fen(123_455_000).wan(), "123.46万元"); // 123.455 rounds up
        assert_eq!(Fen(-123_455_000).wan(), "-123.46万元");
        assert_eq!(Fen(-4_999).wan(), "0.00万元");
        assert_eq!(Fen(12_345_678_900).yi(), "1.23亿元");
        for (n, text) in [
            (98_000, "980元"),
            (98_050, "980.5元"),
            (3_500_000, "3.5万元"),
            (12_000_000_000, "1.2亿元"),
            (9_999_994_999, "9,999.99万元"),
            (9_999_995_000, "1亿元"),
            (0, "0元"),
            (-3_500_000, "-3.5万元"),
        ] {
            assert_eq!(Fen(n).brief(), text);
        }
    }

    #[test]
    fn arithmetic_refuses_to_wrap() {
        assert_eq!(Fen(i64::MAX).plus(Fen(1)).expect_err("overflow").code(), "money.range");
        assert_eq!(Fen(i64::MIN).minus(Fen(1)).expect_err("overflow").code(), "money.range");
        assert_eq!(Fen(i64::MAX).times(2).expect_err("overflow").code(), "money.range");
        assert_eq!(Fen::from_yuan(i64::MAX).expect_err("overflow").code(), "money.range");
        assert_eq!(Fen::sum([Fen(1), Fen(2), Fen(-4)]), Ok(Fen(-1)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(n in any::<i64>()) {
            prop_assert_eq!(Fen(n).to_string().parse::<Fen>(), Ok(Fen(n)));
            prop_assert_eq!(crate::text::to_full_width(&Fen(n).to_string()).parse::<Fen>(), Ok(Fen(n)));
        }

        #[test]
        fn rounding_is_off_by_half_a_hundredth_at_most(n in -1_000_000_000_000i64..1_000_000_000_000) {
            let back = fen(&Fen(n).wan());
            prop_assert!((back - n).abs() <= WAN / 200);
            prop_assert!((fen(&Fen(n).brief()) - n).abs() <= YI / 200);
        }

        #[test]
        fn never_panics(text in "[0-9,.元万亿分角¥ -]{0,25}|\\PC{0,10}") {
            let _ = text.parse::<Fen>();
        }
    }
}
