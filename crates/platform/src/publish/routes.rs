//! The route table: in memory a persistent map, swapped whole at the cost of what changed; in the database every version
//! of every address.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{Id, Result, Timestamp};

use super::media;
use crate::blobs::{Hash, Place, hash_from_hex};
use crate::tx::Read;
use crate::{ReadTx, Sql};

/// What the table knows of a live address.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// HTTP status: 200, 410, 301 or 302.
    pub status: u16,
    /// Content type.
    pub media: Arc<str>,
    /// Where to, for a redirect; the original's hash, for an uploaded file.
    pub target: Option<Arc<str>>,
    /// Hash of the stored bytes.
    pub hash: Hash,
    /// Where they lie.
    pub place: Place,
    /// Since when this is what the public sees.
    pub since: Timestamp,
}

impl Entry {
    /// An uploaded file: its bytes lie among the originals.
    pub fn is_file(&self) -> bool {
        self.status == 200 && self.target.is_some()
    }
}

type SiteRoutes = imbl::HashMap<Box<str>, Arc<Entry>>;

/// All live addresses at one moment.
#[derive(Clone, Default)]
pub struct RouteTable {
    sites: HashMap<Id, SiteRoutes>,
    /// Number of the publishing step that made it.
    pub version: i64,
}

impl RouteTable {
    /// What is at an address.
    pub fn get(&self, site: Id, path: &str) -> Option<&Arc<Entry>> {
        self.sites.get(&site)?.get(path)
    }

    /// Live addresses of a site.
    pub fn of_site(&self, site: Id) -> impl Iterator<Item = (&str, &Arc<Entry>)> {
        self.sites.get(&site).into_iter().flat_map(|m| m.iter()).map(|(k, v)| (k.as_ref(), v))
    }

    /// Sites with live addresses.
    pub fn sites(&self) -> impl Iterator<Item = Id> + '_ {
        self.sites.keys().copied()
    }

    /// How many live addresses there are.
    pub fn len(&self) -> usize {
        self.sites.values().map(imbl::HashMap::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn set(&mut self, site: Id, path: &str, entry: Option<Arc<Entry>>) {
        let routes = self.sites.entry(site).or_default();
        match entry {
            Some(e) => {
                routes.insert(path.into(), e);
            }
            None => {
                routes.remove(path);
            }
        }
    }
}

/// Reads all live addresses.
pub(crate) async fn load(tx: &mut ReadTx) -> Result<RouteTable> {
    let version = tx.scalar("SELECT version AS n FROM publisher_state WHERE id=1", vec![]).await?;
    let mut table = RouteTable { version, ..RouteTable::default() };
    // The same few content types stand in all entries: keep each once.
    let mut medias: HashMap<String, Arc<str>> = HashMap::new();
    let mut blobs: HashMap<String, Hash> = HashMap::new();
    let mut after: Option<(i64, String)> = None;
    loop {
        let mut sql = Sql::new(
            "SELECT site_id, path, from_at, status, media, target, hash, blob, seg_start, seg_len FROM route WHERE until_seq IS NULL",
        );
        if let Some((site, path)) = &after {
            sql.push(" AND (site_id>")
                .bind(*site)
                .push(" OR (site_id=")
                .bind(*site)
                .push(" AND path>")
                .bind(path)
                .push("))");
        }
        sql.push(" ORDER BY site_id, path LIMIT 20000");
        let rows = tx.rows(sql, vec![]).await?;
        let Some(last) = rows.last() else { return Ok(table) };
        after = Some((last.get("site_id")?, last.get("path")?));
        for r in &rows {
            let media: String = r.get("media")?;
            let media = medias
                .entry(media)
                .or_insert_with_key(|m| media::known(m).map_or_else(|| Arc::from(m.as_str()), Arc::from))
                .clone();
            let blob: String = r.get("blob")?;
            let blob = match blobs.get(&blob) {
                Some(h) => *h,
                None => {
                    let h = if blob.is_empty() { [0; 32] } else { hash_from_hex(&blob)? };
                    blobs.insert(blob, h);
                    h
                }
            };
            let hash: String = r.get("hash")?;
            let entry = Entry {
                status: r.get::<i64>("status")? as u16,
                media,
                target: r.get::<Option<String>>("target")?.map(Arc::from),
                hash: if hash.is_empty() { [0; 32] } else { hash_from_hex(&hash)? },
                place: Place {
                    blob,
                    offset: r.get::<i64>("seg_start")? as u32,
                    length: r.get::<i64>("seg_len")? as u32,
                },
                since: r.get("from_at")?,
            };
            table.set(r.get("site_id")?, &r.get::<String>("path")?, Some(Arc::new(entry)));
        }
    }
}
