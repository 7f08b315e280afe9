//! Long jobs: written down before anything is done about them, and worked on by one owner at a time.
//!
//! A job belongs to whoever holds its lease. Taking a lease raises the job's fence; every write names the fence it was made
//! under and is void under a later one, so an owner that was believed dead cannot undo what its successor did.
//!
//! The step that costs money is journalled on its own: [`JobStore::begin_submission`] is on disk before the request
//! leaves, and one job of a scope at a time is in that step. After a crash there is thus one job to find upstream.

use std::path::{Path, PathBuf};

use config::Home;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::database::{Database, Durability, Schema};
use crate::error::Error;

mod owner;

pub use owner::Owner;

/// How long a submission that nobody finished keeps others of its scope back, in milliseconds. Longer than any request.
pub const SUBMISSION_HELD_MS_MAX: u64 = 90_000;

const SCHEMA: Schema = Schema {
    migrations: &["
        CREATE TABLE job (
            id TEXT PRIMARY KEY,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            caller TEXT NOT NULL,
            idempotency_key TEXT,
            state TEXT NOT NULL,
            submission TEXT NOT NULL DEFAULT 'none',
            scope TEXT NOT NULL,
            request TEXT NOT NULL,
            progress TEXT NOT NULL DEFAULT '{}',
            upstream_id TEXT,
            created_ms INTEGER NOT NULL,
            submitted_ms INTEGER,
            updated_ms INTEGER NOT NULL,
            finished_ms INTEGER,
            deadline_ms INTEGER NOT NULL,
            cancel_wanted INTEGER NOT NULL DEFAULT 0,
            path TEXT,
            sha256 TEXT,
            bytes INTEGER,
            problem TEXT,
            owner TEXT,
            lease_until_ms INTEGER NOT NULL DEFAULT 0,
            fence INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE UNIQUE INDEX job_once ON job (caller, idempotency_key) WHERE idempotency_key IS NOT NULL;
        CREATE INDEX job_open ON job (finished_ms, number);
        CREATE INDEX job_upstream ON job (scope, upstream_id)"],
    durability: Durability::EveryCommit,
};

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Nobody works on it yet: not submitted, or waiting in the service's queue.
    Queued,
    /// The service works on it.
    Running,
    /// The service is done; the result is not here yet.
    Generated,
    /// The result is here.
    Stored,
    /// The result was handed to whoever asked for it.
    Delivered,
    /// The service refused or failed.
    Failed,
    /// Given up on request.
    Cancelled,
    /// What became of it can no longer be found out.
    Lost,
}

/// How far the one step that must not happen twice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submission {
    /// Nothing was sent.
    None,
    /// The request may have been sent; the service's id is not known.
    Started,
    /// The service's id is known.
    Done,
}

/// One job. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id, which cannot be guessed.
    pub id: String,
    /// Its place in the order of creation.
    pub number: u64,
    /// What it is for.
    pub kind: String,
    /// Whom it belongs to.
    pub caller: String,
    /// How far it is.
    pub state: JobState,
    /// How far its submission is.
    pub submission: Submission,
    /// What its submission shares with others.
    pub scope: String,
    /// What is asked, as its owner wrote it.
    pub request: String,
    /// How it is going, as its owner wrote it.
    pub progress: String,
    /// Its id at the service.
    pub upstream_id: Option<String>,
    /// When it was written down.
    pub created_ms: u64,
    /// When its submission began.
    pub submitted_ms: Option<u64>,
    /// When it last changed.
    pub updated_ms: u64,
    /// When it ended.
    pub finished_ms: Option<u64>,
    /// When it must have ended.
    pub deadline_ms: u64,
    /// Whether somebody wants it to end.
    pub cancel_wanted: bool,
    /// Where the result is.
    pub path: Option<String>,
    /// Checksum of the result, in hexadecimal digits.
    pub sha256: Option<String>,
    /// Size of the result.
    pub bytes: Option<u64>,
    /// Why it failed or was lost.
    pub problem: Option<String>,
    /// Who works on it.
    pub owner: Option<String>,
}

