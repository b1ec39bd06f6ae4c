//! The calendar of working days.
//!
//! Which days are worked is published, not computed: each November the General Office of the State Council gives notice
//! of the next year's holidays and of the weekend days that are worked instead (调休). `workdays.json` beside this file
//! holds every notice since 2007; an administrator loads the next one with [`parse_notice`] and [`Calendar::with_year`].
//!
//! A year without a notice has its weekends and its fixed statutory holidays, and every day counted in it is
//! provisional (暂定): lunar holidays and make-up workdays are unknown. [`difference`] shows which deadlines move when
//! the notice arrives. A notice may also fix days of the December before its year, so that a deadline in the last days
//! of the last published year can move as well.
//!
//! ```
//! use kernel::calendar::Calendar;
//! use kernel::time::{iso, parse_date};
//! let received = parse_date("2019-09-20")?;
//! let answer = Calendar::builtin().add_working_days(received, 20);
//! assert_eq!(iso(answer.due), "2019-10-23"); // Sunday 29 September and Saturday 12 October are worked
//! # Ok::<(), kernel::Refusal>(())
//! ```

mod difference;
mod notice;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::refusal::{Refusal, Result};
use crate::time::{Date, Weekday};

pub use difference::{Deadline, Due, Moved, changed_days, difference};
pub use notice::{NamedDay, YearNotice, parse_notice};

/// Notices by year, and what they say of single days. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Calendar(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    notices: BTreeMap<i32, YearNotice>,
    named: BTreeMap<Date, (bool, String)>,
}

/// What sort of day it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// An ordinary Monday to Friday.
    Workday,
    /// An ordinary Saturday or Sunday.
    Weekend,
    /// Off by notice or statute, with the holiday's name.
    Holiday(String),
    /// A Saturday or Sunday that is worked, with the name of the holiday it makes up for.
    MakeUp(String),
}

impl DayKind {
    /// Whether it counts as a working day.
    pub fn is_working(&self) -> bool {
        matches!(self, DayKind::Workday | DayKind::MakeUp(_))
    }

    /// For a deadline's account: `工作日`, `周末`, `国庆节放假`, `国庆节调休上班`.
    pub fn label(&self) -> String {
        match self {
            DayKind::Workday => "工作日".into(),
            DayKind::Weekend => "周末".into(),
            DayKind::Holiday(name) => format!("{name}放假"),
            DayKind::MakeUp(name) => format!("{name}调休上班"),
        }
    }
}

/// A day and how far it is certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: Date,
    /// What sort of day it is.
    pub kind: DayKind,
    /// Whether its year has no notice yet.
    pub provisional: bool,
}

/// One day of a deadline's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedDay {
    /// The day.
    pub day: Day,
    /// Which working day it is, from 1; none where it does not count.
    pub ordinal: Option<u16>,
}

/// A deadline with its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingDays {
    /// The last day of the period.
    pub due: Date,
    /// Whether it rests on a year without notice and may move.
    pub provisional: bool,
    /// The first year whose notice it waits for.
    pub waits_for: Option<i32>,
    /// Every day after the first, up to the last, counted or not.
    pub days: Vec<CountedDay>,
}

impl Calendar {
    /// The calendar of all notices that this release knows.
    pub fn builtin() -> Calendar {
        static BUILTIN: OnceLock<Calendar> = OnceLock::new();
        BUILTIN
            .get_or_init(|| {
                // The file is part of the program and the tests read it; without it every day would be provisional.
                let notices = notice::read_many(include_str!("workdays.json")).unwrap_or_default();
                Calendar::build(notices.into_iter().map(|n| (n.year, n)).collect())
            })
            .clone()
    }

    /// A calendar of these notices and no others.
    ///
    /// # Errors
    /// What [`YearNotice::check`] refuses; `calendar.duplicate` where a year comes twice.
    pub fn from_notices(notices: impl IntoIterator<Item = YearNotice>) -> Result<Calendar> {
        let mut years = BTreeMap::new();
        for notice in notices {
            notice.check()?;
            let year = notice.year;
            if years.insert(year, notice).is_some() {
                return Err(Refusal::invalid("calendar.duplicate", format!("{year}年的放假安排重复")));
            }
        }
        Ok(Calendar::build(years))
    }

