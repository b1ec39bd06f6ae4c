//! Staff pages.
use web::staff::{MenuItem, Route};
/// Routes.
pub fn routes() -> Vec<Route> { Vec::new() }
/// Menu.
pub fn menu() -> Vec<MenuItem> { Vec::new() }
