//! Our axum kit.
//!
//! * [`app`]: what a running city shares: truth, publisher, index, templates, assets.
//! * [`public`]: the public door. Published pages come first, from memory; then the few application pages under reserved
//!   paths. It knows no staff route.
//! * [`staff`]: the staff door. Each route stands beside the permission that it needs ([`staff::Route`]); the list of
//!   routes lists itself for the tests that try every role on every route. It knows no public route.
//! * [`form`]: forms that carry their CSRF token in their type and keep what was typed.
//! * [`upload`]: files are judged by content, size and name before anything else sees them.
//! * [`templates`], [`assets`], [`html`]: words, looks, clean HTML.

pub mod app;
pub mod assets;
pub mod error;
pub mod form;
pub mod html;
pub mod public;
pub mod server;
pub mod staff;
pub mod templates;
pub mod upload;

pub use app::App;
pub use error::{Failure, Outcome};
pub use form::{Fields, FormErrors};
pub use staff::{Route, Staff};