    /// This calendar with a year's notice added, or replaced where it was amended.
    ///
    /// # Errors
    /// What [`YearNotice::check`] refuses.
    pub fn with_year(&self, notice: YearNotice) -> Result<Calendar> {
        notice.check()?;
        let mut notices = self.0.notices.clone();
        notices.insert(notice.year, notice);
        Ok(Calendar::build(notices))
    }

    fn build(notices: BTreeMap<i32, YearNotice>) -> Calendar {
        let mut named = BTreeMap::new();
        // In the order of years: what a notice says of the December before it is newer than the older notice.
        for notice in notices.values() {
            for (days, working) in [(&notice.off, false), (&notice.work, true)] {
                for day in days {
                    named.insert(day.date, (working, day.name.clone()));
                }
            }
        }
        Calendar(Arc::new(Inner { notices, named }))
    }

    /// The last year with a notice; 0 where there is none.
    pub fn last_published_year(&self) -> i32 {
        self.0.notices.keys().next_back().copied().unwrap_or(0)
    }

    /// The notice for a year.
    pub fn notice(&self, year: i32) -> Option<&YearNotice> {
        self.0.notices.get(&year)
    }

    /// All notices, by year.
    pub fn notices(&self) -> impl Iterator<Item = &YearNotice> {
        self.0.notices.values()
    }

    /// What sort of day it is.
    pub fn kind(&self, date: Date) -> Day {
        if let Some((working, name)) = self.0.named.get(&date) {
            let kind = if *working { DayKind::MakeUp(name.clone()) } else { DayKind::Holiday(name.clone()) };
            return Day { date, kind, provisional: false };
        }
        let provisional = !self.0.notices.contains_key(&date.year());
        let kind = match statutory(date).filter(|_| provisional) {
            Some(name) => DayKind::Holiday(name.into()),
            None if weekend(date) => DayKind::Weekend,
            None => DayKind::Workday,
        };
        Day { date, kind, provisional }
    }

    /// Whether the day is worked.
    pub fn is_working(&self, date: Date) -> bool {
        match self.0.named.get(&date) {
            Some((working, _)) => *working,
            None => !weekend(date) && (self.0.notices.contains_key(&date.year()) || statutory(date).is_none()),
        }
    }

    /// The `n`th working day after `from`, with the account of every day between. `from` itself is day zero and is not
    /// counted, whatever day it is; with `n` = 0 the period ends on `from`.
    pub fn add_working_days(&self, from: Date, n: u16) -> WorkingDays {
        let (mut date, mut count, mut days, mut waits_for) = (from, 0, Vec::new(), None);
        while count < n {
            // The end of representable time; no deadline of ours comes near it.
            let Some(next) = date.next_day() else { break };
            date = next;
            let day = self.kind(date);
            if day.provisional && waits_for.is_none() {
                waits_for = Some(date.year());
            }
            let ordinal = day.kind.is_working().then(|| {
                count += 1;
                count
            });
            days.push(CountedDay { day, ordinal });
        }
        WorkingDays { due: date, provisional: waits_for.is_some(), waits_for, days }
    }

    /// How many working days lie after `from` up to and with `to`; negative where `to` is earlier.
    pub fn working_days_between(&self, from: Date, to: Date) -> i64 {
        if to < from {
            return -self.working_days_between(to, from);
        }
        let (mut date, mut count) = (from, 0);
        while date < to {
            let Some(next) = date.next_day() else { break };
            date = next;
            count += i64::from(self.is_working(date));
        }
        count
    }

    /// The day itself if it is worked, else the next that is.
    pub fn on_or_after(&self, mut date: Date) -> Date {
        while !self.is_working(date) {
            match date.next_day() {
                Some(next) => date = next,
                None => break,
            }
        }
        date
    }
}

fn weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Statutory holidays with a fixed date (全国年节及纪念日放假办法: 1999, 2007, 2013 and 2024 revisions).
fn statutory(date: Date) -> Option<&'static str> {
    match (u8::from(date.month()), date.day(), date.year()) {
        (1, 1, _) => Some("元旦"),
        (5, 1, _) => Some("劳动节"),
        (5, 2, 2025..) => Some("劳动节"),
        (5, 2 | 3, 2000..=2007) => Some("劳动节"),
        (10, 1..=3, _) => Some("国庆节"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
