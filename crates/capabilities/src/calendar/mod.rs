//! 工作日历: which days are worked, and what moves when the next notice is loaded.
//!
//! Years that the release knows are project data; an administrator loads the next year's notice each November
//! (国务院办公厅关于部分节假日安排的通知). What was loaded stands in the database and wins over the built-in year.

pub mod commands;
pub mod queries;

mod pages;
pub use pages::{menu, routes};
pub use queries::current;
