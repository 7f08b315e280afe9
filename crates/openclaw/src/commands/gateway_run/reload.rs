//! Follows the files that a running gateway is made from, and gives it new parts when they change.
//!
//! The files are looked at, not subscribed to: a look is a dozen `stat` calls, works on every file system, and sees a
//! file that an editor replaced. A change is waited out until the files hold still, so that a half-written file is not
//! read. What cannot be used changes nothing but the status and the log.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use config::{AgentId, ProfileId, ProviderId, ReloadMode, Severity};
use credentials::ProfileState;
use gateway::log::{Level, Log};
use gateway::{Live, Renewed};
use serde_json::json;

use super::{auth, bind_address, port};
use crate::cli::gateway::GatewayRunArgs;
use crate::context::{Context, ReadConfig};
use crate::daemon::notify::Notify;
use crate::failed::Failed;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long they must hold still.
const SETTLE: Duration = Duration::from_millis(300);
/// How often that is tried before a change is read all the same.
const SETTLE_ATTEMPTS_MAX: u32 = 10;
/// Name in the log.
const SUBSYSTEM: &str = "gateway/reload";

/// What is needed to make new parts.
pub(super) struct Reloading<'a> {
    pub(super) live: &'a Live,
    pub(super) notify: &'a Notify,
    pub(super) args: &'a GatewayRunArgs,
    pub(super) context: &'a Context,
    /// Where the gateway was told to listen.
    pub(super) address: SocketAddr,
    pub(super) log: &'a Log,
}

/// The files, and how they were when they were read.
#[derive(Debug, PartialEq, Eq)]
struct Seen(BTreeMap<PathBuf, Stamp>);

/// What tells one content of a file from another without reading it.
#[derive(Debug, PartialEq, Eq)]
enum Stamp {
    Missing,
    File {
        changed: Option<SystemTime>,
        bytes: u64,
        /// Another file was moved here.
        identity: u64,
    },
    /// Of `auth-state.json` only the orders count: statistics are written there all the time.
    Orders(BTreeMap<ProviderId, Vec<ProfileId>>),
}

impl Reloading<'_> {
    /// Never returns.
    pub(super) async fn follow(&self, config: &ReadConfig, start: Start) {
        let mut is_on = is_on(config);
        let mut seen = self.look(self.context, config, start.seen);
        let mut hangup = start.hangup;
        loop {
            let is_asked_for = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                () = hangup.next() => true,
            };
            if !is_asked_for && (!is_on || seen.again() == seen) {
                continue;
            }
            let changed = seen.settled().await;
            let path = seen.first_difference(&changed);
            let shown = path.map(|path| self.context.home.display(&path));
            let shown = shown.unwrap_or_else(|| "a signal".to_owned());
            self.say(&format!(
                "config change detected; evaluating reload ({shown})"
            ));
            seen = changed;
            self.notify.reloading();
            match self.read() {
                Ok((config, context, renewed)) => {
                    self.live.renew(renewed);
                    is_on = self::is_on(&config);
                    seen = self.look(&context, &config, seen);
                    self.say(&format!("config hot reload applied ({shown})"));
                    self.tell_what_needs_a_restart(&config, &context);
                }
                Err(failed) => self.live.keep(&failed.message),
            }
            self.notify.ready(&format!("read {shown}"));
        }
    }

    /// Makes new parts from the files as they are.
    fn read(&self) -> Result<(ReadConfig, Context, Renewed), Failed> {
        let context = self.context.reread()?;
        let config = context.config()?;
        if !config.exists && !self.args.allow_unconfigured {
            return Err(Failed::new("the config is gone"));
        }
        if let Some(problem) = config.problems.iter().find(|problem| {
            // A provider with an error is switched off and leaves the others alone.
            let is_of_provider = problem.path.to_string().starts_with("models.providers.");
            problem.severity == Severity::Error && !is_of_provider
        }) {
            return Err(Failed::new(problem.one_line()));
        }
        let renewed = Renewed {
            directory: context.directory(&config)?,
            upstream: context.routed_upstream_after(&config, &self.live.upstream())?,
            auth: auth(self.args, &config, self.address.ip(), &context)?,
        };
        Ok((config, context, renewed))
    }

    fn tell_what_needs_a_restart(&self, config: &ReadConfig, context: &Context) {
        let bind = bind_address(self.args.bind.as_deref(), &config.settings.gateway);
        let port = port(self.args, config, context);
        if bind.is_ok_and(|ip| ip != self.address.ip()) || port != self.address.port() {
            let message = "`gateway.port` or `gateway.bind` changed: that takes a restart";
            self.log.write(Level::Warn, SUBSYSTEM, message, &json!({}));
        }
    }

    fn say(&self, message: &str) {
        self.log.write(Level::Info, SUBSYSTEM, message, &json!({}));
    }

    /// Looks at the files that a config leads to. Those looked at before they were read stay as they were then, or a change
    /// during the reading would never be noticed.
    fn look(&self, context: &Context, config: &ReadConfig, earlier: Seen) -> Seen {
        let home = &self.context.home;
        let mut files = always_there(context);
        files.extend(config::included_files(&config.text));
        let entries = &config.settings.agents.entries;
        let agents = entries.iter().map(|entry| entry.id.clone());
        for agent in agents.chain([AgentId::main()]) {
            let folder = home.agent_dir(&agent);
            files.push(folder.join(credentials::FILE_NAME));
            files.push(folder.join(credentials::STATE_FILE_NAME));
            files.extend(with_log(folder.join("openclaw-agent.sqlite")));
        }
        let mut seen = Seen::of(files);
        for (path, stamp) in earlier.0 {
            seen.0.entry(path).and_modify(|now| *now = stamp);
        }
        seen
    }
}

