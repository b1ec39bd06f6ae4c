//! Staff pages of sites.

mod columns;
mod form;
mod list;
mod show;

use kernel::{Id, Permission, Result, Timestamp};
use platform::Read;
use records::site::{self, Site, SiteStatus};
use serde_json::{Value, json};
use web::staff::{MenuItem, Route, Staff};

/// Routes.
pub fn routes() -> Vec<Route> {
    use Permission::{OrganWrite, SiteRead, SiteWrite};
    vec![
        Route::get("/sites", SiteRead, list::list),
        Route::get("/sites.csv", SiteRead, list::export),
        Route::get("/sites/new", OrganWrite, form::new),
        Route::post("/sites/new", OrganWrite, form::create),
        Route::get("/sites/{id}", SiteRead, show::show),
        Route::get("/sites/{id}/edit", SiteWrite, form::edit),
        Route::post("/sites/{id}/edit", SiteWrite, form::save),
        Route::post("/sites/{id}/status", SiteWrite, show::status),
        Route::post("/sites/{id}/domains", SiteWrite, show::domains),
        Route::get("/sites/{id}/columns", SiteRead, columns::list),
        Route::get("/sites/{id}/columns/new", SiteWrite, columns::new),
        Route::post("/sites/{id}/columns/new", SiteWrite, columns::create),
        Route::get("/columns/{id}/edit", SiteWrite, columns::edit),
        Route::post("/columns/{id}/edit", SiteWrite, columns::save),
        Route::post("/columns/{id}/up", SiteWrite, columns::up),
        Route::post("/columns/{id}/down", SiteWrite, columns::down),
        Route::post("/columns/{id}/close", SiteWrite, columns::close),
        Route::post("/columns/{id}/open", SiteWrite, columns::open),
        Route::post("/columns/{id}/delete", SiteWrite, columns::delete),
    ]
}

/// Menu.
pub fn menu() -> Vec<MenuItem> {
    vec![MenuItem {
        group: "管理", name: "站点和栏目", url: "/sites", icon: "globe", needs: Permission::SiteRead
    }]
}

/// A site that the person may see, and whether they may change it. Another one does not exist for them.
async fn seen(tx: &mut impl Read, staff: &Staff, id: &str) -> Result<(Site, bool)> {
    let id: Id = id.parse().map_err(|_| site::unknown())?;
    let s = site::get(tx, id).await?;
    let target = site::target(tx, id).await?;
    if !staff.actor().may(Permission::SiteRead, &target) {
        return Err(site::unknown());
    }
    let writes = staff.actor().may(Permission::SiteWrite, &target);
    Ok((s, writes))
}

/// A moment for a table.
fn moment(t: Option<Timestamp>) -> Value {
    t.map_or(Value::Null, |t| json!({ "iso": t.rfc3339(), "text": t.minute_text() }))
}

/// A day for a table.
fn day(t: Option<Timestamp>) -> Value {
    t.map_or(Value::Null, |t| {
        let d = kernel::time::iso(t.day());
        json!({ "iso": d, "text": d })
    })
}

/// A stage: word and icon, colour only then.
fn state(s: SiteStatus) -> Value {
    let (tone, icon) = match s {
        SiteStatus::Running => ("ok", "ok"),
        SiteStatus::Paused => ("warn", "pause"),
        SiteStatus::Closed => ("mute", "stop"),
        SiteStatus::Planned | SiteStatus::Tested | SiteStatus::Registered => ("info", "pen"),
    };
    json!({ "tone": tone, "icon": icon, "text": s.label() })
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

/// A choice of a list.
fn choice(value: impl Into<String>, label: impl Into<String>) -> Value {
    json!({ "value": value.into(), "label": label.into(), "hint": null })
}

fn crumbs(trail: &[(&str, Option<String>)]) -> Value {
    trail.iter().map(|(name, url)| json!({ "name": name, "url": url })).collect()
}

#[cfg(test)]
mod tests {
    /// Every staff sample of these capabilities renders, so that samples and templates agree.
    #[test]
    fn samples_render() {
        let templates = crate::templates();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut n = 0;
        for capability in ["sites", "system", "calendar", "indicators"] {
            let dir = root.join(capability).join("templates/samples");
            for file in std::fs::read_dir(dir).expect("samples").map(|f| f.expect("file").path()) {
                let name = file.file_name().and_then(|n| n.to_str()).expect("name").to_string();
                let Some(page) = name.strip_prefix("staff.").and_then(|r| r.split('.').next()) else { continue };
                let text = std::fs::read_to_string(&file).expect("sample");
                let value: serde_json::Value = serde_json::from_str(&text).expect("json");
                let html = templates.render(&format!("{capability}/staff/{page}.html"), &value);
                let html = html.unwrap_or_else(|e| panic!("{capability} {name}: {e}"));
                assert!(html.contains("</html>"), "{name}");
                n += 1;
            }
        }
        assert!(n > 20, "{n} samples");
    }

    #[test]
    fn numbers_are_grouped() {
        for (n, t) in [(0, "0"), (999, "999"), (1000, "1,000"), (38_204, "38,204"), (-1234, "-1,234")] {
            assert_eq!(super::grouped(n), t);
        }
    }
}
