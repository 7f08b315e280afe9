//! What requests cost: one row per request, and sums by hour and by day that are kept as rows are written, so that a
//! question about a year reads some thousand rows and not ten million.
//!
//! Losing the last second in a crash of the machine is bearable, so writes are relaxed. A request never waits for this
//! file: [`Ledger`] takes entries into a bounded queue, and one thread writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::Home;
use rusqlite::{Connection, Row, Transaction, params};

use crate::database::{Database, Durability, Schema};
use crate::error::Error;

mod writer;

pub use writer::{Ledger, LedgerEvent, LedgerReading, Tell};

/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 60 * 60 * 1000;
/// Milliseconds of a day. Days begin at midnight UTC.
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// How long single requests are kept.
const REQUESTS_KEPT_MS: u64 = 30 * DAY_MS;
/// How long sums by hour are kept.
const HOURS_KEPT_MS: u64 = 92 * DAY_MS;
/// How long sums by day are kept.
const DAYS_KEPT_MS: u64 = 5 * 366 * DAY_MS;
/// Single requests kept; when there are more, the oldest go.
const REQUESTS_MAX: i64 = 20_000_000;
/// Rows forgotten in one transaction, so that a write never takes long.
const FORGOTTEN_AT_ONCE_MAX: i64 = 10_000;

const SCHEMA: Schema = Schema {
    migrations: &["
        CREATE TABLE request (
            number INTEGER PRIMARY KEY,
            at_ms INTEGER NOT NULL,
            id TEXT NOT NULL,
            caller TEXT NOT NULL,
            session TEXT,
            model TEXT NOT NULL,
            host TEXT NOT NULL,
            credential TEXT NOT NULL,
            status INTEGER NOT NULL,
            outcome TEXT NOT NULL,
            is_stream INTEGER NOT NULL,
            duration_ms INTEGER NOT NULL,
            first_byte_ms INTEGER,
            input_tokens INTEGER,
            output_tokens INTEGER,
            cached_tokens INTEGER,
            cache_write_tokens INTEGER,
            reasoning_tokens INTEGER,
            cost_nano INTEGER,
            currency TEXT
        ) STRICT;
        CREATE TABLE sum (
            span_ms INTEGER NOT NULL,
            start_ms INTEGER NOT NULL,
            aspect TEXT NOT NULL,
            value TEXT NOT NULL,
            currency TEXT NOT NULL,
            requests INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            without_usage INTEGER NOT NULL,
            priced INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cached_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL,
            reasoning_tokens INTEGER NOT NULL,
            cost_nano INTEGER NOT NULL,
            duration_ms INTEGER NOT NULL,
            first_byte_ms INTEGER NOT NULL,
            first_bytes INTEGER NOT NULL,
            PRIMARY KEY (span_ms, aspect, start_ms, value, currency)
        ) STRICT, WITHOUT ROWID"],
    durability: Durability::Relaxed,
};

/// What one request cost in money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Billionths of the currency.
    pub nano: u64,
    /// The currency, such as `USD`.
    pub currency: Arc<str>,
}

/// Tokens of one request, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of the prompt, cached ones included.
    pub input: u64,
    /// Of the answer, reasoning included.
    pub output: u64,
    /// Of the prompt, served from a cache.
    pub cached: u64,
    /// Of the prompt, written to a cache.
    pub cache_write: u64,
    /// Of the answer, spent on reasoning.
    pub reasoning: u64,
}

/// One request that has ended.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it began, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Our id of it.
    pub id: String,
    /// Who asked.
    pub caller: Arc<str>,
    /// The conversation, when the caller named one.
    pub session: Option<String>,
    /// `provider/model`.
    pub model: String,
    /// The host that was asked last.
    pub host: Arc<str>,
    /// Name and fingerprint of the credential.
    pub credential: Arc<str>,
    /// Status of the upstream; zero when there was none.
    pub status: u16,
    /// How it ended.
    pub outcome: &'static str,
    /// Whether that is a success.
    pub is_complete: bool,
    /// Whether the answer was a stream.
    pub is_stream: bool,
    /// From its begin to its end.
    pub duration_ms: u64,
    /// From its begin to the first byte of the answer.
    pub first_byte_ms: Option<u64>,
    /// What the upstream says it used; none when it did not say.
    pub tokens: Option<Tokens>,
    /// What that costs; none when the price is not known.
    pub cost: Option<Cost>,
}

