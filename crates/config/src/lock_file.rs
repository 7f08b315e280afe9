//! A lock that `OpenClaw` understands: `<file>.lock`, created exclusively, with the owner in it.
//!
//! An operating system lock would be simpler, but the original program would not see it. Its rules are kept: the file
//! holds `{"pid", "createdAt"}`; it is stale when that process is gone or it is older than [`LOCK_STALE_AFTER`].
//!
//! Taking over a stale lock is where such schemes usually break: two processes see the same stale file, the first
//! replaces it, and the second deletes the first one's new lock. Here the file may only be deleted by a process that
//! holds the operating system's lock on that very file and has read it again.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::error::Error;
use crate::file;

/// The age after which a lock counts as abandoned, also when its process lives. No holder may work longer than this
/// under one lock.
pub const LOCK_STALE_AFTER: Duration = Duration::from_secs(30);

/// The age after which a lock without a process in it counts as abandoned; writing one takes microseconds.
const UNNAMED_STALE_AFTER: Duration = Duration::from_secs(2);

/// The first wait between two tries; it doubles each time.
const WAIT_FIRST: Duration = Duration::from_millis(20);
/// The longest wait between two tries.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// How much younger than its lock a process may look: the two ages come from different clocks.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);
/// The largest lock file that is read, in bytes.
const CONTENT_BYTES_MAX: u64 = 4096;

/// A lock that this process holds; dropping it releases it.
#[derive(Debug)]
pub struct LockFile {
    path: PathBuf,
    content: String,
}

impl LockFile {
    /// Takes the lock of `file`, waiting up to `deadline` for another holder.
    ///
    /// # Errors
    /// [`Error::Locked`] when the deadline passes, [`Error::Io`] when the lock file cannot be created.
    pub fn acquire(file: &Path, deadline: Duration) -> Result<Self, Error> {
        let path = Self::path_of(file);
        let start = Instant::now();
        let mut wait = WAIT_FIRST;
        loop {
            if let Some(lock) = Self::try_create(&path)? {
                return Ok(lock);
            }
            let found = Found::read(&path);
            let holder = found.as_ref().and_then(|found| found.pid);
            if found.is_some_and(|found| found.is_stale() && found.remove(&path)) {
                continue;
            }
            let left = deadline.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::Locked { path, holder });
            }
            std::thread::sleep(jittered(wait).min(left));
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    /// Returns the lock file that belongs to a file: the same name with `.lock`.
    pub fn path_of(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".lock");
        PathBuf::from(name)
    }

    /// Says whether a lock file was left behind by a process that is gone, or is too old to be held.
    pub fn is_abandoned(path: &Path) -> bool {
        Found::read(path).is_some_and(|found| found.is_stale())
    }

    /// Creates the lock with its owner already in it, so that a process killed at any moment leaves no lock that nobody
    /// can be asked about.
    fn try_create(path: &Path) -> Result<Option<Self>, Error> {
        if path.symlink_metadata().is_ok() {
            return Ok(None);
        }
        let pid = std::process::id();
        let content = format!(
            "{{\n  \"pid\": {pid},\n  \"createdAt\": \"{}\"\n}}",
            timestamp(SystemTime::now())
        );
        let mut ready = file::temporary_for(path)?;
        ready
            .write_all(content.as_bytes())
            .map_err(Error::io("write the lock", path))?;
        match ready.persist_noclobber(path) {
            Ok(_) => Ok(Some(Self {
                path: path.to_owned(),
                content,
            })),
            Err(error) if is_taken(&error.error) => Ok(None),
            Err(error) => Err(Error::io("create the lock", path)(error.error)),
        }
    }
}

