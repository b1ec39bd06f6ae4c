//! Published bytes under their hash.
//!
//! One blob holds the pages of one publishing step (one item: a handful of pages; a rebuild: about four megabytes of
//! them), so that publishing writes one file and makes it durable once. A blob's name is the BLAKE3 hash of its bytes;
//! each page inside has a hash of its own, checked whenever it is read. Blobs are never changed, only added, and can be
//! made again from the truth.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use kernel::{Refusal, Result};

use crate::originals::write_whole;

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// Where a page's bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The blob.
    pub blob: Hash,
    /// First byte.
    pub offset: u32,
    /// Bytes.
    pub length: u32,
}

/// How many open files the store keeps.
const OPEN_FILES: usize = 64;

/// The store of published bytes.
pub struct Blobs {
    root: PathBuf,
    open: Mutex<VecDeque<(Hash, Arc<File>)>>,
}

impl Blobs {
    /// A store in a folder.
    pub fn new(root: PathBuf) -> Blobs {
        Blobs { root, open: Mutex::new(VecDeque::new()) }
    }

    /// Where a blob lies.
    pub fn path(&self, blob: &Hash) -> PathBuf {
        let name = hex::encode(blob);
        let (head, _) = name.split_at_checked(2).unwrap_or(("00", ""));
        self.root.join(head).join(&name)
    }

    /// Writes a blob and makes it durable; returns its name.
    ///
    /// # Errors
    /// `blob.write` where the disk refuses; nothing half-written is left.
    pub fn write(&self, bytes: &[u8]) -> Result<Hash> {
        let hash: Hash = *blake3::hash(bytes).as_bytes();
        let path = self.path(&hash);
        let fault = |e: std::io::Error| Refusal::internal("blob.write", e).mend("请检查磁盘空间和目录权限");
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(fault)?;
        write_whole(&path, bytes).map_err(fault)?;
        self.forget(&hash);
        Ok(hash)
    }

    /// Reads a page's bytes and checks them against its hash.
    ///
    /// # Errors
    /// `blob.damaged` where the bytes are gone, unreadable or others than were published.
    pub fn read(&self, place: &Place, hash: &Hash) -> Result<Vec<u8>> {
        let mut bytes = vec![0u8; place.length as usize];
        let read = self.file(&place.blob).and_then(|f| f.read_exact_at(&mut bytes, u64::from(place.offset)));
        match read {
            Ok(()) if blake3::hash(&bytes).as_bytes() == hash => Ok(bytes),
            Ok(()) => Err(Refusal::internal("blob.damaged", format_args!("{} was changed", hex::encode(place.blob)))),
            Err(e) => Err(Refusal::internal("blob.damaged", format_args!("{}: {e}", hex::encode(place.blob)))),
        }
    }

    /// Whether a blob's bytes are still those that its name says.
    pub fn holds(&self, blob: &Hash) -> bool {
        let mut hasher = blake3::Hasher::new();
        let Ok(mut f) = File::open(self.path(blob)) else { return false };
        let mut buffer = vec![0u8; 256 * 1024];
        loop {
            match f.read(&mut buffer) {
                Ok(0) => return hasher.finalize().as_bytes() == blob,
                Ok(n) => {
                    hasher.update(buffer.get(..n).unwrap_or_default());
                }
                Err(_) => return false,
            }
        }
    }

    /// Takes a damaged blob out of the way, once its pages live elsewhere.
    ///
    /// # Errors
    /// `blob.write` where the disk refuses.
    pub fn discard(&self, blob: &Hash) -> Result<()> {
        self.forget(blob);
        match std::fs::remove_file(self.path(blob)) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Refusal::internal("blob.write", e)),
        }
    }

    fn file(&self, blob: &Hash) -> std::io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(|p| p.into_inner());
        if let Some((_, f)) = open.iter().find(|(h, _)| h == blob) {
            return Ok(f.clone());
        }
        let f = Arc::new(File::open(self.path(blob))?);
        if open.len() >= OPEN_FILES {
            open.pop_front();
        }
        open.push_back((*blob, f.clone()));
        Ok(f)
    }

    fn forget(&self, blob: &Hash) {
        self.open.lock().unwrap_or_else(|p| p.into_inner()).retain(|(h, _)| h != blob);
    }
}

/// A hash from its hexadecimal text.
///
/// # Errors
/// `db.inconsistent` where it is none.
pub fn hash_from_hex(text: &str) -> Result<Hash> {
    let mut out = [0u8; 32];
    hex::decode_to_slice(text, &mut out).map_err(|e| Refusal::internal("db.inconsistent", e))?;
    Ok(out)
}