/// By what usage is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// `provider/model`.
    Model,
    /// Who asked.
    Caller,
    /// Host name.
    Host,
    /// Hour; the key is its begin in milliseconds since 1970 UTC.
    Hour,
    /// Day in UTC; the key is its begin in milliseconds since 1970 UTC.
    Day,
}

/// What many requests used together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageSum {
    /// Requests that reached a route.
    pub requests: u64,
    /// Of these, requests that did not end well.
    pub failed: u64,
    /// Requests that ended well, and the upstream sent no usage.
    pub without_usage: u64,
    /// Requests whose price is known.
    pub priced: u64,
    /// Tokens by kind.
    pub tokens: Tokens,
    /// Billionths of each currency; nothing for requests whose price is not known.
    pub cost_nano: BTreeMap<String, u64>,
    /// Durations of all requests, in milliseconds.
    pub duration_ms: u64,
    /// Times to the first byte, in milliseconds.
    pub first_byte_ms: u64,
    /// Requests that had a first byte.
    pub first_bytes: u64,
}

/// Usage by some key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// What the sum is for, as [`Grouping`] says.
    pub key: String,
    /// The sum.
    pub sum: UsageSum,
}

/// The answer to a question about usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// From when on it counts, in milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// The sums.
    pub rows: Vec<UsageRow>,
}

/// The usage of a home.
#[derive(Debug)]
pub struct LedgerStore {
    database: Database,
}

impl LedgerStore {
    /// Returns where the usage of `home` is kept.
    pub fn path(home: &Home) -> PathBuf {
        crate::folder(home).join("ledger.sqlite")
    }

    /// Opens the ledger, which is made when there is none.
    ///
    /// # Errors
    /// Those of [`Database::open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let database = Database::open(path, &SCHEMA)?;
        Ok(Self { database })
    }

    /// Opens the ledger for reading; `None` when there is none.
    ///
    /// # Errors
    /// Those of [`Database::open_read_only`].
    pub fn open_read_only(path: &Path) -> Result<Option<Self>, Error> {
        let database = Database::open_read_only(path, &SCHEMA)?;
        Ok(database.map(|database| Self { database }))
    }

    /// Writes requests down and adds them to their hours and days, all or none of them.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn add(&self, entries: &[Entry]) -> Result<(), Error> {
        let mut sums: BTreeMap<SumKey<'_>, UsageSum> = BTreeMap::new();
        for entry in entries {
            for key in SumKey::all_of(entry) {
                sums.entry(key).or_default().add(entry);
            }
        }
        self.database.write(|tables| {
            insert_requests(tables, entries)?;
            add_sums(tables, &sums)
        })
    }

    /// Forgets what is older than it is kept, a bounded number of rows at a time; says whether there is more.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn forget(&self, now_ms: u64) -> Result<bool, Error> {
        let before = |kept_ms: u64| signed(now_ms.saturating_sub(kept_ms));
        self.database.write(|tables| {
            // Numbers follow the time closely enough, and need no index of their own.
            let requests = tables.execute(
                "DELETE FROM request WHERE number IN (SELECT number FROM request ORDER BY number LIMIT ?3)
                 AND (at_ms < ?1 OR number <= (SELECT max(number) FROM request) - ?2)",
                params![before(REQUESTS_KEPT_MS), REQUESTS_MAX, FORGOTTEN_AT_ONCE_MAX],
            )?;
            for (span_ms, kept_ms) in [(HOUR_MS, HOURS_KEPT_MS), (DAY_MS, DAYS_KEPT_MS)] {
                tables.execute(
                    "DELETE FROM sum WHERE span_ms = ?1 AND start_ms < ?2",
                    params![signed(span_ms), before(kept_ms)],
                )?;
            }
            Ok(i64::try_from(requests).unwrap_or_default() >= FORGOTTEN_AT_ONCE_MAX)
        })
    }

    /// Sums up what was used from `since_ms` on, which is taken back to the begin of its hour or, over longer times, of
    /// its day. Models, callers and hosts come with the most tokens first, times in order.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn usage(&self, grouping: Grouping, since_ms: u64, now_ms: u64) -> Result<Usage, Error> {
        let span_ms = span_ms(grouping, since_ms, now_ms);
        let since_ms = since_ms - since_ms % span_ms;
        let (aspect, key) = match grouping {
            Grouping::Model => (Aspect::Model, "value"),
            Grouping::Caller => (Aspect::Caller, "value"),
            Grouping::Host => (Aspect::Host, "value"),
            Grouping::Hour | Grouping::Day => (Aspect::All, "start_ms"),
        };
        let sql = format!(
            "SELECT CAST({key} AS TEXT) AS grouped, currency, sum(requests), sum(failed), sum(without_usage), sum(priced),
             sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(reasoning_tokens),
             sum(cost_nano), sum(duration_ms), sum(first_byte_ms), sum(first_bytes)
             FROM sum WHERE span_ms = ?1 AND aspect = ?2 AND start_ms >= ?3 GROUP BY grouped, currency ORDER BY grouped"
        );
        let rows = self
            .database
            .read(|tables| grouped(tables, &sql, (span_ms, aspect, since_ms)))?;
        let is_in_order = matches!(grouping, Grouping::Hour | Grouping::Day);
        Ok(Usage {
            since_ms,
            rows: merged(rows, is_in_order),
        })
    }
}

