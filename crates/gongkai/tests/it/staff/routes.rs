//! Addresses of routes with real numbers in place of their parameters.

use axum::http::Method;
use kernel::Id;
use web::staff::Route;

use super::setup::{Place, Setup};

/// The route's path as a text with parameters filled by what a place owns; the first of each.
pub fn own(path: &str, p: &Place) -> String {
    filled(path, &|kind| values(kind, p).into_iter().next().unwrap_or_else(|| "1".into()))
}

/// Every filling of a route's path with what one place owns.
pub fn all(path: &str, p: &Place) -> Vec<String> {
    product(path, &|kind| values(kind, p))
}

/// Fillings that mix two places: the object of one, the part of another.
pub fn mixed(path: &str, outer: &Place, inner: &Place) -> Vec<String> {
    if kinds(path).len() < 2 {
        return Vec::new();
    }
    let first = kinds(path).first().copied().unwrap_or_default();
    product(path, &|kind| {
        let from = if kind == first { outer } else { inner };
        values(kind, from).into_iter().take(2).collect()
    })
}

/// The path with numbers that nothing has.
pub fn unknown(path: &str) -> String {
    filled(path, &|kind| {
        if kind == "editions" { "1".into() } else { Id::from_i64(4_000_000_000_000_000_077).to_string() }
    })
}

/// Whether a route has parameters.
pub fn has_parameters(route: &Route) -> bool {
    route.path.contains('{')
}

/// Routes of a method.
pub fn of(method: &Method) -> Vec<Route> {
    capabilities::staff_routes().into_iter().filter(|r| r.method == *method).collect()
}

/// What belongs to a place, by the segment that stands before the parameter.
fn values(kind: &str, p: &Place) -> Vec<String> {
    let text = |ids: &[Id]| ids.iter().map(Id::to_string).collect();
    match kind {
        "documents" => text(&p.documents),
        "files" => text(&p.attachments),
        "editions" => vec!["1".into()],
        "organs" => text(&[p.organ]),
        "users" => p.people.iter().map(|x| x.account.to_string()).collect(),
        "grants" => text(&p.grants),
        "sites" => text(&[p.site]),
        "columns" => text(&p.columns),
        "delegations" => text(&[p.delegation]),
        // Jobs belong to the city: none of a site can be had.
        "jobs" => vec![Id::from_i64(77).to_string()],
        // One's own sign-ins only: none of a site can be had.
        "sessions" => vec!["no-such-session".into()],
        "indicators" => records::indicator::ALL.iter().map(|i| i.code.to_string()).collect(),
        "calendar" => vec!["2027".into()],
        other => panic!("a route has a parameter after “{other}”: tell this test what to fill it with"),
    }
}

fn kinds(path: &str) -> Vec<&str> {
    let parts: Vec<&str> = path.split('/').collect();
    parts.windows(2).filter(|w| matches!(w, [_, p] if p.starts_with('{'))).filter_map(|w| w.first().copied()).collect()
}

fn filled(path: &str, value: &dyn Fn(&str) -> String) -> String {
    product(path, &|kind| vec![value(kind)]).into_iter().next().unwrap_or_default()
}

fn product(path: &str, value: &dyn Fn(&str) -> Vec<String>) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before = "";
    for part in path.trim_start_matches('/').split('/') {
        let choices = match part.strip_prefix('{') {
            Some(rest) => {
                // What follows the parameter in the same segment, as in `{code}.csv`.
                let tail = rest.split_once('}').map_or("", |(_, t)| t);
                value(before).into_iter().map(|v| format!("{v}{tail}")).collect()
            }
            None => vec![part.to_string()],
        };
        out = out.iter().flat_map(|o| choices.iter().map(move |c| format!("{o}/{c}"))).collect();
        before = part;
    }
    out
}

/// Everything that a form of this side might ask for, so that a request is refused for whom it is from, not for what
/// is missing in it.
pub fn plausible(setup: &Setup, p: &Place) -> Vec<(&'static str, String)> {
    let _ = setup;
    let column = p.columns.first().map(Id::to_string).unwrap_or_default();
    let account = p.people.first().map(|x| x.account.to_string()).unwrap_or_default();
    [
        ("lock_version", "1"),
        ("title", "一个标题"),
        ("kind", "see"),
        ("body", "正文"),
        ("source", "来源"),
        ("do", "approve"),
        ("act", "add"),
        ("when", "now"),
        ("comment", "意见"),
        ("note", "说明"),
        ("ground", "error"),
        ("text", "数字有误"),
        ("sure", "1"),
        ("name", "一个名称"),
        ("short_name", "简称"),
        ("slug", "new-word"),
        ("description", "说明"),
        ("keywords", "词"),
        ("type", "政务动态"),
        ("host", "www.elsewhere.test"),
        ("status", "paused"),
        ("role", "editor"),
        ("phone", "0990-1"),
        ("address", "路"),
        ("basis", "依据"),
        ("on", "2026-09-14"),
        ("since", "2026-09-15"),
        ("until", "2026-09-16"),
        ("reason", "原因"),
    ]
    .into_iter()
    .map(|(k, v)| (k, v.to_string()))
    .chain([
        ("main_column", column.clone()),
        ("columns", column.clone()),
        ("into", column),
        ("scope", format!("site:{}", p.site)),
        ("organ", p.organ.to_string()),
        ("account", "someone.new".into()),
        ("to", account),
    ])
    .collect()
}
