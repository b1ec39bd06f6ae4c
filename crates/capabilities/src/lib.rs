//! The product: one folder a government capability, all of the same inner shape (`mod`, `model`, `rules`, `commands/`,
//! `queries`, `pages/`, `published`, `templates/`).
//!
//! This file is the table of contents of the city. A capability may use one above it in the list through its `api`;
//! siblings meet only through events stored in the same transaction.

use std::borrow::Cow;

use web::staff::{MenuItem, Route};

pub mod calendar;
pub mod content;
pub mod indexing;
pub mod indicators;
pub mod office;
pub mod published;
pub mod sites;
pub mod system;

#[derive(rust_embed::RustEmbed)]
#[folder = "src/"]
#[include = "*/templates/*/*.html"]
struct Embedded;

/// The capabilities' templates: `content/public/list.html` stands in `content/templates/public/list.html`.
pub fn template(name: &str) -> Option<Cow<'static, str>> {
    let (capability, rest) = name.split_once('/')?;
    web::templates::text(Embedded::get(&format!("{capability}/templates/{rest}"))?.data)
}

/// Names of the capabilities' templates.
pub fn template_names() -> Vec<String> {
    Embedded::iter().map(|n| n.replacen("/templates/", "/", 1)).collect()
}

/// All templates of the product.
pub fn templates() -> web::templates::Templates {
    web::templates::Templates::new(template, &template_names())
}

/// Every route of the staff side with the permission that it needs.
pub fn staff_routes() -> Vec<Route> {
    let mut routes = office::routes();
    routes.extend(content::routes());
    routes.extend(sites::routes());
    routes.extend(calendar::routes());
    routes.extend(indicators::routes());
    routes.extend(system::routes());
    routes
}

/// The menu of the staff side.
pub fn menu() -> Vec<MenuItem> {
    let mut menu = office::menu();
    menu.extend(content::menu());
    menu.extend(sites::menu());
    menu.extend(indicators::menu());
    menu.extend(calendar::menu());
    menu.extend(system::menu());
    menu
}