/// Returns the span whose sums answer a question: hours as long as they are kept and few.
fn span_ms(grouping: Grouping, since_ms: u64, now_ms: u64) -> u64 {
    /// Beyond this, days are near enough and far fewer.
    const IN_HOURS_MAX_MS: u64 = 7 * DAY_MS;
    let is_short = now_ms.saturating_sub(since_ms) <= IN_HOURS_MAX_MS;
    match grouping {
        Grouping::Hour => HOUR_MS,
        Grouping::Model | Grouping::Caller | Grouping::Host if is_short => HOUR_MS,
        Grouping::Day | Grouping::Model | Grouping::Caller | Grouping::Host => DAY_MS,
    }
}

fn grouped(
    tables: &Connection,
    sql: &str,
    (span_ms, aspect, since_ms): (u64, Aspect, u64),
) -> rusqlite::Result<Vec<UsageRow>> {
    let mut statement = tables.prepare(sql)?;
    let rows = statement.query_map(
        params![signed(span_ms), aspect.as_str(), signed(since_ms)],
        usage_row,
    )?;
    rows.collect()
}

fn usage_row(row: &Row<'_>) -> rusqlite::Result<UsageRow> {
    let count = |n: usize| row.get::<_, i64>(n).map(unsigned);
    let currency: String = row.get(1)?;
    let mut cost_nano = BTreeMap::new();
    if !currency.is_empty() {
        cost_nano.insert(currency, count(11)?);
    }
    Ok(UsageRow {
        key: row.get(0)?,
        sum: UsageSum {
            requests: count(2)?,
            failed: count(3)?,
            without_usage: count(4)?,
            priced: count(5)?,
            tokens: Tokens {
                input: count(6)?,
                output: count(7)?,
                cached: count(8)?,
                cache_write: count(9)?,
                reasoning: count(10)?,
            },
            cost_nano,
            duration_ms: count(12)?,
            first_byte_ms: count(13)?,
            first_bytes: count(14)?,
        },
    })
}

/// Puts the currencies of a key together.
fn merged(rows: Vec<UsageRow>, is_in_order: bool) -> Vec<UsageRow> {
    let mut merged: Vec<UsageRow> = Vec::new();
    for row in rows {
        match merged.last_mut() {
            Some(last) if last.key == row.key => last.sum.merge(&row.sum),
            _ => merged.push(row),
        }
    }
    if !is_in_order {
        let weight = |row: &UsageRow| {
            (
                row.sum.tokens.input + row.sum.tokens.output,
                row.sum.requests,
            )
        };
        merged.sort_by_key(|row| std::cmp::Reverse(weight(row)));
    }
    merged
}

