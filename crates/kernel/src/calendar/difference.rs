//! What changes when another notice is loaded: shown to the administrator before, and to the clerks after.

use super::{Calendar, Day};
use crate::time::Date;

/// A running period of working days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Day zero.
    pub from: Date,
    /// Working days.
    pub days: u16,
}

/// Where a period ends, and whether that may still move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Last day.
    pub due: Date,
    /// Whether it waits for a notice.
    pub provisional: bool,
}

/// A deadline that two calendars see differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its place in the list that was given.
    pub index: usize,
    /// The period.
    pub deadline: Deadline,
    /// By the old calendar.
    pub before: Due,
    /// By the new calendar.
    pub after: Due,
}

impl Moved {
    /// Days by which it moved; 0 where it only became certain.
    pub fn days(&self) -> i64 {
        (self.after.due - self.before.due).whole_days()
    }
}

/// Which of these deadlines move, or become certain, from the old calendar to the new.
pub fn difference(old: &Calendar, new: &Calendar, deadlines: impl IntoIterator<Item = Deadline>) -> Vec<Moved> {
    let due = |calendar: &Calendar, d: Deadline| {
        let counted = calendar.add_working_days(d.from, d.days);
        Due { due: counted.due, provisional: counted.provisional }
    };
    deadlines
        .into_iter()
        .enumerate()
        .map(|(index, deadline)| Moved { index, deadline, before: due(old, deadline), after: due(new, deadline) })
        .filter(|m| m.before != m.after)
        .collect()
}

/// The days of `year`, and of the December before it, that are worked by one calendar and not by the other: before and
/// after.
pub fn changed_days(old: &Calendar, new: &Calendar, year: i32) -> Vec<(Day, Day)> {
    let first = Date::from_calendar_date(year.saturating_sub(1), crate::time::Month::December, 1);
    let mut changed = Vec::new();
    let mut date = first.ok();
    while let Some(day) = date.filter(|d| d.year() <= year) {
        if old.is_working(day) != new.is_working(day) {
            changed.push((old.kind(day), new.kind(day)));
        }
        date = day.next_day();
    }
    changed
}
