//! What the staff pages show of documents: lists, one document with all that belongs to it, who changed it last.

use std::collections::BTreeMap;

use kernel::permission::Target;
use kernel::{Actor, Id, Permission, Result, Timestamp};
use platform::{Read, Sql, args};
use records::document::{
    self, Attachment, Document, DocumentAddress, Edition, Filter, Line, Placement, Relation, State, Step,
};
use records::site::{self, Column, Site};

/// A document that the actor may see, with what permissions on it are checked against.
///
/// # Errors
/// `document.unknown` where there is none, or none that this actor may know of.
pub async fn readable(tx: &mut impl Read, actor: &Actor, id: Id) -> Result<(Document, Target)> {
    let d = document::get(tx, id).await?;
    let target = site::target(tx, d.site).await?;
    if actor.may(Permission::DocumentRead, &target) { Ok((d, target)) } else { Err(document::unknown()) }
}

/// A column in which an edition is to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The site.
    pub site: Id,
    /// The column.
    pub column: Id,
    /// The column's name.
    pub name: String,
}

/// Columns of editions, the home column first.
///
/// # Errors
/// `db.fault`.
pub async fn places(tx: &mut impl Read, editions: &[Id]) -> Result<BTreeMap<Id, Vec<Place>>> {
    let mut out: BTreeMap<Id, Vec<Place>> = BTreeMap::new();
    for some in editions.chunks(500) {
        let mut sql = Sql::new(
            "SELECT e.edition_id, c.id, c.site_id, c.name FROM edition_column e JOIN site_column c ON c.id=e.column_id WHERE e.edition_id IN ",
        );
        sql.bind_list(some.iter().copied()).push(" ORDER BY e.edition_id, e.sort");
        for r in tx.rows(sql, vec![]).await? {
            out.entry(r.get("edition_id")?).or_default().push(Place {
                site: r.get("site_id")?,
                column: r.get("id")?,
                name: r.get("name")?,
            });
        }
    }
    Ok(out)
}

/// A line of the list with where it stands.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The document with its newest edition that counts.
    pub line: Line,
    /// Columns, the home column first.
    pub places: Vec<Place>,
    /// Whether it was taken over from another system.
    pub migrated: bool,
}

/// A page of the list.
///
/// # Errors
/// `db.fault`.
pub async fn list(tx: &mut impl Read, f: &Filter, limit: i64) -> Result<Vec<Listed>> {
    let lines = document::list(tx, f, limit).await?;
    let editions: Vec<Id> = lines.iter().map(|l| l.edition).collect();
    let mut places = places(tx, &editions).await?;
    let mut migrated: BTreeMap<Id, bool> = BTreeMap::new();
    let ids: Vec<Id> = lines.iter().map(|l| l.document).collect();
    for some in ids.chunks(500) {
        for (id, d) in document::get_many(tx, some).await? {
            migrated.insert(id, d.source_key.is_some());
        }
    }
    Ok(lines
        .into_iter()
        .map(|line| Listed {
            places: places.remove(&line.edition).unwrap_or_default(),
            migrated: migrated.get(&line.document).copied().unwrap_or_default(),
            line,
        })
        .collect())
}

/// How many editions of these sites are under way, by state.
///
/// # Errors
/// `db.fault`.
pub async fn under_way(tx: &mut impl Read, sites: &[Id]) -> Result<BTreeMap<String, i64>> {
    let mut sql = Sql::new(
        "SELECT e.state, COUNT(*) AS n FROM document d JOIN edition e ON e.id=d.draft_edition WHERE d.site_id IN ",
    );
    sql.bind_list(sites.iter().copied()).push(" GROUP BY e.state");
    tx.rows(sql, vec![]).await?.iter().map(|r| Ok((r.get("state")?, r.get("n")?))).collect()
}

