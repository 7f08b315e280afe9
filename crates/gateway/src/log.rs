//! The gateway's log: one JSON object per line, in the home, never in a shared temporary folder.
//!
//! Lines are collected in memory and written in batches, so a request never waits for the disk. The file name does
//! not contain the date: a follower cannot look at the wrong day's file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

mod tracing_layer;

pub use tracing_layer::LogLayer;

/// Bytes of unwritten log kept in memory; beyond it lines are dropped and counted.
pub const PENDING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long lines are collected before they are written.
pub const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// Rotated files kept beside the current one: `openclaw.log.1` is the newest.
pub const ROTATED_FILES: u32 = 5;
/// Size at which the file is rotated when `logging.maxFileBytes` says nothing, in bytes.
pub const FILE_BYTES_DEFAULT: u64 = 100 * 1024 * 1024;

/// Severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Detail for developers.
    Trace,
    /// One request.
    Debug,
    /// Life of the service.
    Info,
    /// Degraded.
    Warn,
    /// Someone must act.
    Error,
}

/// Shows lines to a person while the gateway runs in the foreground.
pub type Console = Box<dyn Fn(Level, &str) + Send + Sync>;

/// The log of one gateway process. Cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    path: PathBuf,
    file_bytes_max: u64,
    level: Level,
    pid: u32,
    pending: Mutex<Pending>,
    wake: Notify,
    console: Option<Console>,
}

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    dropped_lines: u64,
    clock: Clock,
}

/// The current second as text, since many lines share one.
#[derive(Default)]
struct Clock {
    second: i64,
    text: String,
}

impl Clock {
    /// Appends `now` in RFC 3339 with milliseconds, in UTC.
    fn stamp(&mut self, now: jiff::Timestamp, to: &mut Vec<u8>) {
        if self.second != now.as_second() || self.text.is_empty() {
            self.second = now.as_second();
            self.text = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        }
        to.extend_from_slice(self.text.as_bytes());
        // Writing to a vector cannot fail.
        let _ = write!(to, ".{:03}Z", now.subsec_millisecond());
    }
}

impl Log {
    /// Opens nothing yet: the file is created when the first lines are written.
    pub fn new(path: PathBuf, file_bytes_max: u64, level: Level, console: Option<Console>) -> Self {
        Self(Arc::new(Inner {
            path,
            file_bytes_max,
            level,
            pid: std::process::id(),
            pending: Mutex::default(),
            wake: Notify::new(),
            console,
        }))
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Says whether lines of `level` are kept.
    pub fn keeps(&self, level: Level) -> bool {
        level >= self.0.level
    }

    /// Adds a line with the members of `fields`.
    pub fn write<T: Serialize>(&self, level: Level, subsystem: &str, message: &str, fields: &T) {
        if !self.keeps(level) {
            return;
        }
        let mut pending = self
            .0
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let was_empty = pending.bytes.is_empty();
        if pending.bytes.len() > PENDING_BYTES_MAX {
            pending.dropped_lines += 1;
        } else {
            let start = pending.bytes.len();
            if self
                .line(&mut pending, (level, subsystem, message), fields)
                .is_err()
            {
                pending.bytes.truncate(start);
            }
        }
        drop(pending);
        if was_empty {
            self.0.wake.notify_one();
        }
        if let Some(console) = &self.0.console
            && level >= Level::Info
        {
            console(level, message);
        }
    }

    /// Appends one line: the members every line has, then those of `fields`.
    fn line<T: Serialize>(
        &self,
        pending: &mut Pending,
        (level, subsystem, message): (Level, &str, &str),
        fields: &T,
    ) -> serde_json::Result<()> {
        let Pending { bytes, clock, .. } = pending;
        bytes.extend_from_slice(b"{\"time\":\"");
        clock.stamp(jiff::Timestamp::now(), bytes);
        bytes.extend_from_slice(b"\",\"level\":");
        serde_json::to_writer(&mut *bytes, &level)?;
        bytes.extend_from_slice(b",\"subsystem\":");
        serde_json::to_writer(&mut *bytes, subsystem)?;
        bytes.extend_from_slice(b",\"message\":");
        serde_json::to_writer(&mut *bytes, message)?;
        let _ = write!(bytes, ",\"pid\":{}", self.0.pid);
        let open = bytes.len();
        serde_json::to_writer(&mut *bytes, fields)?;
        if matches!(bytes.get(open..), Some([b'{', b'"', ..])) {
            // The object's own brace becomes the comma between the two groups of members.
            bytes
                .iter_mut()
                .skip(open)
                .take(1)
                .for_each(|brace| *brace = b',');
        } else {
            bytes.truncate(open);
            bytes.push(b'}');
        }
        bytes.push(b'\n');
        Ok(())
    }

    /// Writes batches until `stop` completes, then writes what is left.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = self.0.wake.notified() => {}
            }
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(FLUSH_EVERY) => {}
            }
            self.flush_on_blocking_thread().await;
        }
        self.flush_on_blocking_thread().await;
    }

    async fn flush_on_blocking_thread(&self) {
        let log = self.clone();
        // A panic or cancellation here can only lose a batch of log lines.
        let _ = tokio::task::spawn_blocking(move || log.flush()).await;
    }

    /// Writes what is pending now.
    pub fn flush(&self) {
        let batch = std::mem::take(
            &mut *self
                .0
                .pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        if batch.bytes.is_empty() && batch.dropped_lines == 0 {
            return;
        }
        let written = self.append(&batch.bytes);
        if batch.dropped_lines > 0 || written.is_err() {
            let lost = serde_json::json!({"droppedLines": batch.dropped_lines, "writeFailed": written.is_err()});
            self.write(Level::Warn, "log", "log lines were lost", &lost);
        }
    }

    fn append(&self, bytes: &[u8]) -> std::io::Result<()> {
        let path = &self.0.path;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = open_private(path)?;
        if file.metadata()?.len() + bytes.len() as u64 > self.0.file_bytes_max {
            drop(file);
            rotate(path)?;
            file = open_private(path)?;
        }
        file.write_all(bytes)
    }
}

fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Shifts `openclaw.log` to `.1`, `.1` to `.2`, and so on; the oldest is overwritten.
fn rotate(path: &Path) -> std::io::Result<()> {
    let name = |n: u32| {
        if n == 0 {
            path.to_owned()
        } else {
            PathBuf::from(format!("{}.{n}", path.display()))
        }
    };
    for n in (0..ROTATED_FILES).rev() {
        if name(n).exists() {
            std::fs::rename(name(n), name(n + 1))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json_and_rotation_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/openclaw.log");
        let log = Log::new(path.clone(), 200, Level::Info, None);
        for n in 0..3 {
            log.write(Level::Info, "test", "hello", &serde_json::json!({"n": n}));
            log.write(Level::Debug, "test", "not kept", &serde_json::json!({}));
            log.flush();
        }
        let mut seen = Vec::new();
        for file in ["openclaw.log.2", "openclaw.log.1", "openclaw.log"] {
            let Ok(text) = std::fs::read_to_string(folder.path().join("logs").join(file)) else {
                continue;
            };
            for line in text.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["message"], "hello");
                seen.push(line["n"].as_u64().unwrap());
            }
        }
        assert_eq!(seen, [0, 1, 2]);
        assert!(
            folder.path().join("logs/openclaw.log.1").exists(),
            "rotated at 200 bytes"
        );
    }
}
