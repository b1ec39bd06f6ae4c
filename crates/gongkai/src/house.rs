//! Opening a city: the truth, the publisher, the index, the words and looks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use capabilities::published::City;
use kernel::{Actor, Refusal, Result};
use platform::config::{Addresses, Config};
use platform::crypto::{Standard, load_or_create_key};
use platform::folder::{Folder, Lock};
use platform::originals::Originals;
use platform::publish::Publisher;
use platform::{Db, Env};
use web::App;
use web::app::Place;
use web::assets::Assets;

/// Bytes of published pages kept in memory.
pub const CACHE: u64 = 128 << 20;

/// Which city to open, and how.
#[derive(Clone, Debug)]
pub struct Which {
    /// The data folder.
    pub data: PathBuf,
    /// A PostgreSQL database instead of SQLite in the folder.
    pub database: Option<String>,
    /// A schema of that database.
    pub schema: Option<String>,
    /// The key file, if not the usual one.
    pub key_file: Option<PathBuf>,
    /// Ports and the form of addresses.
    pub place: Place,
    /// Bytes of published pages kept in memory.
    pub cache: u64,
}

impl Which {
    /// A data folder with SQLite.
    pub fn folder(data: &Path) -> Which {
        Which {
            data: data.to_path_buf(),
            database: None,
            schema: None,
            key_file: None,
            place: Place { public_port: 8080, staff_port: 8081, addresses: Addresses::Local, secure: false },
            cache: CACHE,
        }
    }

    /// As a configuration file says.
    pub fn config(c: &Config) -> Which {
        Which {
            data: c.data.clone(),
            database: c.database.url.clone(),
            schema: c.database.schema.clone(),
            key_file: c.key_file.clone(),
            place: Place {
                public_port: 8080,
                staff_port: 8081,
                addresses: c.listen.addresses,
                secure: c.listen.addresses == Addresses::Domains,
            },
            cache: CACHE,
        }
    }
}

/// An open city.
pub struct House {
    /// What handlers share.
    pub app: App,
    /// The data folder.
    pub folder: Folder,
    /// Held while this process may publish; `None` where another process (a server) does.
    pub lock: Option<Lock>,
    /// Whether the index must be made again.
    pub index_stale: bool,
}

/// Whether this process must have the folder for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Refuse if another process has it.
    Alone,
    /// Work beside a server that has it; it publishes then.
    Beside,
}

/// The usual place of a city's key: under the user's configuration folder, not in the data folder, so that a copy of the
/// data is not a copy of the key.
pub fn usual_key_file(data: &Path) -> PathBuf {
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".config")))
        .unwrap_or_else(|| PathBuf::from("/etc"));
    let whole = std::fs::canonicalize(data).unwrap_or_else(|_| data.to_path_buf());
    let name = whole.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    // FNV-1a of the path tells folders of the same name apart.
    let mark = whole
        .to_string_lossy()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    base.join("gongkai").join(format!("{name}-{mark:016x}.key"))
}

/// Opens a city.
///
/// # Errors
/// `folder.*`, `key.file`, `db.*`, `folder.locked`.
pub async fn open(which: &Which, env: Env, hold: Hold, create: bool) -> Result<House> {
    let folder =
        if create || which.database.is_some() { Folder::open(&which.data)? } else { Folder::existing(&which.data)? };
    let who = format!("gongkai {}，进程 {}", env!("CARGO_PKG_VERSION"), std::process::id());
    let lock = match hold {
        Hold::Alone => Some(folder.lock(&who)?),
        Hold::Beside => folder.try_lock(&who)?.ok(),
    };
    let key_file = which.key_file.clone().unwrap_or_else(|| usual_key_file(&which.data));
    let key = load_or_create_key(&key_file, env.entropy.as_ref())?;
    let crypto = Arc::new(Standard::with_key(key, env.entropy.clone()));
    let db = match &which.database {
        Some(url) => Db::postgres(url, which.schema.as_deref(), crypto).await?,
        None => Db::sqlite(&folder.database(), crypto).await?,
    };
    let templates = Arc::new(capabilities::templates());
    let assets = Arc::new(Assets::new());
    let city = Arc::new(City::new(templates.clone(), assets.clone()));
    let publisher = Publisher::open(db.clone(), env.clone(), &folder, city, which.cache).await?;
    // A process beside a server does not touch the server's index.
    let (index, index_stale) = if lock.is_some() {
        let dir = folder.index();
        let opened = tokio::task::spawn_blocking(move || {
            search::Index::open_with(&dir, search::Options { verify: false, ..search::Options::default() })
        })
        .await
        .map_err(|e| Refusal::internal("search.task", e))??;
        if let Some(damage) = &opened.damage {
            tracing::warn!(damage = %damage, "the search index was damaged and is made again");
        }
        (opened.index, opened.needs_rebuild)
    } else {
        (search::Index::in_memory()?, false)
    };
    let app = App {
        db,
        env,
        publisher,
        originals: Originals::new(folder.originals()),
        index: Arc::new(index),
        templates,
        assets,
        place: Arc::new(which.place.clone()),
        ready: Arc::new(AtomicBool::new(false)),
    };
    Ok(House { app, folder, lock, index_stale })
}

impl House {
    /// Publishes and indexes everything that has happened, here or by waiting for the server that holds the folder.
    ///
    /// # Errors
    /// `db.fault`, `publish.*`, `serve.slow` where the server does not get on.
    pub async fn settle(&self, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<()> {
        if self.lock.is_some() {
            if self.app.publisher.is_stale().await? {
                self.app.publisher.rebuild(None, progress).await?;
            }
            self.app.publisher.catch_up().await?;
            if self.index_stale && self.app.index.position() == 0 {
                capabilities::indexing::rebuild(&self.app, progress).await?;
            }
            capabilities::indexing::catch_up(&self.app).await?;
            return Ok(());
        }
        let target = {
            let mut tx = self.app.db.read().await?;
            platform::outbox::head(&mut tx).await?
        };
        let mut last = (0, self.app.env.now());
        loop {
            let (published, indexed) = {
                let mut tx = self.app.db.read().await?;
                (
                    platform::outbox::cursor(&mut tx, "publisher").await?,
                    platform::outbox::cursor(&mut tx, "search").await?,
                )
            };
            let at = published.min(indexed);
            progress(at.unsigned_abs(), target.unsigned_abs());
            if at >= target {
                return Ok(());
            }
            if at > last.0 {
                last = (at, self.app.env.now());
            } else if last.1.plus_seconds(120) < self.app.env.now() {
                return Err(Refusal::internal("serve.slow", "the server does not publish")
                    .mend("正在运行的服务没有继续发布，请查看它的日志"));
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// The system itself as actor.
    pub fn ctx(&self, name: &str) -> platform::Ctx {
        self.app.env.ctx(Actor::system(name))
    }

    /// Closes the truth.
    pub async fn close(self) {
        self.app.db.close().await;
    }
}
