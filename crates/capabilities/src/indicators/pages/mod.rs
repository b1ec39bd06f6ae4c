//! Staff pages of the figures.

use std::collections::HashMap;

use axum::extract::{Path, RawQuery, State};
use kernel::{Id, Permission, Refusal, Result};
use platform::ReadTx;
use records::indicator::{self, Indicator, Record, Scope};
use records::organ::{self, Organ};
use records::site;
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::Fields;
use web::staff::{MenuItem, Pages, Route, Staff};

use super::queries;

const PAGE: i64 = 50;
const MOST: usize = 100_000;

/// Routes.
pub fn routes() -> Vec<Route> {
    use Permission::IndicatorRead;
    vec![
        Route::get("/indicators", IndicatorRead, list),
        Route::get("/indicators/{code}", IndicatorRead, show),
        Route::get("/indicators/{code}/table.csv", IndicatorRead, table_csv),
        Route::get("/indicators/{code}/records", IndicatorRead, list_records),
        Route::get("/indicators/{code}/records.csv", IndicatorRead, records_csv),
    ]
}

/// Menu.
pub fn menu() -> Vec<MenuItem> {
    vec![MenuItem {
        group: "监督", name: "统计", url: "/indicators", icon: "chart", needs: Permission::IndicatorRead
    }]
}

/// What was asked for, within what the person may see.
struct Asked {
    indicator: &'static Indicator,
    year: i32,
    month: Option<u8>,
    organ: Option<Organ>,
    /// Organs that may be chosen.
    organs: Vec<Organ>,
    scope: Scope,
}

async fn asked(tx: &mut ReadTx, staff: &Staff, code: &str, q: &Fields) -> Result<Asked> {
    let indicator = indicator::find(code).ok_or_else(queries::unknown)?;
    let bad = || Refusal::invalid("indicator.period", "没有这个期间").mend("请从列表中选择年份");
    let year = match q.get("year") {
        "" => staff.ctx.now.day().year(),
        y => y.parse().map_err(|_| bad())?,
    };
    let month: Option<u8> = match q.get("month") {
        "" => None,
        m => Some(m.parse().map_err(|_| bad())?),
    };
    let (from, until) = queries::period(year, month)?;
    let visible = queries::visible(tx, staff.actor()).await?;
    let organs: Vec<Organ> =
        organ::list(tx).await?.into_iter().filter(|o| visible.as_ref().is_none_or(|v| v.contains(&o.id))).collect();
    let organ = match q.get("organ") {
        "" => None,
        // An organ out of reach is answered like one that does not exist.
        slug => Some(
            organs
                .iter()
                .find(|o| o.slug == slug)
                .cloned()
                .ok_or_else(|| Refusal::not_found("organ.unknown", "没有这个机关").mend("请从列表中选择"))?,
        ),
    };
    let chosen = match &organ {
        Some(o) => Some(vec![o.id]),
        None => visible,
    };
    Ok(Asked { indicator, year, month, organ, organs, scope: Scope { organs: chosen, from, until } })
}

fn query(organ: Option<&str>, year: i32, month: Option<u8>) -> String {
    let mut s = url::form_urlencoded::Serializer::new(String::new());
    if let Some(o) = organ {
        s.append_pair("organ", o);
    }
    s.append_pair("year", &year.to_string());
    if let Some(m) = month {
        s.append_pair("month", &m.to_string());
    }
    s.finish()
}

fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn counted(staff: &Staff) -> Value {
    json!({ "iso": staff.ctx.now.rfc3339(), "text": staff.ctx.now.minute_text() })
}

async fn list(State(app): State<App>, staff: Staff, pages: Pages) -> Outcome {
    let mut tx = app.db.read().await?;
    let mut rows = Vec::new();
    for i in indicator::ALL {
        let a = asked(&mut tx, &staff, i.code, &Fields::default()).await?;
        let n = indicator::published_count(&mut tx, &a.scope).await?;
        rows.push(json!({
            "code": i.code, "name": i.name, "url": format!("/indicators/{}", i.code), "definition": i.definition,
            "period": format!("{} 年", a.year), "value": grouped(n), "unit": i.unit,
            "records_url": (n > 0).then(|| format!("/indicators/{}/records?{}", i.code, query(None, a.year, None))),
            "counted": counted(&staff),
        }));
    }
    let context = json!({
        "title": "统计", "crumbs": [], "summary": format!("{} 个指标", rows.len()),
        "groups": [{ "title": "信息发布", "rows": rows }],
        "empty": { "icon": "chart", "title": "还没有指标", "text": "", "url": null, "label": null },
    });
    Ok(pages.page("indicators/staff/indicators.html", context).await)
}

