//! office

mod pages;
pub use pages::{menu, routes};
