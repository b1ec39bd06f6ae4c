//! The ground floor: everything that is true of a city's open government without a database, a network, a file or a
//! clock.
//!
//! * Time comes in as a value ([`time::Timestamp`], [`time::Date`]); nothing here asks for the present.
//! * Randomness comes in as a value ([`id::Entropy`]).
//! * Errors are [`refusal::Refusal`]s: what is wrong, where, how to mend it, with a code that does not change.
//! * Secrets and personal data live in types that cannot be printed ([`secret`]).
//!
//! To add a rule that several capabilities share, add a module here with its table and property tests. A rule that one
//! capability owns belongs in that capability's `rules.rs`.

pub mod calendar;
pub mod code;
pub mod crypto;
pub mod docnum;
pub mod id;
pub mod money;
pub mod permission;
pub mod refusal;
pub mod secret;
pub mod text;
pub mod time;

pub use id::Id;
pub use permission::{Actor, Permission};
pub use refusal::{Refusal, Result};
pub use time::{Date, Timestamp};
