//! Refusals: how the product says no.
//!
//! A refusal tells the person what is wrong, where, and how to mend it, in Chinese; its code is stable and is what the
//! API and the tests rely on. The kind decides the HTTP status and nothing else.

use std::fmt;

/// What sort of no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was given is wrong (422).
    Invalid,
    /// The person must sign in first (401).
    Unauthenticated,
    /// The person may not (403). Where they may not even know that the thing exists, use `NotFound`.
    Forbidden,
    /// No such thing, or none that this person may know of (404).
    NotFound,
    /// It was there and has been withdrawn (410).
    Gone,
    /// Somebody else was faster, or the state does not allow it (409).
    Conflict,
    /// Too large (413).
    TooLarge,
    /// Too often (429).
    TooMany,
    /// Our fault (500); the person sees a number to quote, the log the cause.
    Internal,
    /// Not now, later (503).
    Unavailable,
}

/// A no with its reasons. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: &'static str,
    kind: Kind,
    what: String,
    place: Option<String>,
    mend: Option<String>,
    citation: Option<&'static str>,
    cause: Option<String>,
}

/// The result of everything that can be refused.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

impl Refusal {
    /// A refusal of some kind. `what` is a Chinese sentence without a final stop.
    pub fn new(kind: Kind, code: &'static str, what: impl Into<String>) -> Refusal {
        Refusal(Box::new(Inner { code, kind, what: what.into(), place: None, mend: None, citation: None, cause: None }))
    }

    /// What was given is wrong.
    pub fn invalid(code: &'static str, what: impl Into<String>) -> Refusal {
        Refusal::new(Kind::Invalid, code, what)
    }

    /// The person may not.
    pub fn forbidden(code: &'static str, what: impl Into<String>) -> Refusal {
        Refusal::new(Kind::Forbidden, code, what)
    }

    /// No such thing.
    pub fn not_found(code: &'static str, what: impl Into<String>) -> Refusal {
        Refusal::new(Kind::NotFound, code, what)
    }

    /// The state does not allow it.
    pub fn conflict(code: &'static str, what: impl Into<String>) -> Refusal {
        Refusal::new(Kind::Conflict, code, what)
    }

    /// Our fault. `cause` goes to the log and never to the page.
    pub fn internal(code: &'static str, cause: impl fmt::Display) -> Refusal {
        let mut r = Refusal::new(Kind::Internal, code, "系统出错，没有完成这次操作");
        r.0.cause = Some(cause.to_string());
        r.mend("请稍后重试；仍然出错的，请把页面上的编号告诉管理员")
    }

    /// What the log should know of it; never shown on a page.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Refusal {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Where it is wrong: a field's name, a line, a path.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Refusal {
        self.0.place = Some(place.into());
        self
    }

    /// How to mend it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Refusal {
        self.0.mend = Some(mend.into());
        self
    }

    /// The article or standard it rests on.
    #[must_use]
    pub fn cite(mut self, citation: &'static str) -> Refusal {
        self.0.citation = Some(citation);
        self
    }

    /// The stable code, `area.reason`.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What sort of no it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What is wrong, in Chinese.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Where, if it is in one place.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// How to mend it, in Chinese.
    pub fn how(&self) -> Option<&str> {
        self.0.mend.as_deref()
    }

    /// The article or standard it rests on.
    pub fn citation(&self) -> Option<&'static str> {
        self.0.citation
    }

    /// What the log should know of our own fault.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The HTTP status of this kind.
    pub fn status(&self) -> u16 {
        match self.0.kind {
            Kind::Invalid => 422,
            Kind::Unauthenticated => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::Gone => 410,
            Kind::Conflict => 409,
            Kind::TooLarge => 413,
            Kind::TooMany => 429,
            Kind::Internal => 500,
            Kind::Unavailable => 503,
        }
    }
}

/// `what, where, how to mend it`: the form of the command line.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        if let Some(place) = &self.0.place {
            write!(f, "，{place}")?;
        }
        if let Some(mend) = &self.0.mend {
            write!(f, "，{mend}")?;
        }
        write!(f, " [{}]", self.0.code)?;
        if let Some(cause) = &self.0.cause {
            write!(f, "：{cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
