//! What is measured: the mock itself, nginx, and our gateway, each ready to be asked.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cores::{Cores, pinned};
use super::homes::{CLIENT_KEY, Home, MODEL_ALIAS, UPSTREAM_KEY, UPSTREAM_MODEL};
use super::process_tree::ProcessTree;
use super::{nginx, probe};
use crate::process::Server;

const READY_MAX: Duration = Duration::from_secs(30);
const READY_PAUSE: Duration = Duration::from_millis(5);
/// Idle memory is read this long after the first requests.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// Lines of a server's log that are shown when it does not start.
const LOG_LINES: usize = 20;

/// The mock upstream.
pub(super) struct Upstream {
    server: Server,
    pub(super) port: u16,
}

impl Upstream {
    /// # Errors
    /// The mock does not start.
    pub(super) fn start(load: &Path, cores: &Cores) -> anyhow::Result<Self> {
        let port = probe::free_port()?;
        let mut command = pinned(cores.outer, load.as_os_str());
        command.args(["mock", "--key", UPSTREAM_KEY, "--port", &port.to_string()]);
        command.stdout(std::process::Stdio::null());
        let mut server = Server::start(&mut command)?;
        await_ready(&mut server, port, UPSTREAM_KEY, UPSTREAM_MODEL).context("the mock")?;
        Ok(Self { server, port })
    }

    /// What the mock remembers of the last request.
    fn last_request(&self) -> anyhow::Result<Value> {
        let stats = probe::get(self.port, "/__stats").context("asking the mock")?;
        let stats: Value = serde_json::from_str(&stats.body).context("reading the mock")?;
        stats
            .get("last")
            .cloned()
            .context("the mock has seen nothing")
    }
}

/// One server that takes chat completions.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) port: u16,
    pub(super) key: &'static str,
    pub(super) model: &'static str,
    pub(super) pid: u32,
    /// Stopped when dropped, before its files go.
    server: Option<Server>,
    _files: Option<Files>,
}

