//! Staff pages of the working calendar.

use axum::extract::{RawQuery, State};
use kernel::calendar::{Calendar, DayKind, Deadline, YearNotice, changed_days, difference, parse_notice};
use kernel::permission::Target;
use kernel::time::{Month, iso};
use kernel::{Date, Permission, Refusal, Result};
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{MenuItem, Pages, Posted, Route, Staff, redirect_with};

use super::{commands, queries};

/// Routes.
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/calendar", Permission::Work, show),
        Route::post("/calendar/preview", Permission::CalendarWrite, preview),
        Route::post("/calendar/load", Permission::CalendarWrite, load),
    ]
}

/// Menu.
pub fn menu() -> Vec<MenuItem> {
    vec![MenuItem {
        group: "管理", name: "工作日历", url: "/calendar", icon: "calendar", needs: Permission::Work
    }]
}

const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

fn weekday(d: Date) -> &'static str {
    WEEKDAYS.get(usize::from(d.weekday().number_days_from_monday())).copied().unwrap_or_default()
}

/// One month as weeks from Monday to Sunday, with its number of working days.
fn month(calendar: &Calendar, year: i32, month: u8, today: Date) -> Value {
    let mut weeks: Vec<Vec<Value>> = Vec::new();
    let mut workdays = 0;
    let mut date = Month::try_from(month).ok().and_then(|m| Date::from_calendar_date(year, m, 1).ok());
    while let Some(d) = date.filter(|d| u8::from(d.month()) == month) {
        let at = usize::from(d.weekday().number_days_from_monday());
        if at == 0 || weeks.is_empty() {
            weeks.push(vec![Value::Null; at]);
        }
        let day = calendar.kind(d);
        workdays += i32::from(day.kind.is_working());
        let (is, note) = match &day.kind {
            DayKind::Workday => ("work", None),
            DayKind::Weekend => ("off", None),
            DayKind::Holiday(name) => ("holiday", Some(name.clone())),
            DayKind::MakeUp(_) => ("make", Some("班".to_string())),
        };
        if let Some(w) = weeks.last_mut() {
            w.push(json!({ "n": d.day(), "is": is, "note": note, "today": d == today }));
        }
        date = d.next_day();
    }
    if let Some(w) = weeks.last_mut() {
        w.resize(7, Value::Null);
    }
    json!({ "name": format!("{month}月"), "workdays": workdays, "weeks": weeks })
}

async fn context(app: &App, staff: &Staff, year: Option<i32>) -> Result<Value> {
    let mut tx = app.db.read().await?;
    let calendar = queries::current(&mut tx).await?;
    let today = staff.ctx.now.day();
    let first = calendar.notices().next().map_or(today.year(), |n| n.year);
    let last = calendar.last_published_year();
    let end = last.max(today.year()) + 1;
    let year = year.filter(|y| (first..=end).contains(y)).unwrap_or(today.year());
    let loaded = queries::loaded(&mut tx, year).await?;
    drop(tx);
    let months: Vec<Value> = (1..=12).map(|m| month(&calendar, year, m, today)).collect();
    let workdays: i64 = months.iter().filter_map(|m| m.get("workdays").and_then(Value::as_i64)).sum();
    let notice = calendar.notice(year);
    let in_year = |days: &[kernel::calendar::NamedDay]| days.iter().filter(|d| d.date.year() == year).count();
    let (off, work) = notice.map_or((0, 0), |n| (in_year(&n.off), in_year(&n.work)));
    let number = notice.and_then(|n| n.notice.clone());
    let source = match (notice, loaded) {
        (None, _) => "没有放假通知：按周末和固定节日推算，所有期限都是“暂定”。".to_string(),
        (Some(_), Some((who, at))) => {
            format!("{}　{who} 于 {} 载入", number.unwrap_or_else(|| "没有填文号".into()), at.minute_text())
        }
        (Some(_), None) => number.unwrap_or_else(|| "随本程序提供".into()),
    };
    let figure = |label: &str, value: String, note: Option<&str>| json!({ "label": label, "value": value, "url": null, "note": note });
    let chips: Vec<Value> = ((year - 3).max(first)..=(year + 2).min(end))
        .map(|y| json!({ "name": format!("{y} 年"), "url": format!("/calendar?year={y}"), "count": null, "current": y == year }))
        .collect();
    let missing = last.max(today.year() - 1) + 1;
    let banner = (missing <= today.year() + 1).then(|| {
        json!({
            "tone": if missing <= today.year() { "bad" } else { "warn" },
            "title": format!("{missing} 年的放假通知还没有载入"),
            "text": format!("通知一般在前一年 11 月公布；在此之前，落在 {missing} 年的期限标为“暂定”。"),
            "url": null, "label": null,
        })
    });
    Ok(json!({
        "title": "工作日历", "crumbs": [], "summary": format!("{first} 到 {last} 年齐全"), "notice": banner, "years": chips,
        "year": {
            "name": format!("{year} 年"),
            "state": if notice.is_some() { json!({ "tone": "ok", "icon": "ok", "text": "已公布" }) } else { json!({ "tone": "warn", "icon": "clock", "text": "暂定" }) },
            "source": source, "months": months,
            "figures": [
                figure("工作日", workdays.to_string(), None), figure("通知列明放假", off.to_string(), Some("天")),
                figure("调休上班", work.to_string(), Some("天")),
            ],
        },
        "preview": null,
        "form": staff.actor().may(Permission::CalendarWrite, &Target::City).then(|| {
            let mut f = Fields::default();
            f.push("year", missing.to_string());
            form(&f, &FormErrors::default())
        }),
    }))
}

