//! The read side: what the public listener asks.

use std::io::Read;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use kernel::{Id, Refusal, Result};

use super::Hosts;
use super::routes::{Entry, RouteTable};
use crate::blobs::{Blobs, Hash};
use crate::originals::Originals;

/// What is at an address.
#[derive(Clone, Debug)]
pub enum Found {
    /// A page; its bytes are gzip.
    Page(Arc<Entry>),
    /// Elsewhere.
    Redirect {
        /// For good.
        permanent: bool,
        /// Where.
        to: Arc<str>,
    },
    /// An uploaded file.
    File(Arc<Entry>),
}

/// Live addresses, hosts and a bounded cache of bytes.
pub struct ReadSide {
    pub(super) routes: ArcSwap<RouteTable>,
    pub(super) hosts: ArcSwap<Hosts>,
    pub(super) blobs: Blobs,
    pub(super) originals: Originals,
    cache: moka::sync::Cache<Hash, Bytes>,
}

impl ReadSide {
    pub(super) fn new(blobs: Blobs, originals: Originals, cache_bytes: u64) -> ReadSide {
        let cache = moka::sync::Cache::builder()
            .weigher(|_: &Hash, b: &Bytes| u32::try_from(b.len() + 96).unwrap_or(u32::MAX))
            .max_capacity(cache_bytes)
            .build();
        ReadSide {
            routes: ArcSwap::from_pointee(RouteTable::default()),
            hosts: ArcSwap::from_pointee(Hosts::default()),
            blobs,
            originals,
            cache,
        }
    }

    /// The site that answers to a host (with or without port); a bare address or an unknown host is the portal.
    pub fn site_of(&self, host: &str) -> Option<Id> {
        let hosts = self.hosts.load();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        match hosts.by_name.get(name) {
            Some(site) => Some(*site),
            None => hosts.by_name.get(&name.to_ascii_lowercase()).copied().or(hosts.fallback),
        }
    }

    /// What is at an address.
    pub fn find(&self, site: Id, path: &str) -> Option<Found> {
        let routes = self.routes.load();
        let entry = routes.get(site, path)?;
        Some(match (entry.status, &entry.target) {
            (301 | 302, Some(to)) => Found::Redirect { permanent: entry.status == 301, to: to.clone() },
            (_, Some(_)) => Found::File(entry.clone()),
            (_, None) => Found::Page(entry.clone()),
        })
    }

    /// The present route table.
    pub fn table(&self) -> Arc<RouteTable> {
        self.routes.load_full()
    }

    /// A page's bytes, if they are in memory.
    pub fn cached(&self, entry: &Entry) -> Option<Bytes> {
        self.cache.get(&entry.hash)
    }

    /// A page's bytes from the disk, checked, and kept in memory.
    ///
    /// # Errors
    /// `blob.damaged`.
    pub fn read(&self, entry: &Entry) -> Result<Bytes> {
        let bytes = Bytes::from(self.blobs.read(&entry.place, &entry.hash)?);
        self.cache.insert(entry.hash, bytes.clone());
        Ok(bytes)
    }

    /// An uploaded file's bytes, checked.
    ///
    /// # Errors
    /// `original.missing`, `original.damaged`.
    pub fn original(&self, entry: &Entry) -> Result<Vec<u8>> {
        let hash = entry.target.as_deref().ok_or_else(|| Refusal::not_found("original.unknown", "没有这个文件"))?;
        self.originals.get(hash)
    }

    pub(super) fn keep(&self, hash: Hash, bytes: Bytes) {
        self.cache.insert(hash, bytes);
    }
}

/// The plain bytes of a stored page.
///
/// # Errors
/// `blob.damaged` where they are not gzip; cannot happen to bytes that passed their hash.
pub fn plain(stored: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(stored.len() * 4);
    flate2::read::GzDecoder::new(stored).read_to_end(&mut out).map_err(|e| Refusal::internal("blob.damaged", e))?;
    Ok(out)
}
