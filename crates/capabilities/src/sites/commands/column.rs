//! Columns: adding, changing, moving, closing.
//!
//! When a column's path changes, its old path and the old addresses of its documents lead to the new ones for good.

use kernel::{Id, Permission, Refusal, Result};
use platform::audit::Entry;
use platform::{Read, WriteTx, args};
use records::document::{self, DocumentAddress, Placement};
use records::site::{self, Column, NewColumn};

use super::super::rules::{self, ColumnDraft};

/// A mark of a column's present state: a form that was opened before another change carries an older one.
pub fn stamp(c: &Column) -> String {
    let text = format!(
        "{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}",
        c.path,
        c.name,
        c.description,
        c.keywords,
        c.kind,
        c.role,
        c.open,
        c.parent.map_or(0, Id::as_i64)
    );
    let mut hex = blake3::hash(text.as_bytes()).to_hex().to_string();
    hex.truncate(16);
    hex
}

/// The column with the actor's right to change its site.
async fn own(tx: &mut WriteTx, id: Id) -> Result<Column> {
    let c = site::get_column(tx, id).await?;
    match super::authorised(tx, c.site, Permission::SiteWrite).await {
        Err(r) if r.code() == "site.unknown" => Err(site::unknown_column()),
        Err(r) => Err(r),
        Ok(_) => Ok(c),
    }
}

/// A path that another column had before is not given away: links to it would lead elsewhere.
async fn path_free(tx: &mut WriteTx, site_id: Id, path: &str, own: Option<Id>) -> Result<()> {
    let row = tx
        .optional("SELECT column_id AS n FROM column_address WHERE site_id=$1 AND path=$2", args![site_id, path])
        .await?;
    match row.map(|r| r.get::<Id>("n")).transpose()? {
        Some(holder) if Some(holder) != own => {
            let name = site::get_column(tx, holder).await?.name;
            Err(Refusal::conflict("column.former", format!("这个地址以前是栏目“{name}”的，现在自动转到它"))
                .at("slug")
                .mend("请换一个词"))
        }
        _ => Ok(()),
    }
}

async fn last_sort(tx: &mut WriteTx, site_id: Id, parent: Option<Id>) -> Result<i64> {
    let all = site::columns(tx, site_id).await?;
    Ok(all.iter().filter(|c| c.parent == parent).map(|c| c.sort).max().unwrap_or(0) + 10)
}

/// Adds a column.
///
/// # Errors
/// What [`rules::column`] refuses; `column.former`.
pub async fn add_column(tx: &mut WriteTx, site_id: Id, c: &ColumnDraft) -> Result<Id> {
    super::authorised(tx, site_id, Permission::SiteWrite).await?;
    let all = site::columns(tx, site_id).await?;
    super::all_clear(rules::column(None, c, &all))?;
    let parent = all.iter().find(|o| Some(o.id) == c.parent).cloned();
    path_free(tx, site_id, &rules::path(parent.as_ref(), &c.slug), None).await?;
    let new = NewColumn {
        slug: c.slug.clone(),
        name: c.name.clone(),
        description: c.description.clone(),
        keywords: c.keywords.clone(),
        kind: c.kind.clone(),
        role: c.role.clone(),
        sort: last_sort(tx, site_id, c.parent).await?,
    };
    let made = site::insert_column(tx, site_id, parent.as_ref(), &new).await?;
    tx.audit(Entry::done("column.create", "column", made.id).site(site_id));
    super::changed(tx, site_id)?;
    Ok(made.id)
}

/// Changes a column, and moves it where its word or its parent changed. Returns how many documents got a new address.
///
/// # Errors
/// `column.stale`; what [`rules::column`] refuses; `column.former`.
pub async fn change_column(tx: &mut WriteTx, id: Id, seen: &str, c: &ColumnDraft) -> Result<u64> {
    let old = own(tx, id).await?;
    if stamp(&old) != seen {
        return Err(Refusal::conflict("column.stale", "在您填写期间，别人修改了这个栏目").mend("请核对后重新保存"));
    }
    let all = site::columns(tx, old.site).await?;
    super::all_clear(rules::column(Some(id), c, &all))?;
    let parent = all.iter().find(|o| Some(o.id) == c.parent);
    let to = rules::path(parent, &c.slug);
    let sort = if c.parent == old.parent { old.sort } else { last_sort(tx, old.site, c.parent).await? };
    tx.exec_one(
        "UPDATE site_column SET parent_id=$1, slug=$2, name=$3, description=$4, keywords=$5, type=$6, role=$7, sort=$8 WHERE id=$9",
        args![c.parent, &c.slug, &c.name, &c.description, &c.keywords, &c.kind, &c.role, sort, id],
    )
    .await?;
    let mut moved = 0;
    if to != old.path {
        path_free(tx, old.site, &to, Some(id)).await?;
        moved = relocate(tx, &old, &to, &all).await?;
    }
    tx.audit(
        Entry::done("column.change", "column", id)
            .site(old.site)
            .detail(serde_json::json!({ "moved": to != old.path, "documents": moved })),
    );
    super::changed(tx, old.site)?;
    Ok(moved)
}

