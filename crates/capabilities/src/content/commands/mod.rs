//! What people and jobs do to documents. One verb a file.

mod attach;
mod draft;
mod import;
mod publish;
mod relate;
mod review;
mod standing;
mod withdraw;

pub use attach::{attach, detach};
pub use draft::{Draft, discard, restore, revise, save, submit};
pub use import::{Imported, import};
pub use publish::{PUBLISH_DUE, PublishDue, publish, publish_due, schedule, unschedule};
pub use relate::{relate, unrelate};
pub use review::{approve, send_back};
pub use standing::{attachment_path, standing};
pub use withdraw::withdraw;

use kernel::{Permission, Refusal, Result};
use platform::WriteTx;
use records::document::{self, Document, Edition};
use records::site;

/// The first of several reasons; commands refuse with it, pages show all.
fn all_clear(refusals: Vec<Refusal>) -> Result<()> {
    refusals.into_iter().next().map_or(Ok(()), Err)
}

/// Loads a document that the actor may do something to. What they may not even see does not exist for them.
pub(crate) async fn authorised(tx: &mut WriteTx, id: kernel::Id, what: Permission) -> Result<Document> {
    let d = document::get(tx, id).await?;
    let target = site::target(tx, d.site).await?;
    let actor = tx.ctx().actor.clone();
    if !actor.may(Permission::DocumentRead, &target) {
        return Err(document::unknown());
    }
    actor.check(what, &target)?;
    Ok(d)
}

/// The working edition of a document.
async fn working(tx: &mut WriteTx, d: &Document) -> Result<Edition> {
    match d.draft {
        Some(id) => document::get_edition(tx, id).await,
        None => {
            Err(Refusal::conflict("edition.none", "这条信息没有正在办理的稿件").mend("请刷新页面，查看它的最新状态"))
        }
    }
}
