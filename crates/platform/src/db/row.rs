//! A row of either engine.

use kernel::{Date, Id, Refusal, Result, Timestamp};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// A row that was read.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Pg(PgRow),
}

/// A type that a column can be read as.
pub trait Cell: Sized {
    /// Reads a column of either engine.
    ///
    /// # Errors
    /// The engine's own, where column or type do not fit.
    fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error>;
}

macro_rules! cell {
    ($($t:ty),*) => {$(
        impl Cell for $t {
            fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
                match row { Row::Sqlite(r) => r.try_get(column), Row::Pg(r) => r.try_get(column) }
            }
        }
        impl Cell for Option<$t> {
            fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
                match row { Row::Sqlite(r) => r.try_get(column), Row::Pg(r) => r.try_get(column) }
            }
        }
    )*};
}
cell!(i64, String, bool);

macro_rules! cell_via {
    ($($t:ty, $raw:ty, |$v:ident| $e:expr;)*) => {$(
        impl Cell for $t {
            fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
                let $v = <$raw>::read(row, column)?;
                $e
            }
        }
        impl Cell for Option<$t> {
            fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
                match Option::<$raw>::read(row, column)? {
                    None => Ok(None),
                    Some($v) => { let r: Result<$t, sqlx::Error> = $e; r.map(Some) }
                }
            }
        }
    )*};
}
cell_via! {
    Id, i64, |v| Ok(Id::from_i64(v));
    Timestamp, i64, |v| Ok(Timestamp(v));
    Date, String, |v| kernel::time::parse_date(&v).map_err(|e| sqlx::Error::Decode(Box::new(e)));
}

impl Row {
    /// Reads a column.
    ///
    /// # Errors
    /// `db.inconsistent`, naming the column, where it is missing or of another type.
    pub fn get<T: Cell>(&self, column: &str) -> Result<T> {
        T::read(self, column).map_err(|e| Refusal::internal("db.inconsistent", format_args!("column {column}: {e}")))
    }

    /// Reads a column that holds JSON.
    ///
    /// # Errors
    /// `db.inconsistent` where the text is no such JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text)
            .map_err(|e| Refusal::internal("db.inconsistent", format_args!("column {column}: {e}")))
    }
}
