//! What the whole city must hold to, on real folders and real databases of both engines.
//!
//! PostgreSQL comes from the environment variable `GONGKAI_TEST_PG` (an address, or `off`); where it is not set, a
//! throw-away server is started. `GONGKAI_SOAK_N` sets how many samples the long checks (`soak`) take.

// A test says what it expects by failing: unwrapping is how it does so.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::wrong_self_convention
)]

#[macro_use]
mod harness;

mod crash;
mod damage;
mod db;
mod house_rules;
mod importing;
mod public;
mod publishing;
mod staff;
