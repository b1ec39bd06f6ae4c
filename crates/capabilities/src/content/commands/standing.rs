//! Where a document stands for the public.

use kernel::{Id, Result};
use platform::Read;
use records::document::{self, Attachment};

use super::super::model::Standing;

/// The public path of an attachment, beside its document's page.
pub fn attachment_path(page: &str, a: &Attachment) -> String {
    format!("{}/{}.{}", page.trim_end_matches(".html"), a.file, a.extension)
}

/// Where a document stands now.
///
/// # Errors
/// `db.fault`.
pub async fn standing(tx: &mut impl Read, id: Id) -> Result<Standing> {
    let d = document::get(tx, id).await?;
    let placements = document::placements(tx, &[id]).await?;
    let addresses = document::addresses(tx, &[id]).await?;
    let mut paths: Vec<(Id, String)> = addresses.iter().map(|a| (a.site, a.path.clone())).collect();
    if let Some(live) = d.live {
        for a in document::attachments(tx, &[live]).await? {
            paths.extend(addresses.iter().map(|p| (p.site, attachment_path(&p.path, &a))));
        }
    }
    Ok(Standing {
        sort_at: placements.first().map(|p| p.sort_at),
        columns: placements.iter().map(|p| (p.site, p.column)).collect(),
        paths,
    })
}
