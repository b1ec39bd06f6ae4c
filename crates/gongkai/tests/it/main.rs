//! Tests of the whole.
mod public;
mod staff;
