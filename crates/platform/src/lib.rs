//! Machinery that knows no government business.
//!
//! * [`db`]: SQLite or PostgreSQL behind one door; [`tx`]: `ReadTx`, which cannot write, and `WriteTx`, which cannot
//!   commit without an audit entry.
//! * [`audit`]: the hash chain over everything that was done; [`outbox`]: events in commit order.
//! * [`jobs`]: leased rows, retried, safe to run twice.
//! * [`blobs`]: published bytes under their hash; [`originals`]: uploaded files under theirs.
//! * [`publish`]: turns events into immutable pages and serves them from memory, checked.
//! * [`crypto`]: the ordinary provider of hashes and ciphertexts; [`env`]: clock and chance, passed in.
//! * [`session`]: sign-in sessions; [`folder`]: the data folder and its lock; [`config`]: what an operator may set.
//!
//! Whatever differs between the two engines stands in [`db::dialect`] and nowhere else.

pub mod audit;
pub mod blobs;
pub mod config;
pub mod crypto;
pub mod db;
pub mod env;
pub mod folder;
pub mod jobs;
pub mod originals;
pub mod outbox;
pub mod publish;
pub mod session;
pub mod tx;

pub use db::{Args, Db, Row, Sql, Value};
pub use env::{Ctx, Env};
pub use tx::{Read, ReadTx, WriteTx};