/// What has to happen before the first file is read.
pub(super) struct Start {
    seen: Seen,
    hangup: Hangup,
}

impl Start {
    /// Looks at the files whose place does not depend on the config.
    pub(super) fn new(context: &Context) -> Self {
        Self {
            seen: Seen::of(always_there(context)),
            hangup: Hangup::default(),
        }
    }

    /// Listens for the signal; without a runtime there is none.
    pub(super) fn listen(&mut self) {
        self.hangup = Hangup::new();
    }
}

fn always_there(context: &Context) -> Vec<PathBuf> {
    let home = &context.home;
    let mut files = vec![home.config_path().to_owned()];
    files.extend(context.dotenv_paths());
    let catalog = home.catalog_dir();
    files.extend(catalog::TABLE_FILES.iter().map(|name| catalog.join(name)));
    files.push(crate::model_lists::path(home));
    files.extend(with_log(home.state_dir().join("state/openclaw.sqlite")));
    let main = home.agent_dir(&AgentId::main());
    files.push(main.join(credentials::FILE_NAME));
    files.push(main.join(credentials::STATE_FILE_NAME));
    files
}

/// A database that is in use is changed in the log beside it.
fn with_log(database: PathBuf) -> [PathBuf; 2] {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    [database, PathBuf::from(log)]
}

fn is_on(config: &ReadConfig) -> bool {
    config.settings.gateway.reload != ReloadMode::Off
}

impl Seen {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let stamped = files.into_iter().map(|path| {
            let stamp = Stamp::of(&path);
            (path, stamp)
        });
        Self(stamped.collect())
    }

    fn again(&self) -> Self {
        Self::of(self.0.keys().cloned())
    }

    /// Waits until the files hold still.
    async fn settled(&self) -> Self {
        let mut now = self.again();
        for _ in 0..SETTLE_ATTEMPTS_MAX {
            tokio::time::sleep(SETTLE).await;
            let later = self.again();
            if later == now {
                break;
            }
            now = later;
        }
        now
    }

    fn first_difference(&self, other: &Self) -> Option<PathBuf> {
        let differs = |(path, stamp): &(&PathBuf, &Stamp)| other.0.get(*path) != Some(*stamp);
        let (path, _) = self.0.iter().find(differs)?;
        Some(path.clone())
    }
}

impl Stamp {
    fn of(path: &Path) -> Self {
        if path.file_name() == Some(credentials::STATE_FILE_NAME.as_ref()) {
            return Self::Orders(ProfileState::load(path).0.order);
        }
        match fs::metadata(path) {
            Ok(metadata) => Self::File {
                changed: metadata.modified().ok(),
                bytes: metadata.len(),
                identity: identity(&metadata),
            },
            Err(_) => Self::Missing,
        }
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> u64 {
    0
}

/// SIGHUP asks for a reload at once.
#[derive(Default)]
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}