/// Tells whether a lock could not be created because of another process: it has the lock, or swept the temporary file
/// away while it had it. Windows answers `PermissionDenied` while a deleted file is still open somewhere.
fn is_taken(error: &std::io::Error) -> bool {
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotFound => true,
        ErrorKind::PermissionDenied => cfg!(windows),
        _ => false,
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // After a long sleep of the machine another process may have taken the lock over: then it is not ours.
        if fs::read_to_string(&self.path).is_ok_and(|content| content == self.content) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A lock file that somebody else made.
struct Found {
    file: File,
    content: String,
    pid: Option<u32>,
    age: Duration,
}

impl Found {
    /// Returns `None` when the file is gone or cannot be read.
    fn read(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let content = read_content(&mut file)?;
        let value: Value = serde_json::from_str(&content).unwrap_or_default();
        let pid = value
            .get("pid")
            .and_then(Value::as_u64)
            .and_then(|pid| u32::try_from(pid).ok());
        // The time in the file is the owner's claim; the file system's is the same for every reader.
        let modified = file
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()?;
        let age = SystemTime::now()
            .duration_since(modified)
            .unwrap_or_default();
        Some(Self {
            file,
            content,
            pid,
            age,
        })
    }

    fn is_stale(&self) -> bool {
        match self.pid {
            Some(pid) => self.age > LOCK_STALE_AFTER || !is_owner(pid, self.age),
            // Another program may still be writing it; one that was killed never will.
            None => self.age > UNNAMED_STALE_AFTER,
        }
    }

    /// Deletes the file, if it is still the one that was judged stale; returns whether it did.
    fn remove(self, path: &Path) -> bool {
        // Whoever has this lock is about to delete the file; then there is nothing left to do.
        if self.file.try_lock().is_err() {
            return false;
        }
        let unchanged = read_again(path).is_some_and(|content| content == self.content);
        unchanged && is_same_file(&self.file, path) && fs::remove_file(path).is_ok()
    }
}

fn read_again(path: &Path) -> Option<String> {
    read_content(&mut File::open(path).ok()?)
}

fn read_content(file: &mut File) -> Option<String> {
    let mut content = Vec::new();
    file.take(CONTENT_BYTES_MAX)
        .read_to_end(&mut content)
        .ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(open), Ok(named)) if id(&open) == id(&named))
}

/// The content, with pid and time, has been compared already.
#[cfg(not(unix))]
fn is_same_file(_file: &File, _path: &Path) -> bool {
    true
}

/// Returns whether a process may be the owner of a lock of this age; where that cannot be told, only the age counts.
///
/// A process that is younger than the lock got the number of a dead one. In containers, where every run starts with
/// the same few numbers, that is the rule after a crash.
fn is_owner(pid: u32, lock_age: Duration) -> bool {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return true;
    }
    let Ok(stat) = fs::read_to_string(processes.join(pid.to_string()).join("stat")) else {
        return processes.join(pid.to_string()).exists();
    };
    let uptime = fs::read_to_string(processes.join("uptime")).unwrap_or_default();
    process_age(&stat, &uptime).is_none_or(|age| lock_age <= age + CLOCK_TOLERANCE)
}

/// Returns the age of a process from its `stat` and the system's `uptime` (proc(5)).
fn process_age(stat: &str, uptime: &str) -> Option<Duration> {
    /// Ticks per second, the same on every Linux of today.
    const TICKS: u64 = 100;
    // The name in parentheses may contain blanks; the start time is the 20th field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let started = Duration::from_millis(ticks * 1000 / TICKS);
    let up: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(up).ok()?.checked_sub(started)
}

/// Spreads waiting processes: half to all of `wait`.
fn jittered(wait: Duration) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let share = (now.subsec_nanos() ^ std::process::id().wrapping_mul(2_654_435_761)) % 512;
    wait / 2 + wait * share / 1024
}

