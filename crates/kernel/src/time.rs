//! Instants and legal days.
//!
//! An instant is stored as milliseconds since 1970 in UTC. A legal day is a day in Asia/Shanghai, whatever the zone of
//! the server: China has kept UTC+8 without summer time since 1992.

use serde::{Deserialize, Serialize};
pub use time::{Date, Month, Weekday};

use crate::refusal::{Refusal, Result};

/// Offset of Asia/Shanghai from UTC, in milliseconds.
const SHANGHAI_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The legal day (Asia/Shanghai) on which this instant falls.
    pub fn day(self) -> Date {
        let days = (self.0 + SHANGHAI_MS).div_euclid(DAY_MS);
        day_from_epoch(days)
    }

    /// Hour, minute and second of the legal day.
    pub fn clock(self) -> (u8, u8, u8) {
        let s = (self.0 + SHANGHAI_MS).rem_euclid(DAY_MS) / 1000;
        ((s / 3600) as u8, (s / 60 % 60) as u8, (s % 60) as u8)
    }

    /// The first instant of a legal day.
    pub fn start_of(day: Date) -> Timestamp {
        Timestamp(i64::from(day.to_julian_day() - EPOCH_JULIAN) * DAY_MS - SHANGHAI_MS)
    }

    /// An instant within a legal day.
    pub fn at(day: Date, hour: u8, minute: u8) -> Timestamp {
        Timestamp::start_of(day).plus_minutes(i64::from(hour) * 60 + i64::from(minute))
    }

    /// This instant moved by some seconds.
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0 + seconds * 1000)
    }

    /// This instant moved by some minutes.
    pub fn plus_minutes(self, minutes: i64) -> Timestamp {
        self.plus_seconds(minutes * 60)
    }

    /// `2026-11-22 09:30`, the form of the page tag `PubDate`: 24-hour clock.
    pub fn minute_text(self) -> String {
        let (h, m, _) = self.clock();
        format!("{} {h:02}:{m:02}", iso(self.day()))
    }

    /// `2026-11-22 09:30:05`, for logs and the audit page.
    pub fn second_text(self) -> String {
        let (h, m, s) = self.clock();
        format!("{} {h:02}:{m:02}:{s:02}", iso(self.day()))
    }

    /// RFC 3339 with the offset of Asia/Shanghai, as sitemaps want it.
    pub fn rfc3339(self) -> String {
        let (h, m, s) = self.clock();
        format!("{}T{h:02}:{m:02}:{s:02}+08:00", iso(self.day()))
    }

    /// RFC 2822, as feeds and HTTP headers want it, in GMT.
    pub fn http_date(self) -> String {
        let days = self.0.div_euclid(DAY_MS);
        let day = day_from_epoch(days);
        let s = self.0.rem_euclid(DAY_MS) / 1000;
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        format!(
            "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
            DAYS[usize::from(day.weekday().number_days_from_monday())],
            day.day(),
            MONTHS[usize::from(u8::from(day.month())) - 1],
            day.year(),
            s / 3600,
            s / 60 % 60,
            s % 60
        )
    }
}

const EPOCH_JULIAN: i32 = 2_440_588;

fn day_from_epoch(days: i64) -> Date {
    let julian = i64::from(EPOCH_JULIAN) + days;
    i32::try_from(julian).ok().and_then(|j| Date::from_julian_day(j).ok()).unwrap_or(if days < 0 {
        Date::MIN
    } else {
        Date::MAX
    })
}

/// `2026-11-22`.
pub fn iso(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
}

/// `2026年11月22日`, for sentences and official text.
pub fn chinese(day: Date) -> String {
    format!("{}年{}月{}日", day.year(), u8::from(day.month()), day.day())
}

/// Reads `2026-11-22`.
///
/// # Errors
/// `time.date` where the text is no such day.
pub fn parse_date(text: &str) -> Result<Date> {
    let bad = || {
        Refusal::invalid("time.date", format!("“{}”不是有效日期", crate::text::clip(text, 30)))
            .mend("请按 2026-11-22 的形式填写")
    };
    let mut parts = text.trim().splitn(3, '-');
    let (Some(y), Some(m), Some(d)) = (parts.next(), parts.next(), parts.next()) else { return Err(bad()) };
    if y.len() != 4 {
        return Err(bad());
    }
    let year: i32 = y.parse().map_err(|_| bad())?;
    let month: u8 = m.parse().map_err(|_| bad())?;
    let day: u8 = d.parse().map_err(|_| bad())?;
    let month = Month::try_from(month).map_err(|_| bad())?;
    Date::from_calendar_date(year, month, day).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_day_begins_at_sixteen_hours_utc() {
        let last_second = Timestamp(1_771_776_000_000 - 1000); // 2026-02-22T15:59:59Z
        assert_eq!(iso(last_second.day()), "2026-02-22");
        assert_eq!(iso(last_second.plus_seconds(1).day()), "2026-02-23");
        assert_eq!(last_second.plus_seconds(1).minute_text(), "2026-02-23 00:00");
    }

    #[test]
    fn start_of_and_day_agree() {
        for julian in [2_440_588, 2_454_102, 2_461_000, 2_470_000] {
            let day = Date::from_julian_day(julian).expect("a day");
            assert_eq!(Timestamp::start_of(day).day(), day);
            assert_eq!(Timestamp::at(day, 23, 59).day(), day);
        }
    }

    #[test]
    fn dates_are_read_strictly() {
        assert_eq!(iso(parse_date("2024-02-29").expect("leap day")), "2024-02-29");
        for bad in ["2023-02-29", "2023-13-01", "23-01-01", "2023/01/01", "", "二〇二三"] {
            assert_eq!(parse_date(bad).expect_err(bad).code(), "time.date");
        }
    }

    #[test]
    fn http_dates() {
        assert_eq!(Timestamp(784_111_777_000).http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