/// A job that is about to be written down.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'a> {
    /// Its id, which cannot be guessed.
    pub id: &'a str,
    /// What it is for.
    pub kind: &'a str,
    /// Whom it belongs to.
    pub caller: &'a str,
    /// The same key from the same caller is the same job.
    pub idempotency_key: Option<&'a str>,
    /// What its submission shares with others.
    pub scope: &'a str,
    /// What is asked.
    pub request: &'a str,
    /// When it must have ended.
    pub deadline_ms: u64,
}

/// The right to work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: String,
    owner: String,
    fence: u64,
}

/// What changes in a job; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobChange {
    /// How far it is; an end is dated.
    pub state: Option<JobState>,
    /// How far its submission is.
    pub submission: Option<Submission>,
    /// What its submission shares with others.
    pub scope: Option<String>,
    /// How it is going.
    pub progress: Option<String>,
    /// Its id at the service; the inner none forgets it.
    pub upstream_id: Option<Option<String>>,
    /// Where the result is, its checksum and its size.
    pub result: Option<(String, String, u64)>,
    /// Why it failed or was lost; the inner none forgets it.
    pub problem: Option<Option<String>>,
    /// What is said about cancelling from now on.
    pub cancel_wanted: Option<bool>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter<'a> {
    /// Only those of one caller.
    pub caller: Option<&'a str>,
    /// Only those that have not ended.
    pub open_only: bool,
    /// Only those created before this one.
    pub before: Option<u64>,
    /// Oldest first instead of newest first, and then those after `before`.
    pub oldest_first: bool,
    /// Most rows.
    pub limit: u32,
}

/// The jobs of a home.
#[derive(Debug)]
pub struct JobStore {
    database: Database,
}

impl JobState {
    /// Returns the name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Generated => "generated",
            Self::Stored => "stored",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    /// Says whether there is nothing left to do.
    pub fn is_end(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Generated => false,
            Self::Stored | Self::Delivered | Self::Failed | Self::Cancelled | Self::Lost => true,
        }
    }

    /// Says whether the result is here.
    pub fn has_result(self) -> bool {
        matches!(self, Self::Stored | Self::Delivered)
    }

    fn parse(text: &str) -> Self {
        match text {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "generated" => Self::Generated,
            "stored" => Self::Stored,
            "delivered" => Self::Delivered,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            _ => Self::Lost,
        }
    }
}

impl Submission {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Started => "started",
            Self::Done => "done",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "none" => Self::None,
            "done" => Self::Done,
            _ => Self::Started,
        }
    }
}

impl JobStore {
    /// Returns where the jobs of `home` are kept.
    pub fn path(home: &Home) -> PathBuf {
        crate::folder(home).join("jobs.sqlite")
    }

