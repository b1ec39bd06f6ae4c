//! The search index follows the outbox: what is published is found, what is withdrawn is not, within two seconds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{Id, Refusal, Result, text};
use platform::outbox;
use platform::{Read, ReadTx, Sql};
use records::document::{self, DocumentKind};
use records::{organ, site};
use search::Item;
use web::App;

use crate::content::model::{CHANGED, Changed};

/// Events taken at once.
const EVENTS: i64 = 400;
/// Documents read at once when the index is made again.
const PART: i64 = 500;

/// Brings the index up to the last event; returns whether there was anything to do.
///
/// # Errors
/// `db.fault`, `search.write`.
pub async fn catch_up(app: &App) -> Result<bool> {
    let mut did = false;
    loop {
        let mut tx = app.db.read().await?;
        let from = app.index.position();
        let events = outbox::after(&mut tx, from, EVENTS).await?;
        let Some(last) = events.last().map(|e| e.seq) else { return Ok(did) };
        let mut ids: BTreeSet<Id> = BTreeSet::new();
        let mut whole = false;
        for e in &events {
            match e.kind.as_str() {
                CHANGED => {
                    ids.insert(e.read::<Changed>()?.document);
                }
                // Names of sites, columns and organs stand in every entry.
                "sites.changed" | "site.changed" | "organ.changed" => whole = true,
                _ => {}
            }
        }
        // Entries of a whole site change only by its name; rebuilding all is rare and simple.
        if whole && app.index.count() > 0 {
            drop(tx);
            rebuild(app, &|_, _| {}).await?;
            did = true;
            continue;
        }
        let ids: Vec<Id> = ids.into_iter().collect();
        feed(app, &mut tx, &ids).await?;
        drop(tx);
        commit(app, last).await?;
        did = true;
    }
}

/// Makes the whole index again.
///
/// # Errors
/// `db.fault`, `search.write`.
pub async fn rebuild(app: &App, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<()> {
    let mut tx = app.db.read().await?;
    let head = outbox::head(&mut tx).await?;
    let total: i64 = tx.scalar("SELECT COUNT(*) AS n FROM document WHERE live_edition IS NOT NULL", vec![]).await?;
    let index = app.index.clone();
    blocking(move || index.clear()).await?;
    let mut after = 0i64;
    let mut done = 0u64;
    loop {
        let mut sql = Sql::new("SELECT id AS n FROM document WHERE live_edition IS NOT NULL AND id>");
        sql.bind(after).push(" ORDER BY id LIMIT ").bind(PART);
        let ids: Vec<Id> = tx.rows(sql, vec![]).await?.iter().map(|r| r.get("n")).collect::<Result<_>>()?;
        let Some(last) = ids.last() else { break };
        after = last.as_i64();
        done += ids.len() as u64;
        feed(app, &mut tx, &ids).await?;
        progress(done, total.unsigned_abs());
    }
    drop(tx);
    commit(app, head).await
}

async fn commit(app: &App, position: i64) -> Result<()> {
    let index = app.index.clone();
    blocking(move || index.commit(position)).await
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(f).await.map_err(|e| Refusal::internal("search.task", e))?
}

/// Puts documents as they now stand into the index, and takes out what no longer stands.
async fn feed(app: &App, tx: &mut ReadTx, ids: &[Id]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sites = site::list(tx).await?;
    let organs: HashMap<Id, String> = organ::list(tx).await?.into_iter().map(|o| (o.id, o.name)).collect();
    let mut columns: BTreeMap<Id, String> = BTreeMap::new();
    for part in ids.chunks(PART as usize) {
        let documents = document::get_many(tx, part).await?;
        let live: Vec<Id> = documents.values().filter_map(|d| d.live).collect();
        let editions = document::get_editions(tx, &live).await?;
        let placements = document::placements(tx, part).await?;
        let addresses = document::addresses(tx, part).await?;
        let mut put = Vec::new();
        let mut standing: BTreeSet<String> = BTreeSet::new();
        for a in addresses.iter().filter(|a| a.current) {
            let (Some(d), Some(s)) = (documents.get(&a.document), sites.iter().find(|s| s.id == a.site)) else {
                continue;
            };
            let Some(e) = d.live.and_then(|e| editions.get(&e)) else { continue };
            let Some(p) = placements.iter().find(|p| p.document == d.id && p.site == a.site) else { continue };
            if s.status != site::SiteStatus::Running {
                continue;
            }
            let column = match columns.get(&p.column) {
                Some(name) => name.clone(),
                None => {
                    let name = site::get_column(tx, p.column).await?.name;
                    columns.insert(p.column, name.clone());
                    name
                }
            };
            let day = e.page_at.unwrap_or(e.created_at).day();
            let key = App::index_key(d.id, a.site);
            standing.insert(key.clone());
            put.push(Item {
                key,
                site: s.slug.clone(),
                organ: if e.content.issuer.is_empty() || d.kind != DocumentKind::Official {
                    organs.get(&d.organ).cloned().unwrap_or_default()
                } else {
                    e.content.issuer.clone()
                },
                theme: e.content.theme.clone(),
                kind: d.kind.code().to_string(),
                year: day.year(),
                title: e.content.title.clone(),
                number: e.content.number.clone(),
                body: text::strip_tags(&e.content.body),
                url: a.path.clone(),
                date: kernel::time::iso(day),
                sort: p.sort_at.0,
                column,
                note: if d.kind == DocumentKind::Official {
                    format!(
                        "{}{}",
                        e.content.validity.code(),
                        if e.content.validity_from_source { "/source" } else { "/own" }
                    )
                } else {
                    String::new()
                },
            });
        }
        // Whatever of these documents does not stand any more: every site where one ever had an address.
        let gone: Vec<String> = addresses
            .iter()
            .map(|a| App::index_key(a.document, a.site))
            .filter(|k| !standing.contains(k))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let index = app.index.clone();
        blocking(move || {
            index.remove(&gone)?;
            index.put(&put)
        })
        .await?;
    }
    Ok(())
}
