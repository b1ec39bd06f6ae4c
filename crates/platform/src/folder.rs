//! The data folder: `city.db` (the truth), `blobs/`, `originals/`, `index/`, `lock`. Nothing else.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use kernel::{Refusal, Result};

/// A data folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// The right to publish into a folder; held by one process, given back when dropped.
pub struct Lock(#[allow(dead_code)] File);

impl Folder {
    /// Opens or creates a folder.
    ///
    /// # Errors
    /// `folder.open` where it cannot be created or is not a folder.
    pub fn open(root: &Path) -> Result<Folder> {
        let fault = |e: std::io::Error| {
            Refusal::internal("folder.open", e)
                .at(root.display().to_string())
                .mend("请检查路径是否正确、磁盘是否已满、目录是否可写")
        };
        for dir in ["blobs", "originals", "index"] {
            std::fs::create_dir_all(root.join(dir)).map_err(fault)?;
        }
        Ok(Folder { root: root.to_path_buf() })
    }

    /// Whether a city lives here.
    pub fn is_city(root: &Path) -> bool {
        root.join("city.db").is_file()
    }

    /// Opens a folder that must already hold a city.
    ///
    /// # Errors
    /// `folder.empty` where there is none.
    pub fn existing(root: &Path) -> Result<Folder> {
        if !Folder::is_city(root) {
            return Err(Refusal::not_found("folder.empty", "数据目录中没有城市数据")
                .at(root.display().to_string())
                .mend("请先运行 gongkai init 或 gongkai demo，或检查 --data 的路径"));
        }
        Folder::open(root)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// `city.db`
    pub fn database(&self) -> PathBuf {
        self.root.join("city.db")
    }
    /// `blobs/`
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }
    /// `originals/`
    pub fn originals(&self) -> PathBuf {
        self.root.join("originals")
    }
    /// `index/`
    pub fn index(&self) -> PathBuf {
        self.root.join("index")
    }

    /// Takes the lock, or tells who has it.
    ///
    /// # Errors
    /// `folder.lock` where the lock file cannot be opened.
    pub fn try_lock(&self, who: &str) -> Result<Result<Lock, String>> {
        let path = self.root.join("lock");
        let fault = |e: std::io::Error| Refusal::internal("folder.lock", e).at(path.display().to_string());
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| file.rewind()).map_err(fault)?;
                file.write_all(who.as_bytes()).map_err(fault)?;
                Ok(Ok(Lock(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Only to say who: an unreadable note is no reason to fail.
                let _ = file.read_to_string(&mut text);
                Ok(Err(text))
            }
            Err(TryLockError::Error(e)) => Err(fault(e)),
        }
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// `folder.locked` where another process has it.
    pub fn lock(&self, who: &str) -> Result<Lock> {
        self.try_lock(who)?.map_err(|holder| {
            Refusal::conflict(
                "folder.locked",
                format!("数据目录正由另一个进程使用（{}）", kernel::text::clip(&holder, 60)),
            )
            .at(self.root.display().to_string())
            .mend("请先停止它，或使用另一个数据目录")
        })
    }
}
