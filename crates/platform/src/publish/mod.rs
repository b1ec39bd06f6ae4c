//! The publisher and the read side.
//!
//! A public page is a pure function of published content and its address. The [`Publisher`] follows the outbox in order,
//! asks the [`Renderer`] which addresses an event touches, renders them, stores their bytes ([`crate::blobs`]) and swaps
//! the route table. Incremental publishing and a full rebuild give the same bytes: a property test holds them to it.
//!
//! The [`ReadSide`] answers from memory: route table, bounded cache, then the disk, where every read is checked against
//! the page's hash. What was changed on disk is never served; it is rendered again from the truth.

mod export;
mod publisher;
mod routes;
mod serve;
mod verify;

use std::collections::{BTreeSet, HashMap};

use futures_util::future::BoxFuture;
use kernel::{Id, Result};

use crate::ReadTx;
use crate::outbox::Event;

pub use export::{ExportStats, Exporter};
pub use publisher::{Health, Publisher, Stats};
pub use routes::{Entry, RouteTable};
pub use serve::{Found, ReadSide, plain};
pub use verify::{BadBlob, VerifyReport};

/// A public address: a path of a site, beginning with `/`, as it stands in the route table (percent-decoded).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The site.
    pub site: Id,
    /// The path.
    pub path: String,
}

impl Address {
    /// An address.
    pub fn new(site: Id, path: impl Into<String>) -> Address {
        Address { site, path: path.into() }
    }
}

/// What is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A page: status 200, or 410 for a withdrawn one.
    Page {
        /// HTTP status.
        status: u16,
        /// Content type, one of [`media`].
        media: &'static str,
        /// The bytes, not compressed.
        body: Vec<u8>,
    },
    /// Moved for good to another address.
    Moved(String),
    /// For now at another address.
    Alias(String),
    /// An uploaded file, by the hash of its original.
    File {
        /// Hash of the original.
        original: String,
        /// Content type.
        media: String,
    },
    /// Nothing.
    Absent,
}

/// Content types of published pages.
pub mod media {
    /// A page.
    pub const HTML: &str = "text/html; charset=utf-8";
    /// A feed.
    pub const FEED: &str = "application/rss+xml; charset=utf-8";
    /// A sitemap.
    pub const XML: &str = "application/xml; charset=utf-8";
    /// `robots.txt`.
    pub const TEXT: &str = "text/plain; charset=utf-8";

    pub(super) fn known(text: &str) -> Option<&'static str> {
        [HTML, FEED, XML, TEXT].into_iter().find(|m| *m == text)
    }
}

/// What events touch.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Single addresses; more than necessary is harmless.
    pub addresses: BTreeSet<Address>,
    /// Whole sites.
    pub sites: BTreeSet<Id>,
    /// Whether domains or sites came, went or moved.
    pub hosts: bool,
}

/// Which site answers to which host.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Lower-case host names without port.
    pub by_name: HashMap<String, Id>,
    /// Who answers to a bare address or an unknown host.
    pub fallback: Option<Id>,
}

/// The processor's part of rendering: pure, may run on any thread.
pub type Finish = Box<dyn FnOnce() -> Result<Vec<Output>> + Send>;

/// What the product publishes, as the machinery sees it.
pub trait Renderer: Send + Sync {
    /// Changes when the program or its templates would give other bytes.
    fn fingerprint(&self) -> String;

    /// Which addresses these events touch.
    fn touched<'a>(&'a self, tx: &'a mut ReadTx, events: &'a [Event]) -> BoxFuture<'a, Result<Touched>>;

    /// Every address that has something, of one site or of all.
    fn all<'a>(&'a self, tx: &'a mut ReadTx, site: Option<Id>) -> BoxFuture<'a, Result<Vec<Address>>>;

    /// Loads what these addresses need and returns the pure rest, which yields one output for each, in order.
    fn prepare<'a>(&'a self, tx: &'a mut ReadTx, addresses: &'a [Address]) -> BoxFuture<'a, Result<Finish>>;

    /// Which site answers to which host.
    fn hosts<'a>(&'a self, tx: &'a mut ReadTx) -> BoxFuture<'a, Result<Hosts>>;
}
