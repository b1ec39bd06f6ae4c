//! The staff door, from outside: who gets in, who sees what, what forged and hostile requests come to.

pub mod setup;

mod forgery;
mod isolation;
mod matrix;
mod routes;
mod signing;
mod together;
mod uploads;
