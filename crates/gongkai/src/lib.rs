//! The top floor: puts the city together. [`house`] opens a data folder, [`serve`] runs it, [`cli`] is the command line,
//! [`demo`] the demonstration city, [`importing`] the door for documents of other systems.
//!
//! Only this crate reads the system's clock and draws real randomness ([`system`]).

pub mod cli;
pub mod corpus;
pub mod demo;
pub mod house;
pub mod importing;
pub mod init;
pub mod serve;
pub mod system;