    /// Opens the jobs; the file is made when there is none.
    ///
    /// # Errors
    /// Those of [`Database::open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let database = Database::open(path, &SCHEMA)?;
        Ok(Self { database })
    }

    /// Opens the jobs for reading; `None` when there are none.
    ///
    /// # Errors
    /// Those of [`Database::open_read_only`].
    pub fn open_read_only(path: &Path) -> Result<Option<Self>, Error> {
        let database = Database::open_read_only(path, &SCHEMA)?;
        Ok(database.map(|database| Self { database }))
    }

    /// Writes a job down, with the right to work on it for `owner`; returns the job that is there already for the same
    /// caller and idempotency key, then without a lease.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn insert(
        &self,
        new: &NewJob<'_>,
        lease: Option<(&str, u64)>,
        now_ms: u64,
    ) -> Result<(Job, Option<Lease>), Error> {
        self.database.write(|tables| {
            if let Some(key) = new.idempotency_key
                && let Some(known) = tables
                    .query_row(
                        "SELECT * FROM job WHERE caller = ?1 AND idempotency_key = ?2",
                        params![new.caller, key],
                        job,
                    )
                    .optional()?
            {
                return Ok((known, None));
            }
            let (owner, until_ms) = lease.map_or((None, 0), |(owner, until)| (Some(owner), until));
            tables.execute(
                "INSERT INTO job (id, number, kind, caller, idempotency_key, state, scope, request, created_ms,
                 updated_ms, deadline_ms, owner, lease_until_ms, fence)
                 VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM job), ?2, ?3, ?4, 'queued', ?5, ?6, ?7, ?7, ?8,
                 ?9, ?10, 1)",
                params![
                    new.id, new.kind, new.caller, new.idempotency_key, new.scope, new.request,
                    signed(now_ms), signed(new.deadline_ms), owner, signed(until_ms)
                ],
            )?;
            let lease = owner.map(|owner| Lease {
                job: new.id.to_owned(),
                owner: owner.to_owned(),
                fence: 1,
            });
            Ok((by_id(tables, new.id)?, lease))
        })
    }

    /// Returns a job.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn get(&self, id: &str) -> Result<Option<Job>, Error> {
        self.database.read(|tables| by_id(tables, id).optional())
    }

    /// Returns jobs, newest first unless told otherwise.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn list(&self, filter: JobFilter<'_>) -> Result<Vec<Job>, Error> {
        let (order, beyond) = if filter.oldest_first {
            ("ASC", "number > ?3")
        } else {
            ("DESC", "number < ?3")
        };
        let sql = format!(
            "SELECT * FROM job WHERE (?1 IS NULL OR caller = ?1) AND (NOT ?2 OR finished_ms IS NULL)
             AND (?3 IS NULL OR {beyond}) ORDER BY number {order} LIMIT ?4"
        );
        self.database.read(|tables| {
            let mut statement = tables.prepare(&sql)?;
            let before = filter.before.map(signed);
            let rows = statement.query_map(
                params![filter.caller, filter.open_only, before, filter.limit],
                job,
            )?;
            rows.collect()
        })
    }

    /// Takes the right to work on an open job that nobody works on, the oldest first; `id` names the only one to take. A
    /// lease counts for nothing once it has run out, or `is_dead` says that its owner is gone.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn take(
        &self,
        id: Option<&str>,
        owner: &str,
        times: (u64, u64),
        is_dead: impl Fn(&str) -> bool,
    ) -> Result<Option<(Job, Lease)>, Error> {
        self.take_where((id, None), owner, times, is_dead)
    }

    /// Takes the right to work on a job of `scope` that was left in the middle of its submission, as [`Self::take`] does.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn take_submitting(
        &self,
        scope: &str,
        owner: &str,
        times: (u64, u64),
        is_dead: impl Fn(&str) -> bool,
    ) -> Result<Option<(Job, Lease)>, Error> {
        self.take_where((None, Some(scope)), owner, times, is_dead)
    }

    fn take_where(
        &self,
        (id, submitting): (Option<&str>, Option<&str>),
        owner: &str,
        (now_ms, until_ms): (u64, u64),
        is_dead: impl Fn(&str) -> bool,
    ) -> Result<Option<(Job, Lease)>, Error> {
        self.database.write(|tables| {
            let mut statement = tables.prepare(
                "SELECT id, owner, lease_until_ms FROM job WHERE finished_ms IS NULL AND (?1 IS NULL OR id = ?1)
                 AND owner IS NOT ?2 AND (?3 IS NULL OR (scope = ?3 AND submission = 'started')) ORDER BY number",
            )?;
            let mut rows = statement.query(params![id, owner, submitting])?;
            while let Some(row) = rows.next()? {
                let (found, held): (String, Option<String>) = (row.get(0)?, row.get(1)?);
                let is_held = unsigned(row.get(2)?) > now_ms;
                let is_free = held.is_none_or(|held| !is_held || is_dead(&held));
                if !is_free {
                    continue;
                }
                tables.execute(
                    "UPDATE job SET owner = ?2, lease_until_ms = ?3, fence = fence + 1 WHERE id = ?1",
                    params![found, owner, signed(until_ms)],
                )?;
                let fence = tables.query_row(
                    "SELECT fence FROM job WHERE id = ?1",
                    [&found],
                    |row| row.get(0),
                )?;
                let lease = Lease {
                    job: found.clone(),
                    owner: owner.to_owned(),
                    fence: unsigned(fence),
                };
                return Ok(Some((by_id(tables, &found)?, lease)));
            }
            Ok(None)
        })
    }

    /// Keeps the right to work on jobs until `until_ms`; returns how many are still held.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn renew(&self, owner: &str, until_ms: u64) -> Result<usize, Error> {
        self.database.write(|tables| {
            tables.execute(
                "UPDATE job SET lease_until_ms = ?2 WHERE owner = ?1 AND finished_ms IS NULL",
                params![owner, signed(until_ms)],
            )
        })
    }

    /// Gives the right to work on a job back; nothing happens under a later fence.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn release(&self, lease: &Lease) -> Result<(), Error> {
        self.database.write(|tables| {
            tables.execute(
                "UPDATE job SET owner = NULL, lease_until_ms = 0 WHERE id = ?1 AND owner = ?2 AND fence = ?3",
                params![lease.job, lease.owner, signed(lease.fence)],
            )?;
            Ok(())
        })
    }

    /// Writes down that the request is about to be sent; on disk when this returns. False when another job of the same
    /// scope is in this very step, or the lease is lost: then nothing may be sent.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn begin_submission(&self, lease: &Lease, now_ms: u64) -> Result<bool, Error> {
        let since_ms = now_ms.saturating_sub(SUBMISSION_HELD_MS_MAX);
        self.database.write(|tables| {
            let changed = tables.execute(
                "UPDATE job SET submission = 'started', submitted_ms = ?4, updated_ms = ?4
                 WHERE id = ?1 AND owner = ?2 AND fence = ?3 AND submission = 'none' AND NOT EXISTS
                 (SELECT 1 FROM job AS other WHERE other.scope = job.scope AND other.submission = 'started'
                  AND other.finished_ms IS NULL AND other.submitted_ms > ?5)",
                params![lease.job, lease.owner, signed(lease.fence), signed(now_ms), signed(since_ms)],
            )?;
            Ok(changed == 1)
        })
    }

    /// Changes a job and returns it; none when the lease is lost, then nothing changed.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn update(
        &self,
        lease: &Lease,
        change: &JobChange,
        now_ms: u64,
    ) -> Result<Option<Job>, Error> {
        self.database.write(|tables| {
            let held = tables
                .query_row(
                    "SELECT * FROM job WHERE id = ?1 AND owner = ?2 AND fence = ?3",
                    params![lease.job, lease.owner, signed(lease.fence)],
                    job,
                )
                .optional()?;
            let Some(before) = held else { return Ok(None) };
            write(tables, before, change, now_ms)?;
            by_id(tables, &lease.job).map(Some)
        })
    }

    /// Notes that the result was handed over.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn delivered(&self, id: &str, now_ms: u64) -> Result<(), Error> {
        self.database.write(|tables| {
            tables.execute(
                "UPDATE job SET state = 'delivered', updated_ms = ?2 WHERE id = ?1 AND state = 'stored'",
                params![id, signed(now_ms)],
            )?;
            Ok(())
        })
    }

    /// Notes that somebody wants a job to end; its owner sees to it. Returns the job.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn want_cancel(&self, id: &str, now_ms: u64) -> Result<Option<Job>, Error> {
        self.database.write(|tables| {
            tables.execute(
                "UPDATE job SET cancel_wanted = 1, updated_ms = ?2 WHERE id = ?1 AND finished_ms IS NULL",
                params![id, signed(now_ms)],
            )?;
            by_id(tables, id).optional()
        })
    }

    /// Forgets a job that has ended; says whether it did.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn forget(&self, id: &str) -> Result<bool, Error> {
        self.database.write(|tables| {
            let sql = "DELETE FROM job WHERE id = ?1 AND finished_ms IS NOT NULL";
            Ok(tables.execute(sql, [id])? == 1)
        })
    }

    /// Says whether a job of this home has an id of the service.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn knows_upstream(&self, upstream_id: &str) -> Result<bool, Error> {
        self.database.read(|tables| {
            tables.query_row(
                "SELECT EXISTS (SELECT 1 FROM job WHERE upstream_id = ?1)",
                [upstream_id],
                |row| row.get(0),
            )
        })
    }

    /// Returns how long the latest jobs of a scope took from their submission to their end, in milliseconds.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn usual_ms(&self, scope: &str) -> Result<Option<u64>, Error> {
        let usual: Option<f64> = self.database.read(|tables| {
            tables.query_row(
                "SELECT avg(finished_ms - submitted_ms) FROM (SELECT * FROM job WHERE scope = ?1
                 AND sha256 IS NOT NULL AND submitted_ms IS NOT NULL ORDER BY number DESC LIMIT 10)",
                [scope],
                |row| row.get(0),
            )
        })?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an average of times that passed"
        )]
        Ok(usual.map(|usual| usual.max(0.0) as u64))
    }
}