impl UsageSum {
    /// Adds one request.
    fn add(&mut self, entry: &Entry) {
        self.requests += 1;
        self.failed += u64::from(!entry.is_complete);
        self.without_usage += u64::from(entry.is_complete && entry.tokens.is_none());
        self.tokens.add(entry.tokens.unwrap_or_default());
        self.duration_ms += entry.duration_ms;
        self.first_byte_ms += entry.first_byte_ms.unwrap_or_default();
        self.first_bytes += u64::from(entry.first_byte_ms.is_some());
        if let Some(cost) = &entry.cost {
            self.priced += 1;
            *self.cost_nano.entry(cost.currency.to_string()).or_default() += cost.nano;
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.without_usage += other.without_usage;
        self.priced += other.priced;
        self.tokens.add(other.tokens);
        self.duration_ms += other.duration_ms;
        self.first_byte_ms += other.first_byte_ms;
        self.first_bytes += other.first_bytes;
        for (currency, nano) in &other.cost_nano {
            *self.cost_nano.entry(currency.clone()).or_default() += nano;
        }
    }
}

impl Tokens {
    fn add(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cached += other.cached;
        self.cache_write += other.cache_write;
        self.reasoning += other.reasoning;
    }
}

/// What tells one row of the sums from another.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SumKey<'a> {
    span_ms: u64,
    aspect: Aspect,
    start_ms: u64,
    value: &'a str,
    currency: &'a str,
}

/// What a sum is about. Each aspect has sums of its own, so that there are as many as values, and not as many as
/// combinations of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Aspect {
    All,
    Caller,
    Model,
    Host,
}

impl Aspect {
    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Caller => "caller",
            Self::Model => "model",
            Self::Host => "host",
        }
    }
}

impl<'a> SumKey<'a> {
    /// Returns the keys of all sums that a request is part of.
    fn all_of(entry: &'a Entry) -> impl Iterator<Item = Self> {
        let aspects = [
            (Aspect::All, ""),
            (Aspect::Caller, &*entry.caller),
            (Aspect::Model, &*entry.model),
            (Aspect::Host, &*entry.host),
        ];
        let currency = entry.cost.as_ref().map_or("", |cost| &*cost.currency);
        [HOUR_MS, DAY_MS].into_iter().flat_map(move |span_ms| {
            aspects.map(|(aspect, value)| Self {
                span_ms,
                aspect,
                start_ms: entry.at_ms - entry.at_ms % span_ms,
                value,
                currency,
            })
        })
    }
}

fn insert_requests(tables: &Transaction<'_>, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut insert = tables.prepare(
        "INSERT INTO request (at_ms, id, caller, session, model, host, credential, status, outcome, is_stream,
         duration_ms, first_byte_ms, input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
         cost_nano, currency)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?;
    for entry in entries {
        let tokens = |kind: fn(&Tokens) -> u64| entry.tokens.as_ref().map(kind).map(signed);
        insert.execute(params![
            signed(entry.at_ms),
            entry.id,
            &*entry.caller,
            entry.session,
            entry.model,
            &*entry.host,
            &*entry.credential,
            entry.status,
            entry.outcome,
            entry.is_stream,
            signed(entry.duration_ms),
            entry.first_byte_ms.map(signed),
            tokens(|tokens| tokens.input),
            tokens(|tokens| tokens.output),
            tokens(|tokens| tokens.cached),
            tokens(|tokens| tokens.cache_write),
            tokens(|tokens| tokens.reasoning),
            entry.cost.as_ref().map(|cost| signed(cost.nano)),
            entry.cost.as_ref().map(|cost| &*cost.currency),
        ])?;
    }
    Ok(())
}

fn add_sums(
    tables: &Transaction<'_>,
    sums: &BTreeMap<SumKey<'_>, UsageSum>,
) -> rusqlite::Result<()> {
    let mut add = tables.prepare(
        "INSERT INTO sum VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
         ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, failed = failed + excluded.failed,
         without_usage = without_usage + excluded.without_usage, priced = priced + excluded.priced,
         input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
         cached_tokens = cached_tokens + excluded.cached_tokens,
         cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
         reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, cost_nano = cost_nano + excluded.cost_nano,
         duration_ms = duration_ms + excluded.duration_ms, first_byte_ms = first_byte_ms + excluded.first_byte_ms,
         first_bytes = first_bytes + excluded.first_bytes",
    )?;
    for (key, sum) in sums {
        add.execute(params![
            signed(key.span_ms),
            signed(key.start_ms),
            key.aspect.as_str(),
            key.value,
            key.currency,
            signed(sum.requests),
            signed(sum.failed),
            signed(sum.without_usage),
            signed(sum.priced),
            signed(sum.tokens.input),
            signed(sum.tokens.output),
            signed(sum.tokens.cached),
            signed(sum.tokens.cache_write),
            signed(sum.tokens.reasoning),
            signed(sum.cost_nano.values().sum()),
            signed(sum.duration_ms),
            signed(sum.first_byte_ms),
            signed(sum.first_bytes),
        ])?;
    }
    Ok(())
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
