//! 统计: numbers with their definitions, each opening exactly the records that it counts.
//!
//! Invariant: a figure and its list of records come from one condition (`records::indicator`), so that they cannot
//! disagree. Whoever lacks the whole city sees the organs of their scope only.

pub mod queries;

mod pages;
pub use pages::{menu, routes};
pub use queries::{figure, figure_with_records};
