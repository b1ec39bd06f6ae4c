//! Taking over documents of another system. Each is known by its source's id: a second import changes nothing.

use kernel::{Date, Id, Result, Timestamp, text};
use platform::WriteTx;
use platform::audit::Entry;
use records::document::{self, Attachment, Content, DateBasis, DocumentKind};
use web::upload::Upload;

use super::super::rules;
use super::all_clear;
use super::publish::release;

/// What an import takes over.
#[derive(Clone, Debug)]
pub struct Imported {
    /// `source:id`: unique for ever.
    pub key: String,
    /// The organ that owns it here.
    pub organ: Id,
    /// The site and column that it goes to.
    pub site: Id,
    /// Columns, the home column first.
    pub columns: Vec<Id>,
    /// What sort of document.
    pub kind: DocumentKind,
    /// The text; the body is cleaned here.
    pub content: Content,
    /// The source's date, if it had one.
    pub published_on: Option<Date>,
    /// The moment on the page, where it is known to the minute (the demo city).
    pub published_at: Option<Timestamp>,
    /// Whether the page says that it was migrated.
    pub migrated: bool,
    /// Files, judged and stored: with the hash of the original.
    pub files: Vec<(Upload, String)>,
}

/// Takes over and releases a document; returns its id, and `false` where it was taken over before.
///
/// # Errors
/// `content.*` where the text has faults.
pub async fn import(tx: &mut WriteTx, i: Imported) -> Result<(Id, bool)> {
    if let Some(known) = document::find_source(tx, &i.key).await? {
        return Ok((known.id, false));
    }
    let mut content = i.content;
    content.body = web::html::clean(&content.body);
    if content.source.trim().is_empty() {
        content.source = if content.issuer.is_empty() { "未注明".into() } else { content.issuer.clone() };
    }
    content.title = text::half_width_alphanumerics(content.title.trim());
    all_clear(rules::may_submit(&content, i.columns.len()))?;
    let id = document::insert(tx, i.organ, i.site, i.kind, Some(&i.key)).await?;
    let edition = document::insert_edition(tx, id, &content).await?;
    document::set_edition_columns(tx, edition, &i.columns).await?;
    for (i, (file, original)) in i.files.iter().enumerate() {
        let a = Attachment {
            id: tx.ctx().id(),
            edition,
            original: original.clone(),
            name: file.name.clone(),
            media: file.media.to_string(),
            extension: file.extension.to_string(),
            size: file.bytes.len() as i64,
            file: tx.ctx().id(),
            sort: i as i64 + 1,
        };
        document::insert_attachment(tx, &a).await?;
    }
    document::insert_step(tx, edition, "import", "").await?;
    let now = tx.now();
    let (page_at, basis) = match (i.published_at, i.published_on) {
        (Some(at), _) => (at, DateBasis::Own),
        (None, Some(day)) => (Timestamp::start_of(day), DateBasis::Source),
        (None, None) => (Timestamp::start_of(now.day()), DateBasis::Import),
    };
    let basis = if i.migrated { basis } else { DateBasis::Own };
    let d = document::get(tx, id).await?;
    release(tx, d, edition, page_at, basis, i.migrated.then(|| now.day())).await?;
    tx.audit(Entry::done("document.import", "document", id).site(i.site));
    Ok((id, true))
}