/// One line of the table: organ and its twelve months.
struct Line {
    organ: Organ,
    months: [i64; 12],
}

async fn lines(tx: &mut ReadTx, a: &Asked) -> Result<Vec<Line>> {
    let counts = indicator::published_by_organ_and_month(tx, &a.scope).await?;
    let mut by: HashMap<Id, [i64; 12]> = HashMap::new();
    for ((organ, month), n) in counts {
        let at = month.get(5..7).and_then(|m| m.parse::<usize>().ok()).and_then(|m| m.checked_sub(1));
        if let Some(slot) = at.and_then(|m| by.entry(organ).or_default().get_mut(m)) {
            *slot = n;
        }
    }
    Ok(a.organs.iter().filter_map(|o| by.remove(&o.id).map(|months| Line { organ: o.clone(), months })).collect())
}

fn totals(lines: &[Line]) -> [i64; 12] {
    let mut sum = [0; 12];
    for l in lines {
        for (s, n) in sum.iter_mut().zip(l.months) {
            *s += n;
        }
    }
    sum
}

/// A bar chart whose geometry is attributes only.
fn chart(title: &str, sub: &str, unit: &str, months: &[i64; 12]) -> Value {
    let most = months.iter().copied().max().unwrap_or(0).max(1);
    let (base, tall) = (155.0, 130.0);
    let bars: Vec<Value> = months
        .iter()
        .enumerate()
        .map(|(i, n)| {
            let height = tall * (*n as f64) / (most as f64);
            let x = 1.2 + 8.23 * i as f64;
            json!({
                "x": format!("{x:.2}%"), "width": "5.90%", "y": format!("{:.1}", base - height), "height": format!("{height:.1}"),
                "middle": format!("{:.2}%", x + 2.95), "value": if *n == 0 { String::new() } else { grouped(*n) },
                "value_y": format!("{:.1}", base - height - 6.0), "name": (i + 1).to_string(),
            })
        })
        .collect();
    let said: Vec<String> = months.iter().enumerate().map(|(i, n)| format!("{}月 {n}", i + 1)).collect();
    json!({
        "title": title, "sub": sub, "height": "180", "label": format!("{title}柱形图，{unit}：{}", said.join("，")),
        "label_y": "173", "base_y": "155", "lines": [], "bars": bars,
    })
}

