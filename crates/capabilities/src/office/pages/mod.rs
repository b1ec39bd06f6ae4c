//! Staff pages.

mod account;
mod delegations;
mod organs;
mod sign_in;
mod users;
mod worklist;

use axum::http::{Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use kernel::refusal::Kind;
use kernel::{Permission, Refusal};
use serde_json::{Value, json};
use web::form::FormErrors;
use web::staff::{Access, MenuItem, Route, Staff};

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    let mut routes = sign_in::routes();
    routes.extend(account::routes());
    routes.extend(worklist::routes());
    routes.extend(organs::routes());
    routes.extend(users::routes());
    routes.extend(delegations::routes());
    routes
}

fn open_get<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: axum::handler::Handler<T, web::App>,
    T: 'static,
{
    Route::new(Method::GET, path, access, handler)
}

fn open_post<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: axum::handler::Handler<T, web::App>,
    T: 'static,
{
    Route::new(Method::POST, path, access, handler)
}

/// The menu.
pub fn menu() -> Vec<MenuItem> {
    let item = |group, name, url, icon, needs| MenuItem { group, name, url, icon, needs };
    vec![
        item("我的", "待办", "/worklist", "inbox", Permission::Work),
        item("我的", "我的账号", "/account", "user", Permission::Work),
        item("我的", "委托代理", "/delegations", "send", Permission::Work),
        item("管理", "机关", "/organs", "source", Permission::OrganRead),
        item("管理", "人员", "/users", "users", Permission::AccountRead),
    ]
}

/// Where whoever is not quite in yet must go first; pages of [`Access::Begun`] that show more than sign-in ask it.
fn not_in_yet(staff: &Staff) -> Option<Response> {
    if !staff.session.complete {
        Some(Redirect::to("/login/second").into_response())
    } else if staff.account.must_change {
        Some(Redirect::to("/account/password").into_response())
    } else {
        None
    }
}

/// Puts refusals into a form, each with the label of its field; what a form cannot mend (our fault, no permission, no
/// such record) goes on to a page of its own.
fn gather(errors: &mut FormErrors, labels: &[(&str, &str)], refusals: Vec<Refusal>) -> Result<(), Refusal> {
    for r in refusals {
        let named = labels.iter().any(|(f, _)| Some(*f) == r.place());
        let mendable = matches!(r.kind(), Kind::Invalid | Kind::Conflict | Kind::TooLarge);
        if !mendable && (!named || r.kind() != Kind::NotFound) {
            return Err(r);
        }
        let label = labels.iter().find(|(f, _)| Some(*f) == r.place()).map_or("", |(_, l)| *l);
        errors.refuse(label, &r);
    }
    // A summary that links to a field that the page does not have would lead nowhere.
    for e in &mut errors.0 {
        if !labels.iter().any(|(f, _)| *f == e.field) {
            e.field.clear();
        }
    }
    Ok(())
}

/// The status of a refused form: 409 where somebody else was faster, else 422.
fn refused_status(refusals: &[Refusal]) -> u16 {
    if refusals.iter().any(|r| r.kind() == Kind::Conflict) { 409 } else { 422 }
}

/// A choice `{value, label, hint}`.
fn option(value: impl Into<String>, label: impl Into<String>) -> Value {
    json!({ "value": value.into(), "label": label.into(), "hint": null })
}

/// One crumb.
fn crumb(name: &str, url: Option<&str>) -> Value {
    json!({ "name": name, "url": url })
}

/// No paging.
fn one_page(text: Option<String>) -> Value {
    json!({ "text": text, "first": null, "prev": null, "next": null })
}

/// A table as a file for spreadsheets: UTF-8 with a mark that they know it by; no cell is taken for a formula.
fn csv_file(name: &str, head: &[&str], rows: Vec<Vec<String>>) -> Result<Response, Refusal> {
    let fault = |e: csv::Error| Refusal::internal("csv.write", e);
    let mut out = csv::Writer::from_writer(vec![0xef, 0xbb, 0xbf]);
    out.write_record(head).map_err(fault)?;
    for row in rows {
        let safe = row.into_iter().map(|c| if c.starts_with(['=', '+', '-', '@', '\t']) { format!("'{c}") } else { c });
        out.write_record(safe.collect::<Vec<String>>()).map_err(fault)?;
    }
    let bytes = out.into_inner().map_err(|e| Refusal::internal("csv.write", e.error()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes).into_response())
}

/// A query string without its empty fields; empty where nothing is left.
fn query_string(pairs: &[(&str, &str)]) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (k, v) in pairs.iter().filter(|(_, v)| !v.is_empty()) {
        out.append_pair(k, v);
    }
    let out = out.finish();
    if out.is_empty() { out } else { format!("?{out}") }
}