/// Gives a column and everything below it new paths, and their documents new addresses; the old ones are kept.
async fn relocate(tx: &mut WriteTx, root: &Column, to: &str, all: &[Column]) -> Result<u64> {
    let mut moved = 0;
    for id in rules::below(root.id, all) {
        let Some(c) = all.iter().find(|c| c.id == id) else { continue };
        let path = match c.path.strip_prefix(root.path.as_str()) {
            Some(rest) => format!("{to}{rest}"),
            None => return Err(Refusal::internal("db.inconsistent", format_args!("column path {}", c.path))),
        };
        tx.exec_one("UPDATE site_column SET path=$1 WHERE id=$2", args![&path, c.id]).await?;
        // It may have been here before: then this is no former address any more.
        tx.exec("DELETE FROM column_address WHERE site_id=$1 AND path=$2", args![c.site, &path]).await?;
        tx.exec(
            "INSERT INTO column_address (site_id, path, column_id) VALUES ($1,$2,$3) ON CONFLICT (site_id, path) DO UPDATE SET column_id=excluded.column_id",
            args![c.site, &c.path, c.id],
        )
        .await?;
        moved += readdress(tx, c.id, c.site, &c.path, &path).await?;
    }
    Ok(moved)
}

/// Gives the live documents whose address lies in a column a new one in another.
async fn readdress(tx: &mut WriteTx, column: Id, site_id: Id, from: &str, to: &str) -> Result<u64> {
    let rows = tx
        .rows(
            "SELECT a.path, a.document_id FROM document_address a JOIN placement p ON p.document_id=a.document_id AND p.column_id=$1 WHERE a.site_id=$2 AND a.current=TRUE ORDER BY a.path",
            args![column, site_id],
        )
        .await?;
    let mut n = 0;
    for r in &rows {
        let (path, id): (String, Id) = (r.get("path")?, r.get("document_id")?);
        if let Some(path) = rules::moved_address(&path, from, to) {
            document::set_address(tx, &DocumentAddress { site: site_id, path, document: id, current: true }).await?;
            n += 1;
        }
    }
    Ok(n)
}

/// Moves a column one place up or down among its siblings.
///
/// # Errors
/// `column.edge` where it is the first or last.
pub async fn shift_column(tx: &mut WriteTx, id: Id, up: bool) -> Result<()> {
    let c = own(tx, id).await?;
    let all = site::columns(tx, c.site).await?;
    let mut siblings: Vec<Id> = all.iter().filter(|o| o.parent == c.parent).map(|o| o.id).collect();
    let at = siblings.iter().position(|s| *s == id).unwrap_or(0);
    let other = if up { at.checked_sub(1) } else { Some(at + 1).filter(|i| *i < siblings.len()) };
    let Some(other) = other else {
        return Err(Refusal::conflict("column.edge", "已经在最前或最后").mend("请刷新页面"));
    };
    siblings.swap(at, other);
    for (i, s) in siblings.iter().enumerate() {
        tx.exec_one("UPDATE site_column SET sort=$1 WHERE id=$2", args![(i as i64 + 1) * 10, *s]).await?;
    }
    tx.audit(Entry::done("column.order", "column", id).site(c.site));
    super::changed(tx, c.site)
}

/// Live documents that stand in a column.
async fn live(tx: &mut impl Read, id: Id) -> Result<i64> {
    tx.scalar("SELECT COUNT(*) AS n FROM placement WHERE column_id=$1", args![id]).await
}