async fn show(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(code): Path<String>,
    RawQuery(raw): RawQuery,
) -> Outcome {
    let q = Fields::parse(raw.unwrap_or_default().as_bytes());
    let mut tx = app.db.read().await?;
    let mut a = asked(&mut tx, &staff, &code, &q).await?;
    // The table shows the whole year, whatever month a link carried.
    a.month = None;
    (a.scope.from, a.scope.until) = queries::period(a.year, None)?;
    let lines = lines(&mut tx, &a).await?;
    drop(tx);
    let i = a.indicator;
    let records =
        |organ: Option<&str>, month| format!("/indicators/{}/records?{}", i.code, query(organ, a.year, month));
    let row = |name: &str, organ: Option<&str>, months: &[i64; 12], sum: bool| {
        let cell = |n: i64, month| json!({ "text": grouped(n), "url": (n > 0).then(|| records(organ, month)) });
        let mut cells: Vec<Value> = months.iter().enumerate().map(|(m, n)| cell(*n, Some(m as u8 + 1))).collect();
        cells.push(cell(months.iter().sum(), None));
        json!({
            "name": name, "sum": sum, "cells": cells,
            "url": organ.filter(|_| !sum && a.organ.is_none()).map(|o| format!("/indicators/{}?{}", i.code, query(Some(o), a.year, None))),
        })
    };
    let sums = totals(&lines);
    let mut rows: Vec<Value> =
        lines.iter().map(|l| row(&l.organ.name, Some(&l.organ.slug), &l.months, false)).collect();
    rows.push(row("合计", a.organ.as_ref().map(|o| o.slug.as_str()), &sums, true));
    let mut organs = vec![json!({ "value": "", "label": "全部机关", "hint": null })];
    organs.extend(a.organs.iter().map(|o| json!({ "value": o.slug, "label": o.name, "hint": null })));
    let this = staff.ctx.now.day().year();
    let mut listed: Vec<i32> = (0..12).map(|n| this - n).collect();
    if !listed.contains(&a.year) {
        listed.push(a.year);
    }
    let years: Vec<Value> =
        listed.iter().map(|y| json!({ "value": y.to_string(), "label": format!("{y} 年"), "hint": null })).collect();
    let slug = a.organ.as_ref().map(|o| o.slug.clone());
    let months: Vec<String> = (1..=12).map(|m| format!("{m}月")).collect();
    let whose = a.organ.as_ref().map_or("全部机关", |o| o.name.as_str());
    let context = json!({
        "title": i.name, "crumbs": [{ "name": "统计", "url": "/indicators" }, { "name": i.name, "url": null }],
        "code": i.code, "counted": counted(&staff), "definition": i.definition,
        "export_url": format!("/indicators/{}/table.csv?{}", i.code, query(slug.as_deref(), a.year, None)),
        "filters": {
            "action": format!("/indicators/{}", i.code),
            "fields": {
                "organ": { "value": slug.unwrap_or_default(), "error": null, "options": organs },
                "year": { "value": a.year.to_string(), "error": null, "options": years },
            },
        },
        "chart": chart(&format!("各月{}", i.name), &format!("{whose}，{} 年，{}", a.year, i.unit), i.unit, &sums),
        "table": if lines.is_empty() { Value::Null } else { json!({ "caption": format!("{} 年，按机关和月份", a.year), "unit": i.unit, "months": months, "rows": rows }) },
        "note": "每个数字点开就是它数的那些记录；0 不是链接，没有记录的机关不列。",
        "empty": { "icon": "chart", "title": "这个期间没有记录", "text": "请换一年，或者换一个机关。", "url": null, "label": null },
    });
    Ok(pages.page("indicators/staff/indicator.html", context).await)
}

async fn table_csv(State(app): State<App>, staff: Staff, Path(code): Path<String>, RawQuery(raw): RawQuery) -> Outcome {
    let q = Fields::parse(raw.unwrap_or_default().as_bytes());
    let mut tx = app.db.read().await?;
    let a = asked(&mut tx, &staff, &code, &q).await?;
    let lines = lines(&mut tx, &a).await?;
    let names: Vec<String> = (1..=12).map(|m| format!("{m}月")).collect();
    let mut head = vec!["机关"];
    head.extend(names.iter().map(String::as_str));
    head.push("合计");
    let line = |name: &str, months: &[i64; 12]| {
        let mut r = vec![name.to_string()];
        r.extend(months.iter().map(i64::to_string));
        r.push(months.iter().sum::<i64>().to_string());
        r
    };
    let mut rows: Vec<Vec<String>> = lines.iter().map(|l| line(&l.organ.name, &l.months)).collect();
    rows.push(line("合计", &totals(&lines)));
    Ok(crate::system::export::csv_response(&format!("indicator-{}.csv", a.year), &head, &rows)?)
}

fn period_text(a: &Asked) -> String {
    a.month.map_or_else(|| format!("{}年", a.year), |m| format!("{}年{m}月", a.year))
}

/// `2026-10-01~1hk3…`: where the last page ended.
fn key(text: &str) -> Option<(String, Id)> {
    let (on, id) = text.split_once('~')?;
    kernel::time::parse_date(on).ok()?;
    Some((on.to_string(), id.parse().ok()?))
}

