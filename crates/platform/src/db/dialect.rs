//! Everything that differs between the two engines, and nothing else.

use kernel::Result;
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use super::row::Row;
use super::sql::{Sql, Value};
use super::{Db, Engine, fault};

/// A transaction of either engine.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Pg(Transaction<'static, Postgres>),
}

macro_rules! bound {
    ($engine:ty, $sql:expr, $args:expr) => {{
        let mut q = sqlx::query::<$engine>(AssertSqlSafe($sql.to_string()));
        for a in $args {
            q = match a {
                Value::Int(v) => q.bind(*v),
                Value::Text(v) => q.bind(v.clone()),
                Value::Bool(v) => q.bind(*v),
            };
        }
        q
    }};
}

impl Tx {
    pub(crate) async fn begin_read(db: &Db) -> Result<Tx> {
        Ok(match &db.engine {
            Engine::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await.map_err(fault)?),
            Engine::Pg(pool) => {
                Tx::Pg(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(fault)?)
            }
        })
    }

    pub(crate) async fn begin_write(db: &Db) -> Result<Tx> {
        Ok(match &db.engine {
            // IMMEDIATE: a transaction that reads and then writes must not find out late that it may not.
            Engine::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?),
            Engine::Pg(pool) => Tx::Pg(pool.begin().await.map_err(fault)?),
        })
    }

    pub(crate) async fn fetch(&mut self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>> {
        let args = if args.is_empty() { sql.args.as_slice() } else { args };
        Ok(match self {
            Tx::Sqlite(tx) => bound!(Sqlite, sql.text, args)
                .fetch_all(&mut **tx)
                .await
                .map_err(fault)?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
            Tx::Pg(tx) => bound!(Postgres, sql.text, args)
                .fetch_all(&mut **tx)
                .await
                .map_err(fault)?
                .into_iter()
                .map(Row::Pg)
                .collect(),
        })
    }

    pub(crate) async fn execute(&mut self, sql: &Sql, args: &[Value]) -> Result<u64> {
        let args = if args.is_empty() { sql.args.as_slice() } else { args };
        Ok(match self {
            Tx::Sqlite(tx) => bound!(Sqlite, sql.text, args).execute(&mut **tx).await.map_err(fault)?.rows_affected(),
            Tx::Pg(tx) => bound!(Postgres, sql.text, args).execute(&mut **tx).await.map_err(fault)?.rows_affected(),
        })
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await.map_err(fault),
            Tx::Pg(tx) => tx.commit().await.map_err(fault),
        }
    }

    /// Takes jobs that are due: PostgreSQL skips rows that another node holds, SQLite has one writer anyway.
    pub(crate) fn claim_jobs(&self) -> &'static str {
        match self {
            Tx::Sqlite(_) => {
                "UPDATE job SET state='running', attempts=attempts+1, lease_until=$1, lease_owner=$2
                 WHERE id IN (SELECT id FROM job WHERE run_at<=$3 AND (state='queued' OR (state='running' AND lease_until<$3))
                              ORDER BY run_at, id LIMIT $4)
                 RETURNING id, kind, payload, attempts, max_attempts"
            }
            Tx::Pg(_) => {
                "UPDATE job SET state='running', attempts=attempts+1, lease_until=$1, lease_owner=$2
                 WHERE id IN (SELECT id FROM job WHERE run_at<=$3 AND (state='queued' OR (state='running' AND lease_until<$3))
                              ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
                 RETURNING id, kind, payload, attempts, max_attempts"
            }
        }
    }
}
