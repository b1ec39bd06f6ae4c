//! Releasing: at once, or at a time.

use kernel::{Date, Id, Permission, Refusal, Result, Timestamp};
use platform::WriteTx;
use platform::audit::Entry;
use platform::jobs::NewJob;
use records::document::{self, DateBasis, Document, DocumentAddress, Placement, State};
use records::site;
use serde::{Deserialize, Serialize};

use super::super::model::{CHANGED, Changed};
use super::super::rules;
use super::standing::standing;
use super::{all_clear, authorised, working};

/// Payload of the job that releases a scheduled edition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PublishDue {
    /// The document.
    pub document: Id,
    /// Its edition: another one by then means that the plan has changed.
    pub edition: Id,
}

/// Name of that job.
pub const PUBLISH_DUE: &str = "document.publish_due";

/// Releases a passed edition at once.
///
/// # Errors
/// `edition.own`, `edition.state`, `permission.denied` where a column's site is not the actor's to release on.
pub async fn publish(tx: &mut WriteTx, id: Id, note: &str) -> Result<()> {
    let d = authorised(tx, id, Permission::DocumentPublish).await?;
    let e = working(tx, &d).await?;
    let actor = tx.ctx().actor.clone();
    all_clear(rules::may_publish(&actor, &e))?;
    let columns = document::edition_columns(tx, e.id).await?;
    all_clear(rules::may_submit(&e.content, columns.len()))?;
    for c in &columns {
        let column = site::get_column(tx, *c).await?;
        let target = site::target(tx, column.site).await?;
        actor.check(Permission::DocumentPublish, &target)?;
    }
    document::insert_step(tx, e.id, "publish", note.trim()).await?;
    // A new edition of something public keeps its page's date: its place in lists and its address do not move.
    let (page_at, basis, imported) = match d.live {
        Some(live) => {
            let old = document::get_edition(tx, live).await?;
            (old.page_at.unwrap_or(tx.now()), old.page_basis, old.imported_on)
        }
        None => (tx.now(), DateBasis::Own, None),
    };
    let imported = imported.as_deref().map(kernel::time::parse_date).transpose()?;
    let site = d.site;
    release(tx, d, e.id, page_at, basis, imported).await?;
    tx.audit(Entry::done("document.publish", "document", id).site(site).detail(serde_json::json!({ "edition": e.no })));
    Ok(())
}

/// Plans the release of a passed edition.
///
/// # Errors
/// `publish.past`, `publish.far`, `edition.own`, `edition.state`.
pub async fn schedule(tx: &mut WriteTx, id: Id, at: Timestamp, note: &str) -> Result<()> {
    let d = authorised(tx, id, Permission::DocumentPublish).await?;
    let e = working(tx, &d).await?;
    let actor = tx.ctx().actor.clone();
    all_clear(rules::may_publish(&actor, &e))?;
    all_clear(rules::may_schedule(tx.now(), at))?;
    document::set_state(tx, e.id, State::Scheduled).await?;
    document::set_schedule(tx, e.id, Some(at)).await?;
    document::insert_step(tx, e.id, "schedule", note.trim()).await?;
    document::save(tx, &d).await?;
    let job = NewJob::new(PUBLISH_DUE, &PublishDue { document: id, edition: e.id }, at)?
        .once(format!("publish-{}-{}", e.id, at.0));
    tx.enqueue(job).await?;
    tx.audit(Entry::done("document.schedule", "document", id).site(d.site));
    Ok(())
}

/// Takes a plan back; the edition waits for release again.
///
/// # Errors
/// `edition.state`.
pub async fn unschedule(tx: &mut WriteTx, id: Id) -> Result<()> {
    let d = authorised(tx, id, Permission::DocumentPublish).await?;
    let e = working(tx, &d).await?;
    if e.state != State::Scheduled {
        return Err(Refusal::conflict("edition.state", "这一稿没有定时发布的安排").mend("请刷新页面，查看它的最新状态"));
    }
    document::set_state(tx, e.id, State::Approved).await?;
    document::set_schedule(tx, e.id, None).await?;
    document::insert_step(tx, e.id, "unschedule", "").await?;
    document::save(tx, &d).await?;
    tx.audit(Entry::done("document.unschedule", "document", id).site(d.site));
    Ok(())
}

/// Releases a scheduled edition when its time has come. Run twice, or after the plan has changed, it does nothing;
/// returns whether it did.
///
/// # Errors
/// `db.fault`.
pub async fn publish_due(tx: &mut WriteTx, due: &PublishDue) -> Result<bool> {
    let d = document::get(tx, due.document).await?;
    if d.draft != Some(due.edition) {
        return Ok(false);
    }
    let e = document::get_edition(tx, due.edition).await?;
    if e.state != State::Scheduled || e.publish_at.is_none_or(|at| at > tx.now()) {
        return Ok(false);
    }
    publish(tx, due.document, "按计划定时发布").await?;
    Ok(true)
}

/// Makes an edition the live one: places it, gives it its address, says so to the publisher.
pub(super) async fn release(
    tx: &mut WriteTx,
    mut d: Document,
    edition: Id,
    page_at: Timestamp,
    basis: DateBasis,
    imported_on: Option<Date>,
) -> Result<()> {
    let before = standing(tx, d.id).await?;
    if let Some(old) = d.live {
        document::set_state(tx, old, State::Superseded).await?;
    }
    document::set_release(tx, edition, page_at, basis, imported_on).await?;
    d.live = Some(edition);
    if d.draft == Some(edition) {
        d.draft = None;
    }
    d.withdrawn_at = None;
    d.published_on = Some(kernel::time::iso(page_at.day()));
    document::save(tx, &d).await?;
    place(tx, d.id, edition, page_at).await?;
    let after = standing(tx, d.id).await?;
    tx.event(CHANGED, &Changed { document: d.id, before, after })
}

/// Puts a live document where its edition says, with one address on each site.
pub(crate) async fn place(tx: &mut WriteTx, id: Id, edition: Id, page_at: Timestamp) -> Result<()> {
    let mut columns = Vec::new();
    for c in document::edition_columns(tx, edition).await? {
        columns.push(site::get_column(tx, c).await?);
    }
    let placements: Vec<Placement> =
        columns.iter().map(|c| Placement { site: c.site, column: c.id, sort_at: page_at, document: id }).collect();
    document::set_placements(tx, id, &placements).await?;
    let known = document::addresses(tx, &[id]).await?;
    let mut seen: Vec<Id> = Vec::new();
    for c in &columns {
        if seen.contains(&c.site) {
            continue;
        }
        seen.push(c.site);
        // An address stays as long as the document stays in the column that gave it.
        let keeps = known.iter().any(|a| {
            a.current && a.site == c.site && columns.iter().any(|k| k.site == a.site && in_column(&a.path, &k.path))
        });
        if !keeps {
            let path = document_path(&c.path, page_at, id);
            document::set_address(tx, &DocumentAddress { site: c.site, path, document: id, current: true }).await?;
        }
    }
    Ok(())
}

fn in_column(path: &str, column: &str) -> bool {
    path.strip_prefix('/')
        .and_then(|p| p.strip_prefix(column))
        .and_then(|p| p.strip_prefix('/'))
        .is_some_and(|rest| rest.split('/').count() == 2)
}

/// `/zhengce/wenjian/202611/1hk3….html`: short, unique, never given to another document.
pub(crate) fn document_path(column: &str, page_at: Timestamp, id: Id) -> String {
    let day = page_at.day();
    format!("/{column}/{}{:02}/{id}.html", day.year(), u8::from(day.month()))
}
