//! 机关、人员和登录: organs with their dated changes, accounts with their roles, and how people come in.
//!
//! Law: 机构改革 changes an organ on a day and leaves the past with the organ that made it; the three administrators are
//! three people (GB/T 22239-2019); what is signed in with is never shown twice and never logged.
//!
//! Invariants: an organ is never its own ancestor and is never deleted; nobody grants a role to themselves; an account
//! never holds two of the administrators' roles; a one-time code works once; an account that is disabled or gets another
//! password loses all its sessions in the same transaction.

pub mod api;
pub mod commands;
pub mod queries;
pub mod rules;
pub mod secrets;

mod pages;

pub use pages::{menu, routes};

#[cfg(test)]
mod journey;

#[cfg(test)]
mod tests {
    /// Samples are the contract between pages and templates: each is rendered with its template, strictly.
    #[test]
    fn every_sample_is_rendered() {
        let templates = crate::templates();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/office/templates/samples");
        let mut n = 0;
        for entry in std::fs::read_dir(folder).expect("samples") {
            let path = entry.expect("sample").path();
            let name = path.file_name().and_then(|n| n.to_str()).expect("name").to_string();
            let page = name.split('.').nth(1).expect("staff.PAGE.json");
            let text = std::fs::read_to_string(&path).expect("text");
            let context: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let html = templates.render(&format!("office/staff/{page}.html"), &context);
            let html = html.unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(html.contains("</html>"), "{name}");
            n += 1;
        }
        assert!(n >= 28, "{n} samples");
    }
}
