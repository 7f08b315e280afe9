//! The one thread that writes the ledger, and the queue before it. Nothing here can make a request wait or fail.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Entry, LedgerStore};
use crate::error::Error;

/// Requests that wait to be written; one more is not recorded.
const QUEUE_MAX: usize = 8192;
/// Requests written in one transaction.
const BATCH_MAX: usize = 1024;
/// How long requests are collected before they are written.
const BATCH_WAIT: Duration = Duration::from_secs(1);
/// How long the writer naps while it collects a batch; the queue holds what comes meanwhile.
const NAP: Duration = Duration::from_millis(20);
/// How long a file that failed is left alone.
const RETRY_WAIT: Duration = Duration::from_secs(30);
/// How often old rows are looked for.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// What happens to the ledger that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerEvent {
    /// It cannot be written; requests are served without it.
    Failed {
        /// Why.
        reason: String,
    },
    /// It can be written again.
    Works {
        /// Requests that are missing in it, since the start.
        missing: u64,
    },
    /// Requests came faster than they could be written.
    Overrun {
        /// Requests that are missing in it, since the start.
        missing: u64,
    },
}

impl fmt::Display for LedgerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { reason } => write!(f, "usage is not recorded: {reason}"),
            Self::Works { missing } => {
                write!(f, "usage is recorded again; {missing} requests are missing")
            }
            Self::Overrun { missing } => write!(
                f,
                "requests came faster than their usage could be written; {missing} are missing"
            ),
        }
    }
}

/// Told about events, on the thread that writes.
pub type Tell = Box<dyn Fn(&LedgerEvent) + Send + Sync>;

/// The ledger of a running gateway. Its file and its thread begin with the first request.
pub struct Ledger {
    path: PathBuf,
    pace: Pace,
    queue: OnceLock<Option<SyncSender<Message>>>,
    known: Arc<Known>,
}

/// What is known about the ledger from outside its thread.
struct Known {
    tell: Tell,
    written: AtomicU64,
    missing: AtomicU64,
    problem: Mutex<Option<String>>,
}

/// How the ledger is, for `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerReading {
    /// Requests that were written.
    pub written: u64,
    /// Requests that are missing.
    pub missing: u64,
    /// Why nothing is written right now.
    pub problem: Option<String>,
}

enum Message {
    Entry(Box<Entry>),
    /// Answered when everything before it was written or given up.
    Flush(SyncSender<()>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) batch: Duration,
    pub(super) retry: Duration,
}

impl Ledger {
    /// Makes the ledger at `path`; nothing is opened yet.
    pub fn new(path: PathBuf, tell: Tell) -> Self {
        let pace = Pace {
            batch: BATCH_WAIT,
            retry: RETRY_WAIT,
        };
        Self::with_pace(path, tell, pace)
    }