fn form(f: &Fields, errors: &FormErrors) -> Value {
    json!({
        "action": "/calendar/preview", "errors": errors.0,
        "fields": {
            "year": errors.field(f, "year"), "source": errors.field(f, "source"), "text": errors.field(f, "text"),
            "file": { "error": errors.of("file") },
        },
    })
}

fn set(context: &mut Value, key: &str, value: Value) {
    if let Some(o) = context.as_object_mut() {
        o.insert(key.to_string(), value);
    }
}

async fn show(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(query): RawQuery) -> Outcome {
    let q = Fields::parse(query.unwrap_or_default().as_bytes());
    let context = context(&app, &staff, q.get("year").parse().ok()).await?;
    Ok(pages.page("calendar/staff/calendar.html", context).await)
}

/// Reads what was pasted or uploaded.
fn read(posted: &Posted) -> Result<YearNotice> {
    let at = |r: Refusal| {
        let place = r.place().map(|p| format!("{p}：")).unwrap_or_default();
        let said = Refusal::invalid(r.code(), format!("{place}{}", r.what())).at("text");
        match r.how() {
            Some(mend) => said.mend(mend),
            None => said,
        }
    };
    let text = match posted.files.first() {
        Some(Ok(file)) => String::from_utf8_lossy(&file.bytes).into_owned(),
        Some(Err(r)) => return Err(r.clone().at("file")),
        None => posted.fields.raw("text").to_string(),
    };
    if text.trim().is_empty() {
        return Err(Refusal::invalid("calendar.nothing", "请粘贴放假安排，或者选择文件").at("text"));
    }
    let mut notice = parse_notice(&text).map_err(at)?;
    let typed = posted.fields.get("year");
    if !typed.is_empty() && typed != notice.year.to_string() {
        return Err(Refusal::invalid("calendar.other_year", format!("内容是 {} 年的安排", notice.year))
            .at("year")
            .mend("请核对年份"));
    }
    let source = kernel::text::clip(posted.fields.get("source"), 60);
    if !source.is_empty() {
        notice.notice = Some(source);
    }
    Ok(notice)
}

/// Periods of 20 working days that begin on days where a new notice shows: what moves, while no case runs yet.
fn samples(year: i32) -> Vec<Deadline> {
    [(year - 1, 12, 1), (year - 1, 12, 15), (year, 1, 10), (year, 3, 25), (year, 4, 20), (year, 6, 1), (year, 9, 10)]
        .into_iter()
        .filter_map(|(y, m, d)| Date::from_calendar_date(y, Month::try_from(m).ok()?, d).ok())
        .map(|from| Deadline { from, days: 20 })
        .collect()
}

