//! Chinese full-text search of what has been published.
//!
//! The index is never the truth: it is built from published documents, remembers up to which event of the outbox it was
//! fed ([`Index::position`]), and is thrown away and built again when it is damaged. What follows from Chinese:
//!
//! * There are no spaces, and no dictionary cuts every sentence as a reader would. So each text is indexed twice. The
//!   field `u` holds every character (every run of letters or digits) as one token with its position: a phrase there is
//!   exact substring search, nothing that stands in the text is missed. The field `j` holds the words of a dictionary,
//!   for ranking and for questions whose words stand apart in the text.
//! * A run of letters or digits is one token: `47号` does not find `147号`.
//! * Document numbers (国办发〔2017〕47号) are typed in many ways; one normal form of each stands in a field of its own.
//! * Queries are built by hand. No text is a syntax error, and a query costs a bounded time: see [`MAX_TOKENS`].
//!
//! Everything here is synchronous and may read the disk: call it from a blocking thread. One process writes an index;
//! every node keeps its own folder.

mod ask;
mod gather;
mod guard;
mod index;
mod number;
mod scan;
mod snippet;
mod words;

pub use ask::{MAX_CHARS, MAX_TOKENS};
pub use index::{Index, Opened, Options};
pub use words::add_words;

use serde::{Deserialize, Serialize};

/// The deepest hit that can be paged to. Nobody reads so far; a crawler would.
pub const MAX_DEPTH: usize = 10_000;

/// The largest page.
pub const MAX_PAGE_SIZE: usize = 100;

/// One published document on one site, as it is given to the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Unique: one document on one site. Putting the same key again replaces. At most 200 bytes, not empty.
    pub key: String,
    /// Site that shows it. A search with a site sees only that site.
    pub site: String,
    /// Organ that issued it; an empty value is not counted in the facets (this holds for theme and kind too).
    pub organ: String,
    /// Theme.
    pub theme: String,
    /// Kind of document.
    pub kind: String,
    /// Year, for the facet and for a slight preference of newer documents.
    pub year: i32,
    /// Title.
    pub title: String,
    /// Document number as printed, or empty.
    pub number: String,
    /// The text, without markup.
    pub body: String,
    /// Address of the page.
    pub url: String,
    /// Date for the reader (ISO).
    pub date: String,
    /// What "newest first" sorts by, greater is newer.
    pub sort: i64,
    /// Column it stands in; stored only.
    pub column: String,
    /// Words about it, such as its validity; stored only.
    pub note: String,
}

/// How hits are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Best first, newer ones slightly preferred. Without a text this is the same as `Newest`.
    #[default]
    Relevance,
    /// Newest first.
    Newest,
}

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What the person typed. Blank lists everything, newest first.
    pub text: String,
    /// Only this site.
    pub site: Option<String>,
    /// Only this organ.
    pub organ: Option<String>,
    /// Only this theme.
    pub theme: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this year.
    pub year: Option<i32>,
    /// Order.
    pub order: Order,
    /// Page, from 1 (0 is read as 1).
    pub page: usize,
    /// Hits on a page, at most [`MAX_PAGE_SIZE`]; 0 asks for the counts alone.
    pub page_size: usize,
    /// Look in titles (and document numbers) only.
    pub title_only: bool,
}

impl Default for Query {
    fn default() -> Query {
        Query {
            text: String::new(),
            site: None,
            organ: None,
            theme: None,
            kind: None,
            year: None,
            order: Order::Relevance,
            page: 1,
            page_size: 20,
            title_only: false,
        }
    }
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// How many documents match, exactly.
    pub total: usize,
    /// The hits of the page asked for; none beyond [`MAX_DEPTH`].
    pub hits: Vec<Hit>,
    /// How they are spread.
    pub facets: Facets,
    /// No document had all the words, so these have at least half of them. The page should say so.
    pub relaxed: bool,
    /// The text was too long and its end was left out. The page should say so.
    pub shortened: bool,
}

/// Counts by value. The site narrows everything. Each of the other four is counted with all filters except its own, so
/// that a reader who chose one organ still sees what another would give. Most frequent first, years newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// By site.
    pub site: Vec<(String, u64)>,
    /// By organ.
    pub organ: Vec<(String, u64)>,
    /// By theme.
    pub theme: Vec<(String, u64)>,
    /// By kind.
    pub kind: Vec<(String, u64)>,
    /// By year.
    pub year: Vec<(i32, u64)>,
}

/// A document that matches: the fields of its [`Item`] without the body.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hit {
    /// See [`Item::key`].
    pub key: String,
    /// See [`Item::site`].
    pub site: String,
    /// See [`Item::organ`].
    pub organ: String,
    /// See [`Item::theme`].
    pub theme: String,
    /// See [`Item::kind`].
    pub kind: String,
    /// See [`Item::year`].
    pub year: i32,
    /// See [`Item::title`].
    pub title: String,
    /// See [`Item::number`].
    pub number: String,
    /// See [`Item::url`].
    pub url: String,
    /// See [`Item::date`].
    pub date: String,
    /// See [`Item::sort`].
    pub sort: i64,
    /// See [`Item::column`].
    pub column: String,
    /// See [`Item::note`].
    pub note: String,
    /// The whole title, in pieces.
    pub title_marked: Vec<Piece>,
    /// About 110 characters of the body where the most of the query stands, in pieces; the beginning of the body where
    /// none of it does.
    pub snippet: Vec<Piece>,
}

/// A piece of text. Templates escape it and mark it; nothing here builds HTML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is what was searched for.
    pub hit: bool,
}
