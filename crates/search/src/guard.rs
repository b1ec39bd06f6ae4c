//! A folder whose small files are checked too.
//!
//! Segment files carry a checksum; the lists of segments and of files do not, and a flipped byte there could bring back
//! a deleted document or a wrong position. This directory adds a line with a checksum to them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, FileSlice, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Guarded(pub MmapDirectory);

/// Length of the line: a line end and 16 hexadecimal digits.
const TAIL: usize = 17;

/// FNV-1a, enough against accidents; it guards no secret.
fn sum(data: &[u8]) -> String {
    let sum = data.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    format!("\n{sum:016x}")
}

impl Directory for Guarded {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.0.get_file_handle(path)
    }

    fn open_read(&self, path: &Path) -> Result<FileSlice, OpenReadError> {
        self.0.open_read(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.0.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.0.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.0.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let mut data = self.0.atomic_read(path)?;
        let tail = data.split_off(data.len().saturating_sub(TAIL));
        if tail != sum(&data).as_bytes() {
            let error = io::Error::new(io::ErrorKind::InvalidData, "checksum");
            return Err(OpenReadError::wrap_io_error(error, path.to_path_buf()));
        }
        Ok(data)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let mut whole = data.to_vec();
        whole.extend_from_slice(sum(data).as_bytes());
        self.0.atomic_write(path, &whole)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.0.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.0.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.0.watch(callback)
    }
}