/// Closes a column; what stands in it goes to another. Returns how many documents went.
///
/// # Errors
/// What [`rules::may_close`] refuses.
pub async fn close_column(tx: &mut WriteTx, id: Id, into: Option<Id>) -> Result<u64> {
    let c = own(tx, id).await?;
    let all = site::columns(tx, c.site).await?;
    let there = live(tx, id).await?;
    let to = match into {
        Some(into) => Some(all.iter().find(|o| o.id == into).ok_or_else(site::unknown_column)?),
        None => None,
    };
    super::all_clear(rules::may_close(&c, &all, there, to))?;
    let mut moved = 0;
    if let Some(to) = to {
        moved = rehouse(tx, &c, to).await?;
    }
    tx.exec_one("UPDATE site_column SET status='closed' WHERE id=$1", args![id]).await?;
    tx.audit(
        Entry::done("column.close", "column", id)
            .site(c.site)
            .detail(serde_json::json!({ "into": into, "documents": moved })),
    );
    super::changed(tx, c.site)?;
    // A document may also stand on other sites, whose pages name its columns.
    super::all_changed(tx)?;
    Ok(moved)
}

/// Moves what stands in a column, and the drafts meant for it, to another of the same site.
async fn rehouse(tx: &mut WriteTx, from: &Column, to: &Column) -> Result<u64> {
    let rows = tx
        .rows(
            "SELECT d.id AS document_id, e.edition_id FROM edition_column e JOIN document d ON (d.live_edition=e.edition_id OR d.draft_edition=e.edition_id) WHERE e.column_id=$1 ORDER BY d.id",
            args![from.id],
        )
        .await?;
    for r in &rows {
        let edition: Id = r.get("edition_id")?;
        let mut columns: Vec<Id> = Vec::new();
        for c in document::edition_columns(tx, edition).await? {
            let c = if c == from.id { to.id } else { c };
            if !columns.contains(&c) {
                columns.push(c);
            }
        }
        document::set_edition_columns(tx, edition, &columns).await?;
    }
    // Addresses first: they are found by the placements that are about to change.
    readdress(tx, from.id, from.site, &from.path, &to.path).await?;
    let placed = tx.rows("SELECT document_id FROM placement WHERE column_id=$1", args![from.id]).await?;
    let mut n = 0;
    for r in &placed {
        let id: Id = r.get("document_id")?;
        let mut places: Vec<Placement> = Vec::new();
        for mut p in document::placements(tx, &[id]).await? {
            if p.column == from.id {
                p.column = to.id;
            }
            if !places.iter().any(|o| o.column == p.column) {
                places.push(p);
            }
        }
        document::set_placements(tx, id, &places).await?;
        n += 1;
    }
    Ok(n)
}

/// Opens a closed column again.
///
/// # Errors
/// `column.open`, `column.parent_closed`.
pub async fn open_column(tx: &mut WriteTx, id: Id) -> Result<()> {
    let c = own(tx, id).await?;
    if c.open {
        return Err(Refusal::conflict("column.open", "这个栏目没有关闭").mend("请刷新页面"));
    }
    if let Some(parent) = c.parent
        && !site::get_column(tx, parent).await?.open
    {
        return Err(Refusal::conflict("column.parent_closed", "它的上级栏目还关闭着").mend("请先重新开放上级栏目"));
    }
    tx.exec_one("UPDATE site_column SET status='open' WHERE id=$1", args![id]).await?;
    tx.audit(Entry::done("column.open", "column", id).site(c.site));
    super::changed(tx, c.site)
}

/// Deletes a column that was never used; returns its site.
///
/// # Errors
/// `column.used`.
pub async fn delete_column(tx: &mut WriteTx, id: Id) -> Result<Id> {
    let c = own(tx, id).await?;
    let used: i64 = tx
        .scalar(
            "SELECT (SELECT COUNT(*) FROM edition_column WHERE column_id=$1) + (SELECT COUNT(*) FROM placement WHERE column_id=$1) + (SELECT COUNT(*) FROM site_column WHERE parent_id=$1) + (SELECT COUNT(*) FROM column_address WHERE column_id=$1) AS n",
            args![id],
        )
        .await?;
    if used > 0 {
        return Err(Refusal::conflict("column.used", "这个栏目用过，不能删除").mend("可以关闭它，地址仍然有效"));
    }
    tx.exec_one("DELETE FROM site_column WHERE id=$1", args![id]).await?;
    tx.audit(Entry::done("column.delete", "column", id).site(c.site));
    super::changed(tx, c.site)?;
    Ok(c.site)
}
