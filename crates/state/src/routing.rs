//! What was learned about keys, hosts and models, shared by all processes of a home: one row per breaker that is not
//! closed. Losing it costs a few requests, so it is not forced to the disk.

use std::path::{Path, PathBuf};

use config::Home;
use rusqlite::{OptionalExtension, params};

use crate::database::{Database, Durability, Schema};
use crate::error::Error;

/// Rows kept; when there are more, those that reopen first go.
const ROWS_MAX: i64 = 10_000;

const SCHEMA: Schema = Schema {
    migrations: &["
        CREATE TABLE breaker (
            scope TEXT PRIMARY KEY,
            until_ms INTEGER NOT NULL,
            probe_lease_ms INTEGER NOT NULL DEFAULT 0,
            record TEXT NOT NULL
        ) STRICT, WITHOUT ROWID"],
    durability: Durability::Relaxed,
};

/// One breaker that is not closed. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerRow {
    /// What it is about.
    pub scope: String,
    /// When its window ends.
    pub until_ms: u64,
    /// Until when one probe keeps others back; zero when none is under way.
    pub probe_lease_ms: u64,
    /// Everything else, as its owner wrote it.
    pub record: String,
}

/// The breakers of a home.
#[derive(Debug)]
pub struct RoutingMemory {
    database: Database,
}

impl RoutingMemory {
    /// Returns where the breakers of `home` are kept.
    pub fn path(home: &Home) -> PathBuf {
        crate::folder(home).join("routing.sqlite")
    }

    /// Opens the memory, which is made when there is none.
    ///
    /// # Errors
    /// Those of [`Database::open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let database = Database::open(path, &SCHEMA)?;
        Ok(Self { database })
    }

    /// Opens the memory for reading; `None` when there is none.
    ///
    /// # Errors
    /// Those of [`Database::open_read_only`].
    pub fn open_read_only(path: &Path) -> Result<Option<Self>, Error> {
        let database = Database::open_read_only(path, &SCHEMA)?;
        Ok(database.map(|database| Self { database }))
    }

    /// Returns a number that changes when another process has written.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn version(&self) -> Result<u64, Error> {
        self.database
            .read(|tables| {
                tables.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0))
            })
            .map(i64::unsigned_abs)
    }

    /// Returns all breakers that are not closed.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn load(&self) -> Result<Vec<BreakerRow>, Error> {
        self.database.read(|tables| {
            let mut statement =
                tables.prepare("SELECT scope, until_ms, probe_lease_ms, record FROM breaker")?;
            let rows = statement.query_map([], |row| {
                Ok(BreakerRow {
                    scope: row.get(0)?,
                    until_ms: unsigned(row.get(1)?),
                    probe_lease_ms: unsigned(row.get(2)?),
                    record: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Writes a breaker down, unless another process knows of a window that ends later. A probe under way is over.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn store(&self, row: &BreakerRow) -> Result<(), Error> {
        self.database.write(|tables| {
            let mut statement = tables.prepare(
                "INSERT INTO breaker (scope, until_ms, probe_lease_ms, record) VALUES (?1, ?2, 0, ?3)
                 ON CONFLICT (scope) DO UPDATE SET until_ms = excluded.until_ms, probe_lease_ms = 0,
                 record = excluded.record WHERE excluded.until_ms >= breaker.until_ms",
            )?;
            statement.execute(params![row.scope, signed(row.until_ms), row.record])?;
            let mut prune = tables.prepare(
                "DELETE FROM breaker WHERE scope IN
                 (SELECT scope FROM breaker ORDER BY until_ms DESC LIMIT -1 OFFSET ?1)",
            )?;
            prune.execute([ROWS_MAX])?;
            Ok(())
        })
    }

    /// Forgets breakers: they are closed.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn forget<'a>(&self, scopes: impl IntoIterator<Item = &'a str>) -> Result<usize, Error> {
        self.database.write(|tables| {
            let mut statement = tables.prepare("DELETE FROM breaker WHERE scope = ?1")?;
            let mut n = 0;
            for scope in scopes {
                n += statement.execute([scope])?;
            }
            Ok(n)
        })
    }

    /// Gives up the right to probe.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn release_probe(&self, scope: &str) -> Result<(), Error> {
        self.database.write(|tables| {
            tables.execute(
                "UPDATE breaker SET probe_lease_ms = 0 WHERE scope = ?1",
                [scope],
            )?;
            Ok(())
        })
    }

    /// Takes the right to probe until `lease_until_ms`; false when another one has it at `now_ms`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn lease_probe(
        &self,
        scope: &str,
        now_ms: u64,
        lease_until_ms: u64,
    ) -> Result<bool, Error> {
        self.database.write(|tables| {
            let mut find = tables.prepare("SELECT probe_lease_ms FROM breaker WHERE scope = ?1")?;
            let held: Option<i64> = find.query_row([scope], |row| row.get(0)).optional()?;
            if held.is_some_and(|held_ms| unsigned(held_ms) > now_ms) {
                return Ok(false);
            }
            let mut take =
                tables.prepare("UPDATE breaker SET probe_lease_ms = ?2 WHERE scope = ?1")?;
            take.execute(params![scope, signed(lease_until_ms)])?;
            Ok(true)
        })
    }
}

/// Times fit for some hundred million years.
fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn unsigned(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scope: &str, until_ms: u64) -> BreakerRow {
        BreakerRow {
            scope: scope.into(),
            until_ms,
            probe_lease_ms: 0,
            record: format!("{{\"until\":{until_ms}}}"),
        }
    }

    #[test]
    fn processes_share_windows_which_never_shrink() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("routing.sqlite");
        let (one, two) = (
            RoutingMemory::open(&path).unwrap(),
            RoutingMemory::open(&path).unwrap(),
        );
        let before = two.version().unwrap();
        one.store(&row("host a", 5_000)).unwrap();
        assert_ne!(two.version().unwrap(), before);
        two.store(&row("host a", 4_000)).unwrap();
        assert_eq!(two.load().unwrap(), [row("host a", 5_000)]);
        assert_eq!(two.forget(["host a", "host b"]).unwrap(), 1);
        assert_eq!(one.load().unwrap(), []);
    }

    #[test]
    fn one_probe_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("routing.sqlite");
        let (one, two) = (
            RoutingMemory::open(&path).unwrap(),
            RoutingMemory::open(&path).unwrap(),
        );
        one.store(&row("host a", 5_000)).unwrap();
        assert!(one.lease_probe("host a", 6_000, 9_000).unwrap());
        assert!(!two.lease_probe("host a", 6_001, 9_001).unwrap());
        assert!(two.lease_probe("host a", 9_000, 12_000).unwrap());
        two.release_probe("host a").unwrap();
        assert!(one.lease_probe("host a", 9_001, 12_001).unwrap());
        one.store(&row("host a", 20_000)).unwrap();
        assert!(one.lease_probe("host a", 20_000, 23_000).unwrap());
    }
}