fn write(
    tables: &Connection,
    before: Job,
    change: &JobChange,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let state = change.state.unwrap_or(before.state);
    let ended = state
        .is_end()
        .then_some(before.finished_ms.unwrap_or(now_ms));
    let result = change.result.as_ref();
    let path = result.map(|(path, _, _)| path.clone()).or(before.path);
    let sha256 = result
        .map(|(_, sha256, _)| sha256.clone())
        .or(before.sha256);
    let bytes = result.map(|(_, _, bytes)| *bytes).or(before.bytes);
    tables.execute(
        "UPDATE job SET state = ?2, submission = ?3, scope = ?4, progress = ?5, upstream_id = ?6, path = ?7, sha256 = ?8,
         bytes = ?9, problem = ?10, cancel_wanted = ?11, finished_ms = ?12, updated_ms = ?13 WHERE id = ?1",
        params![
            before.id,
            state.as_str(),
            change.submission.unwrap_or(before.submission).as_str(),
            change.scope.as_ref().unwrap_or(&before.scope),
            change.progress.as_ref().unwrap_or(&before.progress),
            change.upstream_id.as_ref().unwrap_or(&before.upstream_id),
            path,
            sha256,
            bytes.map(signed),
            change.problem.as_ref().unwrap_or(&before.problem),
            change.cancel_wanted.unwrap_or(before.cancel_wanted),
            ended.map(signed),
            signed(now_ms),
        ],
    )?;
    Ok(())
}

fn by_id(tables: &Connection, id: &str) -> rusqlite::Result<Job> {
    tables.query_row("SELECT * FROM job WHERE id = ?1", [id], job)
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let text = |name: &str| row.get::<_, String>(name);
    let time = |name: &str| row.get::<_, Option<i64>>(name).map(|at| at.map(unsigned));
    Ok(Job {
        id: text("id")?,
        number: time("number")?.unwrap_or_default(),
        kind: text("kind")?,
        caller: text("caller")?,
        state: JobState::parse(&text("state")?),
        submission: Submission::parse(&text("submission")?),
        scope: text("scope")?,
        request: text("request")?,
        progress: text("progress")?,
        upstream_id: row.get("upstream_id")?,
        created_ms: time("created_ms")?.unwrap_or_default(),
        submitted_ms: time("submitted_ms")?,
        updated_ms: time("updated_ms")?.unwrap_or_default(),
        finished_ms: time("finished_ms")?,
        deadline_ms: time("deadline_ms")?.unwrap_or_default(),
        cancel_wanted: row.get("cancel_wanted")?,
        path: row.get("path")?,
        sha256: row.get("sha256")?,
        bytes: time("bytes")?,
        problem: row.get("problem")?,
        owner: row.get("owner")?,
    })
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