/// Returns a time as `2026-11-20T10:33:42.193Z`, the form in which `OpenClaw` writes `createdAt`.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date of the Gregorian calendar, in years that begin in March (so that a leap day comes last) and
    // eras of 400 years, 719 468 days before 1970 being 0000-03-01.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    struct Folder {
        folder: tempfile::TempDir,
    }

    impl Folder {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
            }
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("openclaw.json")
        }

        fn put_lock(&self, content: &str, age: Duration) {
            let path = LockFile::path_of(&self.file());
            fs::write(&path, content).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
    }

    #[test]
    fn excludes_and_releases() {
        let folder = Folder::new();
        let lock = LockFile::acquire(&folder.file(), NOW).unwrap();
        let error = LockFile::acquire(&folder.file(), NOW).unwrap_err();
        assert!(
            matches!(error, Error::Locked { holder: Some(pid), .. } if pid == std::process::id())
        );
        drop(lock);
        assert!(!LockFile::path_of(&folder.file()).exists());
        LockFile::acquire(&folder.file(), NOW).unwrap();
    }

    #[test]
    fn takes_over_from_the_dead_and_the_old() {
        let dead = r#"{"pid": 4294967295, "createdAt": "2026-01-01T00:00:00.000Z"}"#;
        let alive = format!(r#"{{"pid": {}, "createdAt": "x"}}"#, std::process::id());
        let old = LOCK_STALE_AFTER + Duration::from_secs(5);
        let cases = [
            (alive.as_str(), old, true),
            (alive.as_str(), NOW, false),
            ("", NOW, false),
            ("", old, true),
        ];
        for (content, age, free) in cases {
            let folder = Folder::new();
            folder.put_lock(content, age);
            assert_eq!(
                LockFile::acquire(&folder.file(), NOW).is_ok(),
                free,
                "{content:?} {age:?}"
            );
        }
        if cfg!(target_os = "linux") {
            let folder = Folder::new();
            folder.put_lock(dead, NOW);
            LockFile::acquire(&folder.file(), NOW).unwrap();
        }
    }

    #[test]
    fn tells_the_age_of_a_process() {
        let stat = "7 (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
        let age = process_age(stat, "200.45 300.00\n");
        assert_eq!(age, Some(Duration::from_secs(77)));
        assert_eq!(process_age("7 (a) S 1", "200.45 1"), None);
        let owner = |age| is_owner(std::process::id(), age);
        assert!(owner(Duration::ZERO));
        if cfg!(target_os = "linux") {
            assert!(!owner(Duration::from_hours(1_000_000)));
        }
    }

    #[test]
    fn a_lock_that_was_taken_over_is_not_released_by_its_old_owner() {
        let folder = Folder::new();
        let lock = LockFile::acquire(&folder.file(), NOW).unwrap();
        folder.put_lock("{\"pid\": 1}", NOW);
        drop(lock);
        assert!(LockFile::path_of(&folder.file()).exists());
    }

    #[test]
    fn a_stale_file_that_was_replaced_meanwhile_is_left_alone() {
        let folder = Folder::new();
        folder.put_lock("old", LOCK_STALE_AFTER * 2);
        let path = LockFile::path_of(&folder.file());
        let found = Found::read(&path).unwrap();
        assert!(found.is_stale());
        fs::remove_file(&path).unwrap();
        let fresh = LockFile::acquire(&folder.file(), NOW).unwrap();
        found.remove(&path);
        assert_eq!(fs::read_to_string(&path).unwrap(), fresh.content);
    }

    #[test]
    fn only_one_of_many_holds_it() {
        let folder = Folder::new();
        folder.put_lock("stale", LOCK_STALE_AFTER * 2);
        let inside = std::sync::atomic::AtomicUsize::new(0);
        let file = folder.file();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let _lock = LockFile::acquire(&file, Duration::from_secs(20)).unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn writes_times_like_openclaw() {
        let at = |millis| timestamp(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_795_170_822_193), "2026-11-20T10:33:42.193Z");
        assert_eq!(at(4_107_542_399_999), "2100-02-28T23:59:59.999Z");
    }
}
