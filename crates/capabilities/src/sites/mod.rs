//! 站点: the city's sites, their domains and column trees (国办发〔2017〕47号 政府网站发展指引).
//!
//! Invariants: one running site an organ; a column's path is its ancestors' address words and its own; an address that a
//! column once had leads to it for ever; an empty column is not published and stands in no menu.

pub mod commands;
pub mod published;
pub mod queries;
pub mod rules;

mod pages;

pub use pages::{menu, routes};
