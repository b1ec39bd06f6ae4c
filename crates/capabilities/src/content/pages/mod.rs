//! Staff pages of documents: list, one document, writing, and what people do to it.

use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, post};
use kernel::Permission;
use web::App;
use web::staff::{Access, MenuItem, Route};

mod acts;
mod diff;
#[cfg(test)]
mod flow;
mod form;
mod kit;
mod list;
mod public;
mod show;
mod subjects;

pub use public::public_pages;

/// A change that may carry files: its body may be as large as they are.
fn with_files(path: &'static str, handler: MethodRouter<App>) -> Route {
    Route {
        method: axum::http::Method::POST,
        path,
        access: Access::Needs(Permission::DocumentWrite),
        handler: handler.layer(DefaultBodyLimit::max(web::upload::MAX_REQUEST)),
    }
}

/// Routes with what they need somewhere; whether it is held for the document in question is asked again by each.
pub fn routes() -> Vec<Route> {
    use Permission::{
        DocumentPublish as Publish, DocumentRead as Look, DocumentReview as Review, DocumentWrite as Write,
    };
    vec![
        Route::get("/documents", Look, list::page),
        Route::get("/documents.csv", Look, list::csv),
        Route::get("/documents/new", Write, form::new),
        with_files("/documents/new", post(form::create)),
        Route::get("/documents/{id}", Look, show::page),
        Route::get("/documents/{id}/edit", Write, form::edit),
        with_files("/documents/{id}/edit", post(form::update)),
        Route::get("/documents/{id}/editions/{no}", Look, show::edition),
        Route::post("/documents/{id}/editions/{no}/restore", Write, acts::restore),
        Route::get("/documents/{id}/history", Look, show::history),
        Route::get("/documents/{id}/diff", Look, show::compare),
        Route::get("/documents/{id}/files/{attachment}", Look, show::file),
        Route::post("/documents/{id}/files/{attachment}/remove", Write, acts::detach),
        Route::post("/documents/{id}/relations", Write, acts::relate),
        Route::post("/documents/{id}/relations/remove", Write, acts::unrelate),
        Route::post("/documents/{id}/submit", Write, acts::submit),
        Route::post("/documents/{id}/discard", Write, acts::discard),
        Route::post("/documents/{id}/revise", Write, acts::revise),
        Route::get("/documents/{id}/review", Review, acts::review_page),
        Route::post("/documents/{id}/review", Review, acts::review),
        Route::get("/documents/{id}/publish", Publish, acts::publish_page),
        Route::post("/documents/{id}/publish", Publish, acts::publish),
        Route::post("/documents/{id}/unschedule", Publish, acts::unschedule),
        Route::get("/documents/{id}/withdraw", Publish, acts::withdraw_page),
        Route::post("/documents/{id}/withdraw", Publish, acts::withdraw),
    ]
}

/// The menu's entries.
pub fn menu() -> Vec<MenuItem> {
    vec![MenuItem { group: "业务", name: "信息", url: "/documents", icon: "doc", needs: Permission::DocumentRead }]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    /// Every sample of the staff pages is rendered: a template that wants a key which its sample lacks fails here.
    #[test]
    fn samples_and_templates_agree() {
        let templates = crate::templates();
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/content/templates/samples");
        let mut seen = 0;
        for entry in std::fs::read_dir(dir).expect("samples") {
            let path = entry.expect("entry").path();
            let name = path.file_name().and_then(|n| n.to_str()).expect("name").to_string();
            let Some(rest) = name.strip_prefix("staff.") else { continue };
            let page = rest.split('.').next().expect("page");
            let sample: Value =
                serde_json::from_str(&std::fs::read_to_string(&path).expect("text")).expect("valid JSON");
            let html = templates.render(&format!("content/staff/{page}.html"), &sample).expect(&name);
            assert!(html.contains("</html>"), "{name}");
            seen += 1;
        }
        assert!(seen > 10, "{seen}");
    }

    #[test]
    fn routes_are_unique() {
        let mut all: Vec<_> = super::routes().iter().map(|r| format!("{} {}", r.method, r.path)).collect();
        let n = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), n);
    }
}
