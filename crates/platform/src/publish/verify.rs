//! Reads every stored byte and compares; repairs from the truth.

use std::collections::BTreeMap;

use kernel::{Actor, Id, Refusal, Result};
use serde::Serialize;

use super::publisher::Publisher;
use super::{Address, plain};
use crate::audit;
use crate::blobs::{Hash, Place, hash_from_hex};
use crate::tx::Read;
use crate::{Sql, args};

/// A blob that is not what was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadBlob {
    /// Its name.
    pub blob: String,
    /// Site of the first page in it.
    #[serde(skip)]
    pub site: Id,
    /// Path of the first page in it.
    pub path: String,
    /// Pages in it, old editions included.
    pub pages: u64,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Blobs read.
    pub checked: u64,
    /// Blobs changed, missing or unreadable.
    pub bad: Vec<BadBlob>,
    /// Bad blobs whose live pages stand again.
    pub repaired: u64,
    /// Pages of old editions whose bytes are lost.
    pub lost: u64,
}

struct Version {
    address: Address,
    from_seq: i64,
    live: bool,
    hash: Hash,
    place: Place,
}

impl Publisher {
    /// Compares every stored byte with what was published; with `repair`, renders wrong pages again.
    ///
    /// # Errors
    /// `db.fault`, `blob.write`.
    pub async fn verify(&self, repair: bool, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<VerifyReport> {
        let names: Vec<String> = {
            let mut tx = self.db.read().await?;
            tx.rows("SELECT DISTINCT blob AS n FROM route WHERE blob<>'' AND lost_at IS NULL ORDER BY blob", vec![])
                .await?
                .iter()
                .map(|r| r.get("n"))
                .collect::<Result<_>>()?
        };
        let mut report = VerifyReport::default();
        for name in &names {
            let blob = hash_from_hex(name)?;
            let side = self.side().clone();
            let holds = tokio::task::spawn_blocking(move || side.blobs.holds(&blob))
                .await
                .map_err(|e| Refusal::internal("publish.verify", e))?;
            report.checked += 1;
            progress(report.checked, names.len() as u64);
            if holds {
                continue;
            }
            let versions = self.versions(name).await?;
            if let Some(first) = versions.iter().find(|v| v.live).or(versions.first()) {
                report.bad.push(BadBlob {
                    blob: name.clone(),
                    site: first.address.site,
                    path: first.address.path.clone(),
                    pages: versions.len() as u64,
                });
            }
            if repair {
                report.lost += self.repair(&blob, versions).await?;
                report.repaired += 1;
            }
        }
        if repair && !report.bad.is_empty() {
            let ctx = self.env.ctx(Actor::system("发布器"));
            let mut tx = self.db.write(&ctx).await?;
            tx.audit(audit::Entry::note("publish.repair", "blob", "done").detail(
                serde_json::json!({ "bad": report.bad.len(), "repaired": report.repaired, "lost": report.lost }),
            ));
            // A server that runs beside this command must read the table anew.
            tx.event("publish.reload", &serde_json::json!({}))?;
            tx.commit().await?;
        }
        Ok(report)
    }

    async fn versions(&self, blob: &str) -> Result<Vec<Version>> {
        let mut tx = self.db.read().await?;
        tx.rows(
            "SELECT site_id, path, from_seq, until_seq, hash, blob, seg_start, seg_len FROM route WHERE blob=$1 AND lost_at IS NULL ORDER BY site_id, path, from_seq",
            args![blob],
        )
        .await?
        .iter()
        .map(|r| {
            Ok(Version {
                address: Address::new(r.get("site_id")?, r.get::<String>("path")?),
                from_seq: r.get("from_seq")?,
                live: r.get::<Option<i64>>("until_seq")?.is_none(),
                hash: hash_from_hex(&r.get::<String>("hash")?)?,
                place: Place {
                    blob: hash_from_hex(&r.get::<String>("blob")?)?,
                    offset: r.get::<i64>("seg_start")? as u32,
                    length: r.get::<i64>("seg_len")? as u32,
                },
            })
        })
        .collect()
    }

    /// Moves what is whole into a new blob, renders live pages again, notes what is lost, takes the bad blob away.
    async fn repair(&self, blob: &Hash, versions: Vec<Version>) -> Result<u64> {
        let _turn = self.turn().await;
        let mut whole: Vec<(Version, Vec<u8>)> = Vec::new();
        let mut again: Vec<Version> = Vec::new();
        let mut lost: Vec<Version> = Vec::new();
        for v in versions {
            match self.side().blobs.read(&v.place, &v.hash) {
                Ok(bytes) => whole.push((v, bytes)),
                Err(_) if v.live => again.push(v),
                Err(_) => lost.push(v),
            }
        }
        let ctx = self.env.ctx(Actor::system("发布器"));
        if !whole.is_empty() {
            let mut buffer = Vec::new();
            let mut offsets: BTreeMap<usize, usize> = BTreeMap::new();
            for (i, (_, bytes)) in whole.iter().enumerate() {
                offsets.insert(i, buffer.len());
                buffer.extend_from_slice(bytes);
            }
            let new = hex::encode(self.side().blobs.write(&buffer)?);
            let mut tx = self.db.bookkeeping(&ctx).await?;
            for (i, (v, _)) in whole.iter().enumerate() {
                let start = offsets.get(&i).copied().unwrap_or_default() as i64;
                tx.exec(
                    "UPDATE route SET blob=$1, seg_start=$2 WHERE site_id=$3 AND path=$4 AND from_seq=$5",
                    args![&new, start, v.address.site, &v.address.path, v.from_seq],
                )
                .await?;
            }
            tx.commit().await?;
        }
        // Read where the whole ones lie now, then render the others.
        self.reload().await?;
        for v in again {
            if !self.replace_with(v.address.clone()).await? {
                lost.push(v);
            } else {
                let left = {
                    let mut tx = self.db.read().await?;
                    tx.optional(
                        "SELECT blob AS n FROM route WHERE site_id=$1 AND path=$2 AND from_seq=$3 AND blob=$4",
                        args![v.address.site, &v.address.path, v.from_seq, hex::encode(blob)],
                    )
                    .await?
                    .is_some()
                };
                // The truth has moved on since: the old bytes are gone, the page stands in a new version.
                if left {
                    lost.push(v);
                }
            }
        }
        let mut tx = self.db.bookkeeping(&ctx).await?;
        for v in &lost {
            let mut sql = Sql::new("UPDATE route SET lost_at=");
            sql.bind(ctx.now).push(" WHERE site_id=").bind(v.address.site).push(" AND path=").bind(&v.address.path);
            sql.push(" AND from_seq=").bind(v.from_seq);
            tx.exec(sql, vec![]).await?;
        }
        tx.commit().await?;
        self.side().blobs.discard(blob)?;
        self.reload().await?;
        Ok(lost.len() as u64)
    }

    /// The plain bytes that an address shows now, for tests and exports.
    ///
    /// # Errors
    /// As [`Publisher::bytes`].
    pub async fn page(&self, address: &Address) -> Result<Option<Vec<u8>>> {
        let Some(entry) = self.side().table().get(address.site, &address.path).cloned() else { return Ok(None) };
        if entry.place.length == 0 {
            return Ok(None);
        }
        let bytes = self.bytes(address, &entry).await?;
        plain(&bytes).map(Some)
    }
}
