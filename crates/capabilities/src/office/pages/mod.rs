//! Staff pages.

mod account;
mod sign_in;

use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{Permission, Refusal};
use serde_json::{Value, json};
use web::form::FormErrors;
use web::staff::{Access, MenuItem, Route, Staff};

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    let mut routes = sign_in::routes();
    routes.extend(account::routes());
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
    vec![MenuItem { group: "我的", name: "待办", url: "/worklist", icon: "inbox", needs: Permission::Work }]
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

/// Puts refusals into a form, each with the label of its field; what is our fault goes on as it is.
fn gather(errors: &mut FormErrors, labels: &[(&str, &str)], refusals: Vec<Refusal>) -> Result<(), Refusal> {
    for r in refusals {
        if r.kind() == kernel::refusal::Kind::Internal || r.kind() == kernel::refusal::Kind::Unavailable {
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
    if refusals.iter().any(|r| r.kind() == kernel::refusal::Kind::Conflict) { 409 } else { 422 }
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
