//! What happens to documents, as others hear of it.

use kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

/// Kind of the event that a document's public standing changed.
pub const CHANGED: &str = "document.changed";

/// Where a document stands for the public at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its place in lists: the page's date.
    pub sort_at: Option<Timestamp>,
    /// `(site, column)`.
    pub columns: Vec<(Id, Id)>,
    /// Every address that it has or had, attachments included: `(site, path)`.
    pub paths: Vec<(Id, String)>,
}

/// A document's public standing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Which.
    pub document: Id,
    /// Where it stood.
    pub before: Standing,
    /// Where it stands.
    pub after: Standing,
}

/// Grounds on which a document is withdrawn: `(code, what pages say)`.
pub const GROUNDS: &[(&str, &str)] = &[
    ("error", "内容有误"),
    ("expired", "内容已经过时"),
    ("personal", "涉及个人信息"),
    ("secret", "不宜公开"),
    ("duplicate", "重复发布"),
    ("order", "依法或者依上级决定撤回"),
];

/// What pages say of a ground.
pub fn ground_label(code: &str) -> &'static str {
    GROUNDS.iter().find(|(c, _)| *c == code).map_or("其他原因", |(_, l)| l)
}

/// Relations between documents: `(kind, how the first names the second, how the second names the first)`.
pub const RELATIONS: &[(&str, &str, &str)] = &[
    ("interprets", "被解读的文件", "解读本文件"),
    ("repeals", "本文件废止的文件", "废止本文件的文件"),
    ("amends", "本文件修改的文件", "修改本文件的文件"),
    ("replaces", "本文件取代的文件", "取代本文件的文件"),
    ("annex", "所附的文件", "附于"),
    ("see", "相关信息", "相关信息"),
];
