//! The nouns of the house on the database: what every capability shares.
//!
//! * [`organ`]: the tree of organs with its dated changes; posts and the people in them.
//! * [`account`]: who signs in, with which roles, for whom.
//! * [`site`]: sites, domains and column trees.
//! * [`document`]: Document and Edition: identity and lock in one, text and state in the other; placements, addresses,
//!   relations, attachments.
//! * [`indicator`]: figures with a definition, whose query also lists the records they count.
//!
//! Each module holds its types and the SQL between rows and types. It decides nothing: rules stand in the capability that
//! owns the act. Verbs: `find` → `Option`, `get` → a refusal if absent, `list`, `count`, then the noun's own.

pub mod account;
pub mod document;
pub mod indicator;
pub mod organ;
pub mod site;
