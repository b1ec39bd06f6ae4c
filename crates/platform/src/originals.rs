//! Uploaded files under their hash. They cannot be made again: a wrong one is refused and reported.

use std::io::Write;
use std::path::{Path, PathBuf};

use kernel::{Refusal, Result};

/// The store of uploaded files.
#[derive(Clone, Debug)]
pub struct Originals {
    root: PathBuf,
}

impl Originals {
    /// A store in a folder.
    pub fn new(root: PathBuf) -> Originals {
        Originals { root }
    }

    /// Where the file with this hash lies. Only hexadecimal names ever reach the disk.
    fn path(&self, hash: &str) -> Result<PathBuf> {
        match hash.get(..2) {
            Some(head) if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(self.root.join(head).join(hash))
            }
            _ => Err(Refusal::not_found("original.unknown", "没有这个文件")),
        }
    }

    /// Keeps bytes; returns their hash. Keeping the same bytes twice keeps them once.
    ///
    /// # Errors
    /// `original.write` where the disk refuses.
    pub fn put(&self, bytes: &[u8]) -> Result<String> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        let path = self.path(&hash)?;
        if std::fs::metadata(&path).is_ok_and(|m| m.len() == bytes.len() as u64) && self.get(&hash).is_ok() {
            return Ok(hash);
        }
        let dir = path.parent().unwrap_or(Path::new("."));
        let fault = |e: std::io::Error| Refusal::internal("original.write", e).mend("请检查磁盘空间和目录权限");
        std::fs::create_dir_all(dir).map_err(fault)?;
        write_whole(&path, bytes).map_err(fault)?;
        Ok(hash)
    }

    /// The bytes of a hash, checked.
    ///
    /// # Errors
    /// `original.missing`, `original.damaged`.
    pub fn get(&self, hash: &str) -> Result<Vec<u8>> {
        let path = self.path(hash)?;
        let bytes = std::fs::read(&path)
            .map_err(|e| Refusal::internal("original.missing", e).mend("原件缺失，请从备份恢复 originals 目录"))?;
        if blake3::hash(&bytes).to_hex().as_str() != hash {
            return Err(Refusal::internal("original.damaged", format_args!("{hash} was changed on disk"))
                .mend("原件已损坏，请从备份恢复 originals 目录"));
        }
        Ok(bytes)
    }
}

/// Writes a file under a temporary name, makes it durable, and gives it its name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temp = path.with_extension(format!("tmp{}", std::process::id()));
    let done = (|| {
        let mut f = std::fs::File::create(&temp)?;
        f.write_all(bytes)?;
        f.sync_data()?;
        std::fs::rename(&temp, path)
    })();
    if done.is_err() {
        // The half-written file must not stay; the first error is the one that matters.
        let _ = std::fs::remove_file(&temp);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_once_checked_always() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Originals::new(dir.path().into());
        let hash = store.put(b"abc").expect("put");
        assert_eq!(store.put(b"abc").expect("again"), hash);
        assert_eq!(store.get(&hash).expect("get"), b"abc");
        let file = dir.path().join(hash.get(..2).expect("head")).join(&hash);
        std::fs::write(&file, b"abd").expect("damage");
        assert_eq!(store.get(&hash).expect_err("damaged").code(), "original.damaged");
        assert_eq!(store.put(b"abc").expect("heals"), hash);
        assert_eq!(store.get(&hash).expect("healed"), b"abc");
        for bad in ["../../etc/passwd", "", "zz", &"g".repeat(64)] {
            assert_eq!(store.get(bad).expect_err("bad").code(), "original.unknown");
        }
    }
}
