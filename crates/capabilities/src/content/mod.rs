//! 信息: writing, reviewing, releasing, withdrawing.
//!
//! An edition moves draft → submitted → approved → published (at once or at a time); a reviewer may return it. Whoever
//! wrote it does not release it. Every edition is kept; a withdrawn document says so at its old address and nowhere else.
//!
//! Invariants: a live document stands in at least one column; its address never passes to another document; a release,
//! its placements, its address and its event commit together.

pub mod commands;
pub mod model;
pub mod published;
pub mod queries;
pub mod rules;

mod pages;

pub use pages::{menu, public_pages, routes};
