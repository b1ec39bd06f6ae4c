//! Reviewing: pass, or send back with a comment.

use kernel::{Id, Permission, Refusal, Result, text};
use platform::WriteTx;
use platform::audit::Entry;
use records::document::{self, State};

use super::super::rules;
use super::{all_clear, authorised, working};

/// Passes an edition; it then waits for release.
///
/// # Errors
/// `edition.own`, `edition.state`.
pub async fn approve(tx: &mut WriteTx, id: Id, comment: &str) -> Result<()> {
    decide(tx, id, State::Approved, "approve", "document.approve", comment).await
}

/// Sends an edition back to its author.
///
/// # Errors
/// `review.comment` where nothing is said, `edition.own`, `edition.state`.
pub async fn send_back(tx: &mut WriteTx, id: Id, comment: &str) -> Result<()> {
    if text::count(comment.trim()) < 2 {
        return Err(Refusal::invalid("review.comment", "请写明退回的原因").at("comment").mend("说清要改哪里、怎么改"));
    }
    decide(tx, id, State::Returned, "return", "document.return", comment).await
}

async fn decide(tx: &mut WriteTx, id: Id, state: State, act: &str, action: &'static str, comment: &str) -> Result<()> {
    let d = authorised(tx, id, Permission::DocumentReview).await?;
    let e = working(tx, &d).await?;
    // Whoever releases may also send back what a reviewer has passed.
    let actor = tx.ctx().actor.clone();
    let second_thoughts = state == State::Returned && matches!(e.state, State::Approved | State::Scheduled);
    if !second_thoughts {
        all_clear(rules::may_review(&actor, &e))?;
    }
    document::set_state(tx, e.id, state).await?;
    document::set_schedule(tx, e.id, None).await?;
    document::insert_step(tx, e.id, act, comment.trim()).await?;
    document::save(tx, &d).await?;
    tx.audit(Entry::done(action, "document", id).site(d.site));
    Ok(())
}
