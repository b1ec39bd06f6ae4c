//! A year's notice: its form in a file, and what is wrong with a wrong one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{statutory, weekend};
use crate::refusal::{Refusal, Result};
use crate::text::{clip, to_half_width};
use crate::time::{Date, Month, iso, parse_date};

/// A day with the holiday it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedDay {
    /// The day.
    pub date: Date,
    /// The holiday's name.
    pub name: String,
}

/// What the notice for a year says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YearNotice {
    /// The year it is for.
    pub year: i32,
    /// Its document number, where known.
    pub notice: Option<String>,
    /// Days off. Weekend days within a holiday may be among them.
    pub off: Vec<NamedDay>,
    /// Saturdays and Sundays that are worked.
    pub work: Vec<NamedDay>,
}

/// The form of the file: a line per holiday, as the notice itself puts it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileYear {
    year: i32,
    notice: Option<String>,
    holidays: Vec<FileHoliday>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileHoliday {
    name: String,
    /// Days or spans: `2026-01-01`, `2026-01-01/2026-01-03`.
    off: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    work: Vec<String>,
}

/// A form in which volunteers publish notices: a list of days.
#[derive(Deserialize)]
struct ListedYear {
    year: i32,
    days: Vec<ListedDay>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedDay {
    name: String,
    date: String,
    is_off_day: bool,
}

/// Reads a notice, from JSON in the form of `workdays.json` (one year), JSON with a list of days
/// (`{"year": …, "days": [{"name", "date", "isOffDay"}]}`), or CSV with the columns date, name and kind
/// (放假 / holiday, 上班 / workday).
///
/// # Errors
/// `calendar.format` where it cannot be read, else what [`YearNotice::check`] refuses.
pub fn parse_notice(text: &str) -> Result<YearNotice> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let notice = if text.starts_with(['{', '[']) { read_json(text)? } else { read_csv(text)? };
    notice.check()?;
    Ok(notice)
}

fn bad(what: impl Into<String>) -> Refusal {
    Refusal::invalid("calendar.format", what).mend("每行按“日期,节日,放假或上班”填写，例如：2026-01-04,元旦,上班")
}

/// All notices of the embedded file.
pub(super) fn read_many(text: &str) -> Result<Vec<YearNotice>> {
    let years: Vec<FileYear> = serde_json::from_str(text).map_err(|e| Refusal::internal("calendar.builtin", e))?;
    years.into_iter().map(flat).collect()
}

fn read_json(text: &str) -> Result<YearNotice> {
    let fault = |e: serde_json::Error| bad("放假安排的 JSON 格式不对").at(format!("第 {} 行", e.line()));
    let value: serde_json::Value = serde_json::from_str(text).map_err(fault)?;
    let value = match value {
        serde_json::Value::Array(mut years) if years.len() == 1 => years.remove(0),
        serde_json::Value::Array(_) => return Err(bad("一次只能载入一年的放假安排")),
        one => one,
    };
    if value.get("days").is_some() {
        let listed: ListedYear = serde_json::from_value(value).map_err(fault)?;
        let mut notice = YearNotice { year: listed.year, notice: None, off: Vec::new(), work: Vec::new() };
        for day in listed.days {
            let named = NamedDay { date: parse_date(&day.date)?, name: day.name };
            if day.is_off_day { notice.off.push(named) } else { notice.work.push(named) }
        }
        return Ok(notice);
    }
    flat(serde_json::from_value(value).map_err(fault)?)
}

fn flat(file: FileYear) -> Result<YearNotice> {
    let mut notice = YearNotice { year: file.year, notice: file.notice, off: Vec::new(), work: Vec::new() };
    for holiday in file.holidays {
        for span in holiday.off {
            let (first, last) = match span.split_once('/') {
                Some((first, last)) => (parse_date(first)?, parse_date(last)?),
                None => (parse_date(&span)?, parse_date(&span)?),
            };
            // A span with its year mistyped must not become thousands of days.
            if last < first || (last - first).whole_days() > 31 {
                return Err(bad(format!("“{}”的起止日期不对", clip(&span, 30))));
            }
            let mut date = first;
            loop {
                notice.off.push(NamedDay { date, name: holiday.name.clone() });
                match date.next_day() {
                    Some(next) if date < last => date = next,
                    _ => break,
                }
            }
        }
        for day in holiday.work {
            notice.work.push(NamedDay { date: parse_date(&day)?, name: holiday.name.clone() });
        }
    }
    Ok(notice)
}

