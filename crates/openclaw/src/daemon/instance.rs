//! One gateway per home: `<state>/gateway.lock`, locked by the operating system for as long as the gateway lives.
//!
//! The kernel releases the lock with the process, however it ends, so there is nothing to guess about a stale one: what
//! a dead gateway wrote into the file only tells that it did not end in order. The file is never deleted, since another
//! process may be about to lock it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use config::Home;
use serde::{Deserialize, Serialize};

use crate::exit_code::Exit;
use crate::failed::Failed;

/// Who looks at a lock holds it for a moment; that long is waited for those.
const ACQUIRE_MAX: Duration = Duration::from_millis(500);
/// How often is tried meanwhile.
const ACQUIRE_EVERY: Duration = Duration::from_millis(20);
/// The largest description of a holder, in bytes.
const CONTENT_BYTES_MAX: u64 = 16 * 1024;

/// Who serves a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holder {
    /// Its process.
    pub(crate) pid: u32,
    /// When it started, as RFC 3339.
    pub(crate) created_at: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pub(crate) state_dir: PathBuf,
    pub(crate) config_path: PathBuf,
    pub(crate) version: String,
}

/// What a look at the lock found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Instance {
    /// Nobody serves this home.
    None,
    /// A gateway does; who, is not known in the moment before it says so, and where locked files cannot be read.
    Running(Option<Holder>),
}

/// The lock, held by this process.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    file: File,
    /// The gateway before this one, when it did not end in order.
    pub(crate) left_behind: Option<Holder>,
}

impl Holder {
    /// Describes this process.
    pub(crate) fn this(home: &Home, address: SocketAddr) -> Self {
        Self {
            pid: std::process::id(),
            created_at: jiff::Timestamp::now().to_string(),
            address,
            state_dir: home.state_dir().to_owned(),
            config_path: home.config_path().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn read(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(CONTENT_BYTES_MAX)
            .read_to_string(&mut text)
            .ok()?;
        serde_json::from_str(&text).ok()
    }
}

impl Instance {
    /// Looks who serves a home; writes nothing.
    pub(crate) fn of(home: &Home) -> Self {
        let Ok(mut file) = File::open(path(home)) else {
            return Self::None;
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Self::Running(Holder::read(&mut file)),
            Ok(()) | Err(TryLockError::Error(_)) => Self::None,
        }
    }

    /// Returns who serves the home, when that is known.
    pub(crate) fn holder(&self) -> Option<&Holder> {
        match self {
            Self::Running(holder) => holder.as_ref(),
            Self::None => None,
        }
    }

    /// Refuses a second gateway.
    pub(crate) fn refuse_another(&self, home: &Home, is_service: bool) -> Result<(), Failed> {
        let Self::Running(holder) = self else {
            return Ok(());
        };
        let folder = home.display(home.state_dir());
        let who = match holder {
            Some(holder) => format!(
                "process {} at {} since {}",
                holder.pid, holder.address, holder.created_at
            ),
            None => "a process that is just starting".to_owned(),
        };
        let message = format!("a gateway serves {folder} already: {who}");
        let exit = if is_service {
            Exit::Duplicate
        } else {
            Exit::Error
        };
        Err(Failed::new(message).exit(exit).hint(
            "`openclaw gateway status` shows it, `openclaw gateway stop` ends it; another home (`--profile`) has a gateway of its own",
        ))
    }
}

impl InstanceLock {
    /// Takes the lock of a home, or says who has it.
    pub(crate) fn acquire(
        home: &Home,
        address: SocketAddr,
        is_service: bool,
    ) -> Result<Self, Failed> {
        config::create_private_folder(home.state_dir())?;
        let path = path(home);
        let cannot = |what: &str, error: &std::io::Error| {
            Failed::new(format!("cannot {what} {}: {error}", home.display(&path)))
                .hint("OPENCLAW_ALLOW_MULTI_GATEWAY=1 serves without a lock")
        };
        let mut file = open(&path).map_err(|error| cannot("open", &error))?;
        let deadline = Instant::now() + ACQUIRE_MAX;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(ACQUIRE_EVERY);
                }
                Err(TryLockError::WouldBlock) => {
                    let found = Instance::Running(Holder::read(&mut file));
                    found.refuse_another(home, is_service)?;
                }
                Err(TryLockError::Error(error)) => return Err(cannot("lock", &error)),
            }
        }
        let left_behind = Holder::read(&mut file);
        let lock = Self { file, left_behind };
        lock.describe(&Holder::this(home, address))
            .map_err(|error| cannot("write", &error))?;
        Ok(lock)
    }

    fn describe(&self, holder: &Holder) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(holder)?)
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // An empty file is what a gateway leaves that ended in order.
        let _ = self.file.set_len(0);
    }
}

fn path(home: &Home) -> PathBuf {
    home.state_dir().join("gateway.lock")
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, config::FILE_MODE_SECRET);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use config::{Environment, HomeOptions};

    use super::*;

    fn home(folder: &tempfile::TempDir) -> Home {
        let environment = Environment::from_pairs([("HOME", folder.path().to_str().unwrap())]);
        Home::resolve(&environment, &HomeOptions::default()).unwrap()
    }

    fn address() -> SocketAddr {
        "127.0.0.1:7".parse().unwrap()
    }

    #[test]
    fn the_second_learns_who_is_first_and_two_homes_do_not_disturb_each_other() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let home = home(&folder);
        assert_eq!(Instance::of(&home), Instance::None);
        assert!(!home.state_dir().exists(), "a look writes nothing");
        let lock = InstanceLock::acquire(&home, address(), false).unwrap();
        let found = Instance::of(&home);
        assert_eq!(found.holder().unwrap().pid, std::process::id());
        let refused = InstanceLock::acquire(&home, address(), true).unwrap_err();
        assert_eq!(refused.exit.number(), 78);
        let pid = format!("process {}", std::process::id());
        for part in [pid.as_str(), "127.0.0.1:7", "~/.openclaw"] {
            assert!(refused.message.contains(part), "{}", refused.message);
        }
        InstanceLock::acquire(&self::home(&other), address(), false).unwrap();
        drop(lock);
        assert_eq!(Instance::of(&home), Instance::None);
        let lock = InstanceLock::acquire(&home, address(), false).unwrap();
        assert_eq!(lock.left_behind, None);
    }

    #[test]
    fn what_a_dead_gateway_left_is_taken_over_also_when_its_number_lives_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        config::create_private_folder(home.state_dir()).unwrap();
        let dead = Holder::this(&home, address());
        std::fs::write(path(&home), serde_json::to_vec(&dead).unwrap()).unwrap();
        assert_eq!(Instance::of(&home), Instance::None);
        let lock = InstanceLock::acquire(&home, address(), false).unwrap();
        assert_eq!(lock.left_behind, Some(dead));
    }
}
