//! Staff pages of the system.

mod audit;
mod health;
mod jobs;
mod release;

use kernel::{Permission, Timestamp};
use serde_json::{Value, json};
use web::staff::{MenuItem, Route};

/// Routes.
pub fn routes() -> Vec<Route> {
    use Permission::{AuditRead, DocumentRead, Jobs};
    vec![
        Route::get("/jobs", Jobs, jobs::list),
        Route::post("/jobs/retry", Jobs, jobs::retry_all),
        Route::post("/jobs/{id}/retry", Jobs, jobs::retry),
        Route::get("/system", Jobs, health::show),
        Route::get("/release", DocumentRead, release::show),
        Route::get("/audit", AuditRead, audit::list),
        Route::get("/audit.csv", AuditRead, audit::export),
        Route::post("/audit/verify", AuditRead, audit::verify),
    ]
}

/// Menu.
pub fn menu() -> Vec<MenuItem> {
    let item = |group, name, url, icon, needs| MenuItem { group, name, url, icon, needs };
    vec![
        item("业务", "发布队列", "/release", "send", Permission::DocumentRead),
        item("监督", "审计", "/audit", "shield", Permission::AuditRead),
        item("管理", "后台任务", "/jobs", "settings", Permission::Jobs),
        item("管理", "系统健康", "/system", "heart", Permission::Jobs),
    ]
}

/// A moment for a table.
fn moment(t: Option<Timestamp>) -> Value {
    t.map_or(Value::Null, |t| json!({ "iso": t.rfc3339(), "text": t.second_text() }))
}

/// A number as pages show it: `38,204`.
fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if n < 0 { format!("-{out}") } else { out }
}
