//! Writing: save, submit, begin a new edition of something published, discard, restore.

use kernel::{Id, Permission, Refusal, Result};
use platform::WriteTx;
use platform::audit::Entry;
use records::document::{self, Content, Document, DocumentKind, State};
use records::site;

use super::super::rules;
use super::{all_clear, authorised, working};

/// What an editor saves.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The document, or `None` for a new one.
    pub document: Option<Id>,
    /// The lock version that the editor's form was made from.
    pub lock_version: i64,
    /// The site whose office writes it.
    pub site: Id,
    /// What sort of document.
    pub kind: DocumentKind,
    /// The text; its body must have been cleaned.
    pub content: Content,
    /// Columns, the home column first.
    pub columns: Vec<Id>,
}

/// Saves a draft; a new document, a new edition of a published one, or over the present draft.
///
/// # Errors
/// `content.*` where the text has faults, `document.stale` where somebody else saved since, `permission.denied`,
/// `column.unknown` where a column is not the actor's to use.
pub async fn save(tx: &mut WriteTx, draft: Draft) -> Result<Document> {
    let mut content = draft.content;
    content.body = web::html::clean(&content.body);
    all_clear(rules::faults(&content))?;
    let actor = tx.ctx().actor.clone();
    // Columns in which the document stands already stay even where they are not this actor's to choose: whoever mends a
    // text must not take it off another office's site by saving.
    let standing = match draft.document {
        Some(id) => {
            let d = authorised(tx, id, Permission::DocumentWrite).await?;
            match d.draft.or(d.live) {
                Some(e) => document::edition_columns(tx, e).await?,
                None => Vec::new(),
            }
        }
        None => Vec::new(),
    };
    for c in draft.columns.iter().filter(|c| !standing.contains(c)) {
        let column = site::get_column(tx, *c).await?;
        let target = site::target(tx, column.site).await?;
        if !actor.may(Permission::DocumentWrite, &target) {
            return Err(site::unknown_column().at("columns"));
        }
    }
    let mut d = match draft.document {
        None => {
            let target = site::target(tx, draft.site).await?;
            if !actor.may(Permission::DocumentWrite, &target) {
                return Err(site::unknown());
            }
            let s = site::get(tx, draft.site).await?;
            let id = document::insert(tx, s.organ, draft.site, draft.kind, None).await?;
            document::get(tx, id).await?
        }
        Some(id) => {
            let d = authorised(tx, id, Permission::DocumentWrite).await?;
            if d.lock_version != draft.lock_version {
                return Err(document::stale());
            }
            d
        }
    };
    d.kind = draft.kind;
    let edition = match d.draft {
        Some(id) => {
            all_clear(rules::may_edit(&document::get_edition(tx, id).await?))?;
            document::update_edition(tx, id, &content).await?;
            id
        }
        None => {
            let id = document::insert_edition(tx, d.id, &content).await?;
            if let Some(live) = d.live {
                copy_attachments(tx, live, id).await?;
            }
            id
        }
    };
    document::set_edition_columns(tx, edition, &draft.columns).await?;
    d.draft = Some(edition);
    document::save(tx, &d).await?;
    tx.audit(Entry::done("document.save", "document", d.id).site(d.site));
    document::get(tx, d.id).await
}

/// Hands a draft to the reviewers.
///
/// # Errors
/// Everything that [`rules::may_submit`] tells; `edition.state`.
pub async fn submit(tx: &mut WriteTx, id: Id) -> Result<Document> {
    let d = authorised(tx, id, Permission::DocumentWrite).await?;
    let e = working(tx, &d).await?;
    all_clear(rules::may_edit(&e))?;
    let columns = document::edition_columns(tx, e.id).await?;
    all_clear(rules::may_submit(&e.content, columns.len()))?;
    document::set_state(tx, e.id, State::Submitted).await?;
    document::insert_step(tx, e.id, "submit", "").await?;
    document::save(tx, &d).await?;
    tx.audit(Entry::done("document.submit", "document", id).site(d.site));
    Ok(d)
}

/// Begins a new edition of a published document with its present text.
///
/// # Errors
/// `edition.state` where one is under way already.
pub async fn revise(tx: &mut WriteTx, id: Id) -> Result<Document> {
    let d = authorised(tx, id, Permission::DocumentWrite).await?;
    let Some(live) = d.live else {
        return Err(Refusal::conflict("document.not_live", "这条信息没有公开的稿件"));
    };
    restore_from(tx, d, live, "document.revise").await
}

/// Begins a new edition with the text of an earlier one.
///
/// # Errors
/// `edition.unknown`, `edition.state` where one is under way already.
pub async fn restore(tx: &mut WriteTx, id: Id, edition: Id) -> Result<Document> {
    let d = authorised(tx, id, Permission::DocumentWrite).await?;
    restore_from(tx, d, edition, "document.restore").await
}

async fn restore_from(tx: &mut WriteTx, mut d: Document, from: Id, action: &'static str) -> Result<Document> {
    let old = document::get_edition(tx, from).await?;
    if old.document != d.id {
        return Err(Refusal::not_found("edition.unknown", "没有这一稿"));
    }
    if d.draft.is_some() {
        return Err(Refusal::conflict("edition.state", "已有一稿正在办理").mend("请先办完或者作废那一稿"));
    }
    let id = document::insert_edition(tx, d.id, &old.content).await?;
    let columns = document::edition_columns(tx, old.id).await?;
    document::set_edition_columns(tx, id, &columns).await?;
    copy_attachments(tx, old.id, id).await?;
    d.draft = Some(id);
    document::save(tx, &d).await?;
    tx.audit(Entry::done(action, "document", d.id).site(d.site).detail(serde_json::json!({ "from": old.no })));
    document::get(tx, d.id).await
}

/// Takes back a draft that is no longer wanted; it stays in the history.
///
/// # Errors
/// `edition.state` where it is under review or further.
pub async fn discard(tx: &mut WriteTx, id: Id) -> Result<()> {
    let mut d = authorised(tx, id, Permission::DocumentWrite).await?;
    let e = working(tx, &d).await?;
    all_clear(rules::may_edit(&e))?;
    document::set_state(tx, e.id, State::Discarded).await?;
    document::insert_step(tx, e.id, "discard", "").await?;
    d.draft = None;
    document::save(tx, &d).await?;
    tx.audit(Entry::done("document.discard", "document", id).site(d.site));
    Ok(())
}

async fn copy_attachments(tx: &mut WriteTx, from: Id, to: Id) -> Result<()> {
    for mut a in document::attachments(tx, &[from]).await? {
        a.id = tx.ctx().id();
        a.edition = to;
        document::insert_attachment(tx, &a).await?;
    }
    Ok(())
}
