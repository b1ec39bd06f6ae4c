//! Attachments of a draft.

use kernel::{Id, Permission, Refusal, Result};
use platform::WriteTx;
use platform::audit::Entry;
use records::document::{self, Attachment};
use web::upload::Upload;

use super::super::rules;
use super::{all_clear, authorised, working};

/// Attachments that one edition may have.
const MAX: usize = 50;

/// Adds a judged and stored file to the working edition. `original` is the hash under which it is kept.
///
/// # Errors
/// `attachment.many`, `attachment.classified`, `edition.state`.
pub async fn attach(tx: &mut WriteTx, id: Id, upload: &Upload, original: &str) -> Result<Id> {
    let d = authorised(tx, id, Permission::DocumentWrite).await?;
    let e = working(tx, &d).await?;
    all_clear(rules::may_edit(&e))?;
    let there = document::attachments(tx, &[e.id]).await?;
    if there.len() >= MAX {
        return Err(Refusal::conflict("attachment.many", format!("附件已有 {MAX} 个"))
            .at("files")
            .mend("请合并后再上传"));
    }
    let text = if upload.extension == "txt" || upload.extension == "csv" {
        String::from_utf8_lossy(&upload.bytes).into_owned()
    } else {
        String::new()
    };
    if kernel::text::has_classification_mark(&upload.name) || kernel::text::has_classification_mark(&text) {
        return Err(Refusal::invalid("attachment.classified", "附件带有国家秘密标志，系统不接收涉密内容")
            .at("files")
            .mend("请立即停止上传，按保密规定处理原件")
            .cite("保守国家秘密法第二十六条"));
    }
    let a = Attachment {
        id: tx.ctx().id(),
        edition: e.id,
        original: original.to_string(),
        name: upload.name.clone(),
        media: upload.media.to_string(),
        extension: upload.extension.to_string(),
        size: upload.bytes.len() as i64,
        file: tx.ctx().id(),
        sort: there.iter().map(|a| a.sort).max().unwrap_or(0) + 1,
    };
    document::insert_attachment(tx, &a).await?;
    document::save(tx, &d).await?;
    tx.audit(Entry::done("document.attach", "document", id).site(d.site).detail(serde_json::json!({ "file": a.file })));
    Ok(a.id)
}

/// Takes a file out of the working edition; earlier editions keep it.
///
/// # Errors
/// `edition.state`, `db.inconsistent` where it is not there.
pub async fn detach(tx: &mut WriteTx, id: Id, attachment: Id) -> Result<()> {
    let d = authorised(tx, id, Permission::DocumentWrite).await?;
    let e = working(tx, &d).await?;
    all_clear(rules::may_edit(&e))?;
    document::delete_attachment(tx, e.id, attachment).await?;
    document::save(tx, &d).await?;
    tx.audit(Entry::done("document.detach", "document", id).site(d.site));
    Ok(())
}