enum Files {
    Folder(#[expect(dead_code, reason = "kept until the server has stopped")] TempDir),
    Home(#[expect(dead_code, reason = "kept until the server has stopped")] Home),
}

impl Target {
    /// The mock without a gateway: the floor of every number.
    pub(super) fn direct(upstream: &Upstream) -> Self {
        Self {
            name: "direct",
            port: upstream.port,
            key: UPSTREAM_KEY,
            model: UPSTREAM_MODEL,
            pid: upstream.server.pid(),
            server: None,
            _files: None,
        }
    }

    /// # Errors
    /// nginx is missing or does not start.
    pub(super) fn nginx(upstream: &Upstream, cores: &Cores) -> anyhow::Result<Self> {
        nginx::ensure()?;
        let folder = tempfile::tempdir().context("creating nginx's folder")?;
        let port = probe::free_port()?;
        nginx::write_config(folder.path(), port, upstream.port)?;
        let mut command = pinned(cores.gateway, OsStr::new("nginx"));
        command.arg("-e").arg(folder.path().join("error.log"));
        command.arg("-c").arg(folder.path().join("nginx.conf"));
        let log = folder.path().join("output.log");
        let server = started(&mut command, &log, port, MODEL_ALIAS).context("nginx")?;
        Ok(Self::gateway("nginx", port, server, Files::Folder(folder)))
    }

    /// # Errors
    /// Our gateway does not start.
    pub(super) fn openclaw(
        upstream: &Upstream,
        cores: &Cores,
        binary: &Path,
    ) -> anyhow::Result<Self> {
        let port = probe::free_port()?;
        let home = Home::with_mock(port, upstream.port)?;
        let mut command = pinned(cores.gateway, binary.as_os_str());
        home.add_to(&mut command).args(["gateway", "run"]);
        let log = home.path().join("output.log");
        let server = started(&mut command, &log, port, MODEL_ALIAS).context("openclaw")?;
        Ok(Self::gateway("openclaw", port, server, Files::Home(home)))
    }

    fn gateway(name: &'static str, port: u16, server: Server, files: Files) -> Self {
        Self {
            name,
            port,
            key: CLIENT_KEY,
            model: MODEL_ALIAS,
            pid: server.pid(),
            server: Some(server),
            _files: Some(files),
        }
    }

    /// Whether anything stands between the driver and the mock.
    pub(super) fn is_gateway(&self) -> bool {
        self.server.is_some()
    }

    /// # Errors
    /// The server has ended.
    pub(super) fn check_running(&mut self) -> anyhow::Result<()> {
        let server = self.server.as_mut();
        server
            .map_or(Ok(()), Server::check_running)
            .context(self.name)
    }

    /// Memory before the load.
    pub(super) fn idle_kib(&self) -> u64 {
        sleep(IDLE_AFTER);
        ProcessTree::of(self.pid).rss_kib()
    }

    /// Looks at both sides of one plain and one streamed request, and at a stranger's.
    ///
    /// # Errors
    /// One of them is not answered.
    pub(super) fn audit(&self, upstream: &Upstream) -> anyhow::Result<Audit> {
        let messages = json!([{"role": "user", "content": "hello"}]);
        let plain = json!({"model": self.model, "messages": messages});
        let streamed =
            json!({"model": self.model, "messages": messages, "stream": true, "max_tokens": 2});
        let reply = probe::complete(self.port, self.key, &plain)?;
        let last = upstream.last_request()?;
        let stream = probe::complete(self.port, self.key, &streamed)?;
        let last_streamed = upstream.last_request()?;
        if reply.status != 200 || stream.status != 200 || !stream.body.contains("[DONE]") {
            bail!("{} does not answer a request: {}", self.name, stream.body);
        }
        let stranger = probe::complete(self.port, "sk-stranger", &plain)?;
        let upstream_key = format!("Bearer {UPSTREAM_KEY}");
        let was = |last: &Value, name: &str, wanted: Value| last.get(name) == Some(&wanted);
        Ok(Audit {
            key_exchanged: was(&last, "authorization", json!(upstream_key))
                && self.key != UPSTREAM_KEY,
            model_rewritten: was(&last, "model", json!(UPSTREAM_MODEL))
                && self.model != UPSTREAM_MODEL,
            usage_requested: was(&last_streamed, "include_usage", json!(true)),
            usage_hidden: !stream.body.contains("total_tokens"),
            stranger_refused: stranger.status == 401,
        })
    }
}

/// What a target does of a gateway's job.
pub(super) struct Audit {
    key_exchanged: bool,
    model_rewritten: bool,
    usage_requested: bool,
    /// A client that did not ask for usage does not get it.
    usage_hidden: bool,
    stranger_refused: bool,
}

impl Audit {
    const NAMES: [&str; 5] = [
        "key exchanged",
        "model rewritten",
        "usage asked for",
        "usage hidden from a client that did not ask",
        "wrong key refused",
    ];

    fn marks(&self) -> [bool; 5] {
        [
            self.key_exchanged,
            self.model_rewritten,
            self.usage_requested,
            self.usage_hidden,
            self.stranger_refused,
        ]
    }

    /// The parts of the job that are done, or not.
    pub(super) fn parts(&self, done: bool) -> String {
        let marks = Self::NAMES.iter().zip(self.marks());
        let names: Vec<_> = marks
            .filter(|(_, mark)| *mark == done)
            .map(|(name, _)| *name)
            .collect();
        names.join(", ")
    }

    pub(super) fn is_whole(&self) -> bool {
        self.marks().iter().all(|mark| *mark)
    }
}

fn started(command: &mut Command, log: &Path, port: u16, model: &str) -> anyhow::Result<Server> {
    let file = File::create(log).context("creating a log")?;
    command.stdout(file.try_clone()?).stderr(file);
    let mut server = Server::start(command)?;
    await_ready(&mut server, port, CLIENT_KEY, model).with_context(|| {
        let text = fs::read_to_string(log).unwrap_or_default();
        let skipped = text.lines().count().saturating_sub(LOG_LINES);
        let end: Vec<_> = text.lines().skip(skipped).collect();
        format!("it printed:\n{}", end.join("\n"))
    })?;
    Ok(server)
}

fn await_ready(server: &mut Server, port: u16, key: &str, model: &str) -> anyhow::Result<()> {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    let started = Instant::now();
    let mut last = "nothing".to_owned();
    while started.elapsed() < READY_MAX {
        match probe::complete(port, key, &body) {
            Ok(reply) if reply.status == 200 => return Ok(()),
            Ok(reply) => last = format!("status {}: {}", reply.status, reply.body),
            Err(error) => last = format!("{error:#}"),
        }
        server.check_running()?;
        sleep(READY_PAUSE);
    }
    bail!("no chat completion within {READY_MAX:?}; the last answer: {last}");
}
