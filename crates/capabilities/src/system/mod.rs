//! system

mod pages;
pub use pages::{menu, routes};