/// Who changed a document last, and when.
///
/// # Errors
/// `db.fault`.
pub async fn last_change(tx: &mut impl Read, id: Id) -> Result<Option<(String, Timestamp)>> {
    let row = tx
        .optional(
            "SELECT actor, at FROM audit_entry WHERE object_kind='document' AND object_id=$1 AND outcome='done' ORDER BY seq DESC LIMIT 1",
            args![id],
        )
        .await?;
    row.map(|r| Ok((r.get("actor")?, r.get("at")?))).transpose()
}

/// Another document as a relation names it.
#[derive(Clone, Debug)]
pub struct Related {
    /// The relation.
    pub relation: Relation,
    /// The other end.
    pub other: Id,
    /// Its title now.
    pub title: String,
    /// Its number.
    pub number: String,
    /// The page's date, where it is public.
    pub day: Option<Timestamp>,
    /// Whether the actor may open it on the staff side.
    pub opens: bool,
}

/// Relations of a document, in both directions; ends that the actor may not know of are left out.
///
/// # Errors
/// `db.fault`.
pub async fn related(tx: &mut impl Read, actor: &Actor, id: Id) -> Result<Vec<Related>> {
    let mut out = Vec::new();
    for relation in document::relations(tx, &[id]).await? {
        let other = if relation.from == id { relation.to } else { relation.from };
        let d = document::get(tx, other).await?;
        let target = site::target(tx, d.site).await?;
        let opens = actor.may(Permission::DocumentRead, &target);
        let edition = match (d.live, d.draft) {
            (Some(e), _) => e,
            (None, Some(e)) if opens => e,
            (None, None) if opens => match document::editions(tx, other).await?.first() {
                Some(e) => e.id,
                None => continue,
            },
            _ => continue,
        };
        let e = document::get_edition(tx, edition).await?;
        out.push(Related {
            relation,
            other,
            title: e.content.title,
            number: e.content.number,
            day: e.page_at.filter(|_| d.live.is_some()),
            opens,
        });
    }
    Ok(out)
}

/// One document with all that its page shows.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Identity and pointers.
    pub document: Document,
    /// What permissions are checked against.
    pub target: Target,
    /// The site whose office writes it.
    pub site: Site,
    /// Every edition, newest first.
    pub editions: Vec<Edition>,
    /// The one that is shown: the working one, else the live one, else the newest, else the one that was asked for.
    pub shown: Edition,
    /// Where each edition is to stand.
    pub places: BTreeMap<Id, Vec<Place>>,
    /// Where it stands now.
    pub placements: Vec<Placement>,
    /// Addresses, present and former.
    pub addresses: Vec<DocumentAddress>,
    /// Files of each edition.
    pub attachments: Vec<Attachment>,
    /// What was done.
    pub steps: Vec<Step>,
    /// Every site, for names and addresses.
    pub sites: BTreeMap<Id, Site>,
}

impl Whole {
    /// Files of one edition.
    pub fn files(&self, edition: Id) -> Vec<Attachment> {
        self.attachments.iter().filter(|a| a.edition == edition).cloned().collect()
    }

    /// The columns of one edition, the home column first.
    pub fn columns(&self, edition: Id) -> &[Place] {
        self.places.get(&edition).map_or(&[], Vec::as_slice)
    }

    /// The short name of a site.
    pub fn site_name(&self, site: Id) -> &str {
        self.sites.get(&site).map_or("", |s| s.set.short_name.as_str())
    }

    /// `市住建局 › 政策解读`
    pub fn place_text(&self, p: &Place) -> String {
        format!("{} › {}", self.site_name(p.site), p.name)
    }

    /// The present address on a site.
    pub fn address(&self, site: Id) -> Option<&DocumentAddress> {
        self.addresses.iter().find(|a| a.site == site && a.current)
    }

    /// The edition under way.
    pub fn working(&self) -> Option<&Edition> {
        self.document.draft.and_then(|id| self.editions.iter().find(|e| e.id == id))
    }

    /// The edition that the public sees.
    pub fn live(&self) -> Option<&Edition> {
        self.document.live.and_then(|id| self.editions.iter().find(|e| e.id == id))
    }

