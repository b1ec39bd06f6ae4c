//! Citizens' identity numbers (GB 11643-1999). Personal data: the number cannot be printed, compared text or logged by
//! accident, and no refusal repeats it.

use std::fmt;

use super::{PROVINCES, typed};
use crate::refusal::{Refusal, Result};
use crate::secret::Personal;
use crate::time::{Date, Month};

/// A citizen's identity number of 18 characters that has passed its checks.
#[derive(Clone, PartialEq, Eq)]
pub struct CitizenId(Personal<String>);

/// The check character of an identity number from its first 17 digits.
pub fn citizen_check(first17: &str) -> Option<char> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    if first17.chars().count() != 17 {
        return None;
    }
    let mut sum = 0;
    for (c, weight) in first17.chars().zip(WEIGHTS) {
        sum += c.to_digit(10)? * weight;
    }
    "10X98765432".chars().nth((sum % 11) as usize)
}

impl CitizenId {
    /// Reads an identity number. `today` bounds the date of birth.
    ///
    /// # Errors
    /// `code.citizen` with the reason; the refusal does not hold the number.
    pub fn parse(text: &str, today: Date) -> Result<CitizenId> {
        let number = typed(text).to_ascii_uppercase();
        let bad = |mend: &str| Refusal::invalid("code.citizen", "公民身份号码不正确").mend(mend).cite("GB 11643-1999");
        let (Some(first17), Some(last)) = (number.get(..17), number.get(17..)) else {
            return Err(bad("应为 18 位，最后一位可以是 X"));
        };
        if number.len() != 18 || !first17.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad("应为 18 位，最后一位可以是 X"));
        }
        // 83 is on residence permits of Taiwan residents; a leading 9 on those of foreigners and in demonstrations.
        if !(PROVINCES.iter().any(|p| number.starts_with(p.code))
            || number.starts_with("83")
            || number.starts_with('9'))
        {
            return Err(bad("前两位不是有效的地区代码"));
        }
        match birth(&number) {
            Some(born) if born <= today && born.year() >= 1880 => {}
            _ => return Err(bad("第 7 至 14 位不是有效的出生日期")),
        }
        match citizen_check(first17) {
            Some(check) if last.starts_with(check) => Ok(CitizenId(Personal::new(number))),
            _ => Err(bad("校验码不对，请检查是否有错字")),
        }
    }

    /// An identity number in a `99` division that can be nobody's, for demonstrations and tests.
    ///
    /// # Errors
    /// `code.citizen` where the division does not begin with 99 or the serial is past 999.
    pub fn fictional(division: &super::DivisionCode, born: Date, serial: u16) -> Result<CitizenId> {
        let head =
            format!("{}{:04}{:02}{:02}{serial:03}", division.county(), born.year(), u8::from(born.month()), born.day());
        match citizen_check(&head) {
            Some(check) if division.is_fictional() => CitizenId::parse(&format!("{head}{check}"), born),
            _ => Err(Refusal::invalid("code.citizen", "无法生成演示用的公民身份号码")
                .mend("演示用的号码只能使用 99 开头的区划")),
        }
    }

    /// The number itself. Whoever calls this must write the audit entry that says so.
    pub fn disclose(&self) -> &str {
        self.0.disclose()
    }

    /// The date of birth, which is personal data as well.
    pub fn birth(&self) -> Personal<Option<Date>> {
        Personal::new(birth(self.0.disclose()))
    }

    /// `620***********123X`: the first three and the last four characters.
    pub fn masked(&self) -> String {
        let number = self.0.disclose();
        format!("{}{}{}", number.get(..3).unwrap_or(""), "*".repeat(11), number.get(14..).unwrap_or(""))
    }
}

fn birth(number: &str) -> Option<Date> {
    let part = |range: std::ops::Range<usize>| number.get(range);
    let month = Month::try_from(part(10..12)?.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(part(6..10)?.parse().ok()?, month, part(12..14)?.parse().ok()?).ok()
}

/// Never the number.
impl fmt::Debug for CitizenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::DivisionCode;
    use crate::time::parse_date;
    use proptest::prelude::*;

    fn today() -> Date {
        parse_date("2026-11-22").expect("a day")
    }

    #[test]
    fn the_example_of_the_standard() {
        // GB 11643-1999, A.1
        let id = CitizenId::parse("11010519491231002x", today()).expect("the standard's example");
        assert_eq!(id.masked(), "110***********002X");
        assert_eq!(id.birth().disclose().map(crate::time::iso).as_deref(), Some("1949-12-31"));
        assert_eq!(
            CitizenId::parse("44052418800101001 4", today()).expect("the second").masked(),
            "440***********0014"
        );
    }

    #[test]
    fn it_cannot_be_printed() {
        let id = CitizenId::parse("11010519491231002X", today()).expect("a number");
        let printed = format!("{id:?} {:?} {:?}", Some(&id), id.birth());
        assert!(!printed.contains("1949") && !printed.contains("110105"), "{printed}");
        let refused = CitizenId::parse("110105194912310021", today()).expect_err("wrong check");
        assert!(!format!("{refused} {refused:?}").contains("1949"));
    }

    #[test]
    fn wrong_numbers_are_refused() {
        for text in [
            "",
            "110105491231002",
            "110105194912310021",
            "110105194902300025",
            "001105194912310025",
            "1101051949123100XX",
            "11010519491231002",
            "一一〇一〇五一九四九一二三一〇〇二X",
        ] {
            assert_eq!(CitizenId::parse(text, today()).expect_err(text).code(), "code.citizen", "{text}");
        }
    }

    #[test]
    fn nobody_is_born_tomorrow() {
        let born = parse_date("2026-11-23").expect("tomorrow");
        let division: DivisionCode = "990102".parse().expect("fictional");
        let id = CitizenId::fictional(&division, born, 7).expect("a number");
        assert!(CitizenId::parse(id.disclose(), today()).is_err());
        assert!(CitizenId::parse(id.disclose(), born).is_ok());
    }

    proptest! {
        #[test]
        fn a_changed_digit_is_seen(serial in 0u16..1000, days in 0i32..30_000, at in 14usize..17, to in 0u8..10) {
            let born = Date::from_julian_day(2_430_000 + days).expect("a day");
            let division: DivisionCode = "990102".parse().expect("fictional");
            let id = CitizenId::fictional(&division, born, serial).expect("a number");
            prop_assert!(CitizenId::parse(id.disclose(), today()).is_ok());
            let mut bytes = id.disclose().as_bytes().to_vec();
            if bytes[at] != b'0' + to {
                bytes[at] = b'0' + to;
                let changed = String::from_utf8(bytes).expect("ascii");
                prop_assert!(CitizenId::parse(&changed, today()).is_err());
            }
        }

        #[test]
        fn never_panics(text in "[0-9X]{16,19}|\\PC{0,20}") {
            let _ = CitizenId::parse(&text, today());
        }
    }
}