async fn list_records(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(code): Path<String>,
    RawQuery(raw): RawQuery,
) -> Outcome {
    let q = Fields::parse(raw.unwrap_or_default().as_bytes());
    let mut tx = app.db.read().await?;
    let a = asked(&mut tx, &staff, &code, &q).await?;
    let total = indicator::published_count(&mut tx, &a.scope).await?;
    let after = key(q.get("after"));
    let offset: i64 = if after.is_some() { q.get("n").parse().unwrap_or(0) } else { 0 };
    let mut found = indicator::published_records(&mut tx, &a.scope, after.clone(), PAGE + 1).await?;
    let sites: HashMap<Id, String> = site::list(&mut tx).await?.into_iter().map(|s| (s.id, s.set.name)).collect();
    drop(tx);
    let more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    let i = a.indicator;
    let slug = a.organ.as_ref().map(|o| o.slug.as_str());
    let own = query(slug, a.year, a.month);
    let base = format!("/indicators/{}/records", i.code);
    let named = |id: Id| a.organs.iter().find(|o| o.id == id).map_or("", |o| o.short_name.as_str());
    let reads = staff.actor().may_somewhere(Permission::DocumentRead);
    let rows: Vec<Value> = found
        .iter()
        .enumerate()
        .map(|(at, r)| {
            json!({
                "n": offset + at as i64 + 1, "title": r.title, "url": reads.then(|| format!("/documents/{}", r.document)),
                "note": if r.number.is_empty() { Value::Null } else { json!(r.number) }, "organ": named(r.organ),
                "place": sites.get(&r.site), "when": { "iso": r.on, "text": r.on },
            })
        })
        .collect();
    let whose = a.organ.as_ref().map_or("全部机关", |o| o.short_name.as_str());
    let shown = found.len() as i64;
    let next = found
        .last()
        .filter(|_| more)
        .map(|r| format!("{base}?{own}&after={}~{}&n={}", r.on, r.document, offset + shown));
    let context = json!({
        "title": format!("{}：{whose}，{}，{} {}", i.name, period_text(&a), grouped(total), i.unit),
        "crumbs": [
            { "name": "统计", "url": "/indicators" }, { "name": i.name, "url": format!("/indicators/{}", i.code) },
            { "name": "记录", "url": null },
        ],
        "definition": i.definition, "figure": grouped(total), "unit": i.unit, "counted": counted(&staff),
        "export_url": format!("{base}.csv?{own}"), "rows": rows,
        "paging": {
            "text": (total > 0).then(|| format!("第 {}-{} 条，共 {} 条", offset + 1, offset + shown, grouped(total))),
            "first": after.map(|_| format!("{base}?{own}")), "prev": null, "next": next,
        },
        "empty": { "icon": "list", "title": "没有记录", "text": "这个数字是 0。", "url": null, "label": null },
        "back_url": format!("/indicators/{}?{}", i.code, query(slug, a.year, None)), "back_label": format!("回到{}", i.name),
    });
    Ok(pages.page("indicators/staff/records.html", context).await)
}

async fn records_csv(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    RawQuery(raw): RawQuery,
) -> Outcome {
    let q = Fields::parse(raw.unwrap_or_default().as_bytes());
    let mut tx = app.db.read().await?;
    let a = asked(&mut tx, &staff, &code, &q).await?;
    let sites: HashMap<Id, String> = site::list(&mut tx).await?.into_iter().map(|s| (s.id, s.set.name)).collect();
    let (mut all, mut after): (Vec<Record>, _) = (Vec::new(), None);
    loop {
        let some = indicator::published_records(&mut tx, &a.scope, after, 2000).await?;
        after = some.last().map(|r| (r.on.clone(), r.document));
        let n = some.len();
        all.extend(some);
        if all.len() > MOST {
            return Err(Refusal::invalid("indicator.large", format!("记录超过 {MOST} 条")).mend("请分月导出").into());
        }
        if n < 2000 {
            break;
        }
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .enumerate()
        .map(|(i, r)| {
            vec![
                (i + 1).to_string(),
                r.on.clone(),
                a.organs.iter().find(|o| o.id == r.organ).map(|o| o.name.clone()).unwrap_or_default(),
                sites.get(&r.site).cloned().unwrap_or_default(),
                r.number.clone(),
                r.title.clone(),
                r.document.to_string(),
            ]
        })
        .collect();
    let head = ["序号", "日期", "机关", "站点", "文号", "标题", "编号"];
    Ok(crate::system::export::csv_response("records.csv", &head, &rows)?)
}
