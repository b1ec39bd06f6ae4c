//! Founding a site, with its first columns.

use kernel::permission::Target;
use kernel::{Id, Permission, Refusal, Result};
use platform::audit::Entry;
use platform::{Read, WriteTx, args};
use records::organ;
use records::site::{self, Column, NewColumn, SiteKind, SiteSettings, SiteStatus};
use serde::Deserialize;

use super::super::rules;

/// A site to be founded.
#[derive(Clone, Debug)]
pub struct NewSite {
    /// Its word in addresses between sites; never changes.
    pub slug: String,
    /// Whose it is.
    pub organ: Id,
    /// Its kind.
    pub kind: SiteKind,
    /// Its settings.
    pub settings: SiteSettings,
    /// Host names; the first is the main one.
    pub domains: Vec<String>,
    /// Whether its pages say that it is a demonstration.
    pub demo: bool,
    /// Its place in lists of sites.
    pub sort: i64,
    /// Where its life begins: planned, unless it moves in from another system.
    pub status: SiteStatus,
}

/// Founds a site.
///
/// # Errors
/// `permission.denied`; `site.slug`, `site.taken`, `site.organ`, `site.second`; what [`rules::settings`] and
/// [`rules::host`] refuse; `domain.taken`.
pub async fn create_site(tx: &mut WriteTx, new: NewSite) -> Result<Id> {
    let actor = tx.ctx().actor.clone();
    let owner = organ::get(tx, new.organ).await?;
    let target: Target = organ::target(tx, new.organ).await?;
    actor.check(Permission::OrganWrite, &target)?;
    if !kernel::text::slug_ok(&new.slug) {
        return Err(Refusal::invalid("site.slug", "拼音标识只能用小写字母、数字和连字符")
            .at("slug")
            .mend("例如 zhujian"));
    }
    if site::find_slug(tx, &new.slug).await?.is_some() {
        return Err(Refusal::conflict("site.taken", "这个拼音标识已经用了").at("slug").mend("请换一个"));
    }
    if !owner.kind.may_have_site() || owner.until_on.is_some() {
        return Err(Refusal::invalid("site.organ", format!("{}不单独开办网站", owner.name))
            .at("organ")
            .mend("乡镇、街道的信息放在县区门户的频道里")
            .cite("国办发〔2017〕47号"));
    }
    let living: i64 =
        tx.scalar("SELECT COUNT(*) AS n FROM site WHERE organ_id=$1 AND status<>'closed'", args![new.organ]).await?;
    if living > 0 {
        return Err(Refusal::conflict("site.second", format!("{}已有一个网站", owner.name))
            .at("organ")
            .mend("一个单位只开办一个网站，请先关停原来的")
            .cite("国办发〔2017〕47号"));
    }
    super::all_clear(rules::settings(&new.settings))?;
    let id = site::insert(tx, &new.slug, new.organ, new.kind, new.status, &new.settings, new.demo, new.sort).await?;
    for (i, host) in new.domains.iter().enumerate() {
        let host = rules::host(host)?;
        super::domain::free(tx, &host).await?;
        site::insert_domain(tx, id, &host, i == 0).await?;
    }
    tx.audit(
        Entry::done("site.create", "site", id)
            .site(id)
            .detail(serde_json::json!({ "organ": new.organ, "kind": new.kind.code(), "status": new.status.code() })),
    );
    super::all_changed(tx)?;
    Ok(id)
}

/// A column with those below it, as a file of default columns gives them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "TreeFile")]
pub struct ColumnTree {
    /// The column.
    pub column: NewColumn,
    /// Those below it, in order.
    pub children: Vec<ColumnTree>,
}

#[derive(Deserialize)]
struct TreeFile {
    slug: String,
    name: String,
    description: String,
    keywords: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    children: Vec<ColumnTree>,
}

impl From<TreeFile> for ColumnTree {
    fn from(f: TreeFile) -> ColumnTree {
        ColumnTree {
            column: NewColumn {
                slug: f.slug,
                name: f.name,
                description: f.description,
                keywords: f.keywords,
                kind: f.kind,
                role: f.role.unwrap_or_default(),
                sort: 0,
            },
            children: f.children,
        }
    }
}

/// Gives a site columns, in order, below what it has; returns them all, parents before children.
///
/// # Errors
/// What [`rules::column`] refuses.
pub async fn create_columns(tx: &mut WriteTx, site_id: Id, trees: &[ColumnTree]) -> Result<Vec<Column>> {
    super::authorised(tx, site_id, Permission::SiteWrite).await?;
    let mut all = site::columns(tx, site_id).await?;
    let had = all.len();
    let base = all.iter().filter(|c| c.parent.is_none()).map(|c| c.sort).max().unwrap_or(0);
    // A stack instead of recursion, which an async function cannot do without boxing.
    let mut todo: Vec<(Option<Column>, i64, &ColumnTree)> =
        trees.iter().enumerate().map(|(i, t)| (None, base + (i as i64 + 1) * 10, t)).rev().collect();
    while let Some((parent, sort, tree)) = todo.pop() {
        let draft = rules::ColumnDraft {
            slug: tree.column.slug.clone(),
            name: tree.column.name.clone(),
            description: tree.column.description.clone(),
            keywords: tree.column.keywords.clone(),
            kind: tree.column.kind.clone(),
            role: tree.column.role.clone(),
            parent: parent.as_ref().map(|p| p.id),
        };
        super::all_clear(rules::column(None, &draft, &all))?;
        let new = NewColumn { sort, ..tree.column.clone() };
        let made = site::insert_column(tx, site_id, parent.as_ref(), &new).await?;
        all.push(made.clone());
        for (i, child) in tree.children.iter().enumerate().rev() {
            todo.push((Some(made.clone()), (i as i64 + 1) * 10, child));
        }
    }
    let made = all.split_off(had);
    tx.audit(
        Entry::done("column.create", "site", site_id)
            .site(site_id)
            .detail(serde_json::json!({ "columns": made.len() })),
    );
    super::changed(tx, site_id)?;
    Ok(made)
}
