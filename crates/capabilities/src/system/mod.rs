//! 系统: jobs, the publisher's queue, health, the audit.
//!
//! Whoever runs the city sees here what waits, what failed and why; whoever watches it reads the audit chain and has it
//! verified. Nothing here changes content.

pub(crate) mod export;
pub mod queries;
pub mod rules;

mod pages;
pub use pages::{menu, routes};