    pub(super) fn with_pace(path: PathBuf, tell: Tell, pace: Pace) -> Self {
        Self {
            path,
            pace,
            queue: OnceLock::new(),
            known: Arc::new(Known {
                tell,
                written: AtomicU64::new(0),
                missing: AtomicU64::new(0),
                problem: Mutex::default(),
            }),
        }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a request; returns at once, and counts it as missing when there is no room.
    pub fn record(&self, entry: Entry) {
        let queue = self.queue.get_or_init(|| self.start());
        let taken = queue
            .as_ref()
            .is_some_and(|queue| queue.try_send(Message::Entry(Box::new(entry))).is_ok());
        if !taken {
            self.known.missing.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was taken is written, at most `wait`; says whether it is.
    pub fn flush(&self, wait: Duration) -> bool {
        let Some(Some(queue)) = self.queue.get() else {
            return true;
        };
        let until = Instant::now() + wait;
        let (done, is_done) = sync_channel(1);
        let mut message = Message::Flush(done);
        // A full queue has room again after the next batch.
        while let Err(error) = queue.try_send(message) {
            let std::sync::mpsc::TrySendError::Full(back) = error else {
                return false;
            };
            if Instant::now() >= until {
                return false;
            }
            message = back;
            std::thread::sleep(Duration::from_millis(5));
        }
        is_done
            .recv_timeout(until.saturating_duration_since(Instant::now()))
            .is_ok()
    }

    /// Returns how it is.
    pub fn read(&self) -> LedgerReading {
        LedgerReading {
            written: self.known.written.load(Ordering::Relaxed),
            missing: self.known.missing.load(Ordering::Relaxed),
            problem: self.known.problem().clone(),
        }
    }

    fn start(&self) -> Option<SyncSender<Message>> {
        let (queue, messages) = sync_channel(QUEUE_MAX);
        let writer = Writer {
            path: self.path.clone(),
            pace: self.pace,
            known: Arc::clone(&self.known),
            messages,
            store: None,
            retry_at: None,
            forgotten_at: None,
            missing_told: 0,
        };
        let thread = std::thread::Builder::new().name("ledger".to_owned());
        match thread.spawn(move || writer.run()) {
            Ok(_) => Some(queue),
            Err(error) => {
                self.known
                    .failed(format!("no thread can be started: {error}"));
                None
            }
        }
    }
}

impl Known {
    fn problem(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a problem; the same one is told once.
    fn failed(&self, reason: String) {
        let before = self.problem().replace(reason.clone());
        if before.as_ref() != Some(&reason) {
            (self.tell)(&LedgerEvent::Failed { reason });
        }
    }
}

struct Writer {
    path: PathBuf,
    pace: Pace,
    known: Arc<Known>,
    messages: Receiver<Message>,
    store: Option<LedgerStore>,
    retry_at: Option<Instant>,
    forgotten_at: Option<Instant>,
    missing_told: u64,
}

impl Writer {
    /// Writes until nobody can send any more.
    fn run(mut self) {
        while let Ok(first) = self.messages.recv() {
            let (entries, flush) = self.collect(first);
            if !entries.is_empty() {
                self.write(&entries);
            }
            if let Some(done) = flush {
                // Whoever asked may have stopped waiting.
                let _ = done.try_send(());
            }
        }
    }

    /// Collects a batch: until it is full, time is up, or somebody waits for it.
    fn collect(&self, first: Message) -> (Vec<Entry>, Option<SyncSender<()>>) {
        let until = Instant::now() + self.pace.batch;
        let mut entries = Vec::new();
        let mut next = first;
        loop {
            match next {
                Message::Flush(done) => return (entries, Some(done)),
                Message::Entry(entry) => entries.push(*entry),
            }
            if entries.len() >= BATCH_MAX {
                return (entries, None);
            }
            next = match self.next_until(until) {
                Some(next) => next,
                None => return (entries, None),
            };
        }
    }

    /// Returns the next message, and nothing when time is up. It naps instead of waiting: whoever sends to a thread that
    /// waits has to wake it, which costs a request more than all the rest of this.
    fn next_until(&self, until: Instant) -> Option<Message> {
        loop {
            match self.messages.try_recv() {
                Ok(next) => return Some(next),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    std::thread::sleep(left.min(NAP));
                }
            }
        }
    }

    fn write(&mut self, entries: &[Entry]) {
        let n = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            self.known.missing.fetch_add(n, Ordering::Relaxed);
            return;
        }
        match self.try_write(entries) {
            Ok(()) => {
                self.known.written.fetch_add(n, Ordering::Relaxed);
                self.retry_at = None;
                self.tell_of_success();
            }
            Err(error) => {
                self.known.missing.fetch_add(n, Ordering::Relaxed);
                // Opened again next time: the file may have been replaced meanwhile.
                self.store = None;
                self.retry_at = Some(Instant::now() + self.pace.retry);
                self.known.failed(error.to_string());
            }
        }
    }

    fn try_write(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let store = match self.store.take() {
            Some(store) => store,
            None => LedgerStore::open(&self.path)?,
        };
        store.add(entries)?;
        let is_time = self
            .forgotten_at
            .is_none_or(|at| at.elapsed() >= FORGET_EVERY);
        if is_time && !store.forget(now_ms())? {
            self.forgotten_at = Some(Instant::now());
        }
        self.store = Some(store);
        Ok(())
    }

    fn tell_of_success(&mut self) {
        let missing = self.known.missing.load(Ordering::Relaxed);
        let was_broken = self.known.problem().take().is_some();
        if was_broken {
            (self.known.tell)(&LedgerEvent::Works { missing });
        } else if missing > self.missing_told {
            (self.known.tell)(&LedgerEvent::Overrun { missing });
        }
        self.missing_told = missing;
    }
}

fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