fn read_csv(text: &str) -> Result<YearNotice> {
    let (mut off, mut work, mut years) = (Vec::new(), Vec::new(), BTreeMap::<i32, usize>::new());
    for (i, line) in text.lines().enumerate() {
        let line = to_half_width(line);
        let place = || format!("第 {} 行", i + 1);
        let cells: Vec<&str> = line.split([',', '\t']).map(|c| c.trim().trim_matches('"').trim()).collect();
        match cells.as_slice() {
            [""] => {}
            [head, ..] if i == 0 && matches!(head.to_ascii_lowercase().as_str(), "date" | "日期") => {}
            [date, name, kind] if !name.is_empty() => {
                let date = parse_date(date).map_err(|r| r.at(place()))?;
                *years.entry(date.year()).or_default() += 1;
                let day = NamedDay { date, name: (*name).to_string() };
                match kind.to_ascii_lowercase().as_str() {
                    "holiday" | "off" | "放假" | "休" => off.push(day),
                    "workday" | "work" | "上班" | "班" => work.push(day),
                    other => {
                        return Err(bad(format!("不认识“{}”", clip(other, 10))).at(place()));
                    }
                }
            }
            _ => return Err(bad("这一行应有日期、节日、放假或上班三项").at(place())),
        }
    }
    // The year most days fall in: a notice may hold days of the December before.
    let year = years.into_iter().max_by_key(|(_, n)| *n).map(|(y, _)| y).ok_or_else(|| bad("没有读到任何日期"))?;
    Ok(YearNotice { year, notice: None, off, work })
}

impl YearNotice {
    /// Checks that the days can be what a notice says.
    ///
    /// # Errors
    /// * `calendar.empty`: no day off.
    /// * `calendar.year`: a day that lies neither in the year nor in the December before it.
    /// * `calendar.weekday`: a make-up workday from Monday to Friday.
    /// * `calendar.duplicate`: a day listed twice.
    /// * `calendar.both`: a day both off and worked.
    pub fn check(&self) -> Result<()> {
        let refuse = |code, what: &str, date: Date| Err(Refusal::invalid(code, what.to_string()).at(iso(date)));
        if self.off.is_empty() {
            return Err(Refusal::invalid("calendar.empty", format!("{}年的放假安排里没有放假的日子", self.year))
                .mend("请核对载入的文件"));
        }
        let mut seen = BTreeMap::new();
        for (days, working) in [(&self.off, false), (&self.work, true)] {
            for NamedDay { date, .. } in days {
                let december_before = date.year() == self.year - 1 && date.month() == Month::December;
                if date.year() != self.year && !december_before {
                    let what = format!("这一天不在{}年的放假安排之内", self.year);
                    return refuse("calendar.year", &what, *date);
                }
                if working && !weekend(*date) {
                    return refuse("calendar.weekday", "调休上班的日子应是星期六或星期日", *date);
                }
                match seen.insert(*date, working) {
                    Some(before) if before != working => {
                        return refuse("calendar.both", "同一天既放假又上班", *date);
                    }
                    Some(_) => return refuse("calendar.duplicate", "同一天列了两次", *date),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// What an administrator should look at before loading: statutory holidays that are missing. Not a refusal, since a
    /// notice is what it is.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        for (month, day) in
            [(Month::January, 1), (Month::May, 1), (Month::October, 1), (Month::October, 2), (Month::October, 3)]
        {
            let Ok(date) = Date::from_calendar_date(self.year, month, day) else { continue };
            if let Some(name) = statutory(date).filter(|_| !self.off.iter().any(|d| d.date == date)) {
                doubts.push(format!("{}（{name}）没有列为放假", iso(date)));
            }
        }
        for name in ["春节", "清明节", "端午节", "中秋节"] {
            // Since 2008 all four are statutory.
            if self.year >= 2008 && !self.off.iter().any(|d| d.name.contains(name)) {
                doubts.push(format!("没有{name}的放假安排"));
            }
        }
        doubts
    }

    /// The notice as JSON, in the form that [`parse_notice`] reads.
    pub fn to_json(&self) -> String {
        let mut holidays: Vec<FileHoliday> = Vec::new();
        for (days, working) in [(&self.off, false), (&self.work, true)] {
            for day in days {
                let at = match holidays.iter().position(|h| h.name == day.name) {
                    Some(at) => at,
                    None => {
                        holidays.push(FileHoliday { name: day.name.clone(), off: Vec::new(), work: Vec::new() });
                        holidays.len() - 1
                    }
                };
                if let Some(holiday) = holidays.get_mut(at) {
                    let list = if working { &mut holiday.work } else { &mut holiday.off };
                    list.push(iso(day.date));
                }
            }
        }
        let file = FileYear { year: self.year, notice: self.notice.clone(), holidays };
        serde_json::to_string(&file).unwrap_or_default()
    }
}
