//! SQLite or PostgreSQL behind one door.
//!
//! Stores write one SQL text with `$1…` that both engines take, bind [`Value`]s and read [`Row`]s. House rules for that
//! text: identities and instants are `BIGINT`, days are ISO `TEXT`, JSON is `TEXT`, truth values `BOOLEAN`; no engine's
//! own functions, no `RETURNING` outside [`dialect`], no sequences.

pub mod dialect;
mod row;
mod sql;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use kernel::{Refusal, Result};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::watch;

pub use row::{Cell, Row};
pub use sql::{Args, Sql, Value};

use crate::env::Ctx;
use crate::tx::{ReadTx, WriteTx};

/// The truth: one of the two engines.
#[derive(Clone)]
pub struct Db {
    pub(crate) engine: Engine,
    pub(crate) committed: Arc<watch::Sender<u64>>,
    pub(crate) crypto: Arc<dyn kernel::crypto::Provider>,
}

#[derive(Clone)]
pub(crate) enum Engine {
    /// One connection writes, several read: SQLite has one writer at a time, and a queue in the pool is fairer than
    /// its busy handler.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Pg(PgPool),
}

/// Migrations of both engines. Never edit one that has been released.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Names a database error for the log; the person sees only that it was our fault.
pub fn fault(e: sqlx::Error) -> Refusal {
    match &e {
        sqlx::Error::PoolTimedOut => {
            Refusal::new(kernel::refusal::Kind::Unavailable, "db.busy", "系统正忙，没有完成这次操作").mend("请稍后重试")
        }
        sqlx::Error::Database(d) if d.is_unique_violation() => {
            Refusal::conflict("db.duplicate", "已有相同的记录").mend("请检查是否重复提交").because(d)
        }
        _ => Refusal::internal("db.fault", e),
    }
}

impl Db {
    /// Opens or creates an SQLite database file and brings its schema up to date.
    ///
    /// # Errors
    /// `db.open` where the file cannot be opened, `db.migrate` where the schema is newer than this program.
    pub async fn sqlite(file: &Path, crypto: Arc<dyn kernel::crypto::Provider>) -> Result<Db> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: what was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(20))
            .pragma("cache_size", "-8000")
            .pragma("temp_store", "memory")
            .pragma("wal_autocheckpoint", "2000")
            .optimize_on_close(true, Some(400));
        let opened = |e| {
            Refusal::internal("db.open", e)
                .at(file.display().to_string())
                .mend("请检查文件是否完好、磁盘是否已满、目录是否可写")
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(std::time::Duration::from_secs(60))
            .connect_with(options.clone())
            .await
            .map_err(opened)?;
        let readers =
            SqlitePoolOptions::new().max_connections(6).connect_with(options.read_only(false)).await.map_err(opened)?;
        MIGRATIONS.run(&writer).await.map_err(migrated)?;
        Ok(Db::new(Engine::Sqlite { writer, readers }, crypto))
    }

    /// Opens a PostgreSQL database and brings its schema up to date. `schema` puts everything into one schema (tests).
    ///
    /// # Errors
    /// `db.open` where the server cannot be reached, `db.migrate` where the schema is newer than this program.
    pub async fn postgres(url: &str, schema: Option<&str>, crypto: Arc<dyn kernel::crypto::Provider>) -> Result<Db> {
        let opened = |e| Refusal::internal("db.open", e).mend("请检查配置中的数据库地址，以及数据库服务是否已启动");
        let mut options = PgConnectOptions::from_str(url).map_err(opened)?;
        if let Some(schema) = schema {
            options = options.options([("search_path", schema)]);
        }
        let pool = PgPoolOptions::new().max_connections(12).connect_with(options).await.map_err(opened)?;
        MIGRATIONS.run(&pool).await.map_err(migrated)?;
        Ok(Db::new(Engine::Pg(pool), crypto))
    }

    fn new(engine: Engine, crypto: Arc<dyn kernel::crypto::Provider>) -> Db {
        Db { engine, committed: Arc::new(watch::channel(0).0), crypto }
    }

    /// `sqlite` or `postgres`, for the health page.
    pub fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite { .. } => "sqlite",
            Engine::Pg(_) => "postgres",
        }
    }

    /// A consistent view that cannot write.
    ///
    /// # Errors
    /// `db.busy` or `db.fault`.
    pub async fn read(&self) -> Result<ReadTx> {
        ReadTx::begin(self).await
    }

    /// A transaction that writes. See [`crate::tx`].
    ///
    /// # Errors
    /// `db.busy` or `db.fault`.
    pub async fn write(&self, ctx: &Ctx) -> Result<WriteTx> {
        WriteTx::begin(self, ctx, false).await
    }

    /// A transaction of the machinery itself (cursors, leases, routes, sessions): no audit entry is asked for.
    pub(crate) async fn bookkeeping(&self, ctx: &Ctx) -> Result<WriteTx> {
        WriteTx::begin(self, ctx, true).await
    }

    /// Changes whenever something was committed by this process.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    /// Waits until all connections are closed.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Pg(pool) => pool.close().await,
        }
    }

    /// The provider of hashes and ciphertexts.
    pub fn crypto(&self) -> &dyn kernel::crypto::Provider {
        self.crypto.as_ref()
    }

    /// The provider, to be kept.
    pub fn crypto_arc(&self) -> Arc<dyn kernel::crypto::Provider> {
        self.crypto.clone()
    }
}

fn migrated(e: sqlx::migrate::MigrateError) -> Refusal {
    Refusal::internal("db.migrate", e).mend("数据由更新版本的程序写入，或迁移文件被改动；请使用与数据相同或更新的版本")
}