    /// An edition by its number.
    pub fn numbered(&self, no: i64) -> Option<&Edition> {
        self.editions.iter().find(|e| e.no == no)
    }

    /// The edition that an edition came after, leaving out those that were never released, if any.
    pub fn before(&self, e: &Edition) -> Option<&Edition> {
        self.live()
            .filter(|l| l.no < e.no)
            .or_else(|| self.editions.iter().find(|o| o.no < e.no && o.state != State::Discarded))
    }
}

/// One document; with `no`, that edition of it is shown.
///
/// # Errors
/// `document.unknown`, `edition.unknown`.
pub async fn whole(tx: &mut impl Read, actor: &Actor, id: Id, no: Option<i64>) -> Result<Whole> {
    let (document, target) = readable(tx, actor, id).await?;
    let editions = document::editions(tx, id).await?;
    let unknown = || kernel::Refusal::not_found("edition.unknown", "没有这一稿").mend("请从版本列表重新选择");
    let shown = match no {
        Some(no) => editions.iter().find(|e| e.no == no),
        None => document
            .draft
            .or(document.live)
            .and_then(|id| editions.iter().find(|e| e.id == id))
            .or_else(|| editions.first()),
    }
    .cloned()
    .ok_or_else(unknown)?;
    let ids: Vec<Id> = editions.iter().map(|e| e.id).collect();
    let sites: BTreeMap<Id, Site> = site::list(tx).await?.into_iter().map(|s| (s.id, s)).collect();
    let site = sites.get(&document.site).cloned().ok_or_else(site::unknown)?;
    Ok(Whole {
        places: places(tx, &ids).await?,
        placements: document::placements(tx, &[id]).await?,
        addresses: document::addresses(tx, &[id]).await?,
        attachments: document::attachments(tx, &ids).await?,
        steps: document::steps(tx, id).await?,
        document,
        target,
        site,
        editions,
        shown,
        sites,
    })
}

/// Columns in which an actor may place documents, site by site; closed columns are left out.
///
/// # Errors
/// `db.fault`.
pub async fn writable(tx: &mut impl Read, actor: &Actor) -> Result<Vec<(Site, Vec<Column>)>> {
    let mut out = Vec::new();
    for s in site::allowed(tx, actor, Permission::DocumentWrite).await? {
        let columns = site::columns(tx, s.id).await?.into_iter().filter(|c| c.open).collect();
        out.push((s, columns));
    }
    Ok(out)
}

/// The document that an address or a number names: an id, a public address, or an address of the staff side.
///
/// # Errors
/// `relation.to` where it names none that this actor may know of.
pub async fn named(tx: &mut impl Read, actor: &Actor, text: &str) -> Result<Id> {
    let unknown = || {
        kernel::Refusal::invalid("relation.to", "没有找到这条信息")
            .at("to")
            .mend("请粘贴信息的公开地址、工作台地址，或者填写它的编号")
    };
    let text = text.trim();
    let mut found = None;
    if let Ok(address) = url::Url::parse(text) {
        let host = address.host_str().unwrap_or_default();
        for s in site::list(tx).await? {
            if host == s.domain || host == format!("{}.localhost", s.slug) {
                found = document::by_paths(tx, s.id, &[address.path()]).await?.first().map(|a| a.document);
            }
        }
        // An address of the staff side, or a public one under another host name of the same site.
        if found.is_none() {
            found = address
                .path()
                .split('/')
                .map(|p| p.trim_end_matches(".html"))
                .filter(|p| p.len() > 8)
                .filter_map(|p| p.parse::<Id>().ok())
                .next_back();
        }
    } else {
        found = text.parse::<Id>().ok();
    }
    let id = found.ok_or_else(unknown)?;
    let d = document::get(tx, id).await.map_err(|_| unknown())?;
    let target = site::target(tx, d.site).await?;
    if d.live.is_some() || actor.may(Permission::DocumentRead, &target) { Ok(id) } else { Err(unknown()) }
}