fn preview_of(old: &Calendar, notice: &YearNotice) -> Result<Value> {
    let new = old.with_year(notice.clone())?;
    let mut findings: Vec<Value> = notice
        .doubts()
        .into_iter()
        .map(|d| json!({ "tone": "warn", "title": d, "text": "请与通知原文核对。", "url": null, "label": null }))
        .collect();
    if old.notice(notice.year).is_some() {
        findings.push(json!({
            "tone": "warn", "title": format!("{} 年已有放假安排，确认后会被这一份替换", notice.year), "text": null, "url": null, "label": null,
        }));
    }
    if findings.is_empty() {
        findings
            .push(json!({ "tone": "ok", "title": "节日齐全，日期没有矛盾", "text": null, "url": null, "label": null }));
    }
    let label = |d: &kernel::calendar::Day| {
        if d.provisional { format!("{}（暂定）", d.kind.label()) } else { d.kind.label() }
    };
    let days: Vec<Value> = changed_days(old, &new, notice.year)
        .iter()
        .map(|(was, becomes)| {
            let d = iso(becomes.date);
            json!({
                "date": { "iso": d, "text": d }, "weekday": weekday(becomes.date), "was": label(was), "becomes": label(becomes),
                "note": if becomes.kind.is_working() { "计入工作日" } else { "不计工作日" },
            })
        })
        .collect();
    let due = |d: kernel::calendar::Due| if d.provisional { format!("{}（暂定）", iso(d.due)) } else { iso(d.due) };
    let moves: Vec<Value> = difference(old, &new, samples(notice.year))
        .iter()
        .map(|m| json!({ "what": format!("{} 起 {} 个工作日", iso(m.deadline.from), m.deadline.days), "from": due(m.before), "to": due(m.after) }))
        .collect();
    Ok(json!({
        "title": format!("{} 年放假安排：{} 天放假，{} 天调休上班", notice.year, notice.off.len(), notice.work.len()),
        "findings": findings, "days": days, "moves": moves, "loaded": notice.to_json(),
        "confirm_url": "/calendar/load", "cancel_url": "/calendar",
    }))
}

async fn preview(State(app): State<App>, staff: Staff, pages: Pages, posted: Posted) -> Outcome {
    staff.actor().check(Permission::CalendarWrite, &Target::City)?;
    match read(&posted) {
        Ok(notice) => {
            let old = queries::current(&mut app.db.read().await?).await?;
            let mut context = context(&app, &staff, Some(notice.year)).await?;
            set(&mut context, "preview", preview_of(&old, &notice)?);
            set(&mut context, "form", form(&posted.fields, &FormErrors::default()));
            Ok(pages.page("calendar/staff/calendar.html", context).await)
        }
        Err(r) => {
            let mut errors = FormErrors::default();
            let label = match r.place() {
                Some("year") => "年份",
                Some("file") => "上传的文件",
                _ => "放假安排",
            };
            errors.refuse(label, &r);
            let mut context = context(&app, &staff, None).await?;
            set(&mut context, "form", form(&posted.fields, &errors));
            Ok(pages.page_with(422, "calendar/staff/calendar.html", context).await)
        }
    }
}

async fn load(State(app): State<App>, staff: Staff, posted: Posted) -> Outcome {
    let notice = parse_notice(posted.fields.raw("loaded"))?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::load(&mut tx, &notice).await?;
    tx.commit().await?;
    let title = format!("{} 年的放假安排已生效", notice.year);
    Ok(redirect_with(&app, &format!("/calendar?year={}", notice.year), "ok", &title, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_whole_weeks() {
        let calendar = Calendar::builtin();
        let today = kernel::time::parse_date("2026-10-21").expect("day");
        let october = month(&calendar, 2026, 10, today);
        let weeks = october["weeks"].as_array().expect("weeks");
        assert!(weeks.iter().all(|w| w.as_array().expect("week").len() == 7));
        assert_eq!(weeks.iter().flat_map(|w| w.as_array().expect("week")).filter(|d| !d.is_null()).count(), 31);
        assert_eq!(weeks[0][3]["n"], 1);
        assert_eq!(weeks[0][3]["is"], "holiday");
    }

    #[test]
    fn a_preview_shows_what_changes() {
        let old = Calendar::builtin();
        let year = old.last_published_year() + 1;
        let notice = parse_notice(&format!("{year}-01-01,元旦,放假\n{year}-02-10,春节,放假")).expect("notice");
        let p = preview_of(&old, &notice).expect("preview");
        assert!(p["days"].as_array().expect("days").iter().any(|d| d["date"]["iso"] == format!("{year}-02-10")));
        assert!(!p["moves"].as_array().expect("moves").is_empty());
        assert_eq!(parse_notice(p["loaded"].as_str().expect("json")).expect("again"), notice);
    }
}
