//! The emulator, and gateways in this process that know nothing yet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, EndpointFamily, ErrorClass, FailureKind};
use config::{AgentId, ConfigText, Environment, Home, HomeOptions, Settings};
use credentials::{Resolver, Secret};
use emulator::{Emulator, Options};
use gateway::log::{Level, Log};
use gateway::{Auth, Live, Parts, Stop};
use providers::health::{Health, Rules};
use providers::http_client::NetworkSettings;
use providers::{Directory, Upstream};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::fault::{Fault, Form};
use crate::gateway::client::{Answer, Arriving, Received};
use crate::gateway::scene::{TOKEN, asking, chat};

/// The host with the fault, unless the fault needs another plan's.
pub(super) const FAULTY: &str = "dashscope.aliyuncs.com";
/// The host that answers.
pub(super) const HEALTHY: &str = "dashscope-intl.aliyuncs.com";
/// The host that has another fault.
pub(super) const OTHER: &str = "dashscope-us.aliyuncs.com";
const HEALTHY_KEY: &str = "sk-emulator-standard-intl";
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What cases are looked at on.
pub(super) struct Bench {
    emulator: Emulator,
    runtime: Runtime,
    folder: tempfile::TempDir,
    catalog: Arc<Catalog>,
}

/// One gateway.
struct Running {
    address: SocketAddr,
    health: Arc<Health>,
    /// Ends with it.
    _serving: JoinSet<()>,
}

impl Bench {
    pub(super) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let emulator = runtime
            .block_on(Emulator::start(Options::default()))
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), emulator.ca_pem()).unwrap();
        Self {
            emulator,
            runtime,
            folder,
            catalog: Arc::new(Catalog::builtin().unwrap()),
        }
    }

    /// Asks a fresh gateway, and returns the answer and what rests because of the fault.
    pub(super) fn ask(
        &self,
        fault: &Fault,
        is_second: bool,
    ) -> (Answer, Option<(ErrorClass, String)>) {
        self.emulator.reset();
        let denied = json!({"match": {"host": OTHER}, "status": 403, "code": "AccessDenied.Unpurchased", "message": "Access to model denied."});
        self.emulator
            .script(&json!({"rules": [fault.script(), denied]}))
            .unwrap();
        let models = if is_second {
            ["other", "faulty"]
        } else {
            ["faulty", "healthy"]
        };
        let running = self.gateway(fault, models);
        let answer = running.ask("openclaw", fault.form != Form::Whole);
        let breakers = self.runtime.block_on(running.health.breakers());
        let mut rests = breakers
            .iter()
            .filter(|breaker| breaker.evidence.provider == "faulty" && breaker.until_ms > 0);
        let rest = rests
            .next()
            .map(|breaker| (breaker.evidence.class, breaker.scope.kind().to_owned()));
        assert!(rests.next().is_none(), "{breakers:?}");
        (answer, rest)
    }

    /// Asks one gateway for the model with the fault and another one of the same key, twice.
    pub(super) fn ask_both_models(&self, fault: &Fault) -> Vec<Answer> {
        self.emulator.reset();
        let mut script = fault.script();
        script["match"]["model"] = json!("qwen3.5-plus");
        self.emulator.script(&json!({"rules": [script]})).unwrap();
        let fault = Fault {
            key: "sk-emulator-standard-cn",
            ..fault.clone()
        };
        let running = self.gateway(&fault, ["faulty", "healthy"]);
        let models = ["faulty/qwen3.5-plus", "faulty/qwen3.7-plus"];
        models
            .iter()
            .cycle()
            .take(4)
            .map(|model| running.ask(model, false))
            .collect()
    }

    /// Returns the chat requests that the emulator saw.
    pub(super) fn requests(&self) -> Vec<Value> {
        self.emulator.requests()
    }

    /// Returns how often each host was asked, in the order of the first time.
    pub(super) fn calls(&self) -> Vec<(String, usize)> {
        let mut calls: Vec<(String, usize)> = Vec::new();
        for request in self.emulator.requests() {
            let host = request["host"].as_str().unwrap();
            match calls.iter_mut().find(|(known, _)| known == host) {
                Some((_, count)) => *count += 1,
                None => calls.push((host.to_owned(), 1)),
            }
        }
        calls
    }

    fn gateway(&self, fault: &Fault, [first, second]: [&str; 2]) -> Running {
        let config = self.config(fault, first, second).to_string();
        let text = ConfigText::parse("openclaw.json", config.into_bytes()).unwrap();
        let (settings, problems) = Settings::read(&text);
        assert!(problems.is_empty(), "{problems:?}");
        let environment = Environment::from_pairs([("HOME", self.folder.path().to_str().unwrap())]);
        let home = Home::resolve(&environment, &HomeOptions::default()).unwrap();
        let agent = AgentId::main();
        let resolver = Resolver::new(&home, &environment, &settings, &self.catalog, &agent);
        let directory = Directory::build(Arc::clone(&self.catalog), &settings, &resolver, 1);
        // Waiting for a candidate to recover is tested elsewhere.
        let rules = Rules {
            patience: Duration::ZERO,
            ..Rules::default()
        };
        let health = Health::new(rules, Arc::new(|| 1_000_000));
        let upstream = Upstream::new(Arc::clone(&self.catalog), self.network()).with_health(health);
        let health = Arc::clone(upstream.health());
        let (address, serving) = self.runtime.block_on(async {
            let listener = gateway::listen(SocketAddr::from(([127, 0, 0, 1], 0)))
                .await
                .unwrap();
            let bound = listener.local_addr().unwrap();
            let parts = Parts {
                videos: gateway::Videos::new(
                    self.folder.path().join("jobs.sqlite"),
                    Box::new(|_, _| Err("no jobs here".to_owned())),
                ),
                ledger: self.folder.path().join("ledger.sqlite"),
                directory,
                upstream,
                auth: Auth::Token(Secret::new(TOKEN.to_owned())),
                bound,
                log: Log::new(
                    self.folder.path().join("log"),
                    FILE_BYTES_MAX,
                    Level::Error,
                    None,
                ),
                boot: 1,
            };
            let mut serving = JoinSet::new();
            serving.spawn(gateway::serve(listener, Live::new(parts), Stop::default()));
            (bound, serving)
        });
        Running {
            address,
            health,
            _serving: serving,
        }
    }

    fn config(&self, fault: &Fault, first: &str, second: &str) -> Value {
        let provider = |base: String, key: &str| {
            let models =
                json!([{"id": "qwen3.5-plus", "name": "a"}, {"id": "qwen3.7-plus", "name": "b"}]);
            json!({"baseUrl": base, "apiKey": key, "api": "openai-completions", "models": models, "timeoutSeconds": if fault.kind == FailureKind::LocalTimeout { 1 } else { 60 }})
        };
        let standard = |host: &str| format!("https://{host}/compatible-mode/v1");
        let faulty = if fault.family == EndpointFamily::OpenaiCustom {
            self.emulator.url_for(&fault.host, fault.base_path)
        } else {
            format!("https://{}{}", fault.host, fault.base_path)
        };
        json!({
            "models": {"providers": {
                "faulty": provider(faulty, fault.key),
                "healthy": provider(standard(HEALTHY), HEALTHY_KEY),
                "other": provider(standard(OTHER), "sk-0123456789abcdef0123456789ab0000"),
            }},
            "agents": {"defaults": {"model": {
                "primary": format!("{first}/qwen3.5-plus"),
                "fallbacks": [format!("{second}/qwen3.5-plus")],
            }}},
            "routing": {"allowMetered": true},
        })
    }

    fn network(&self) -> NetworkSettings {
        let ca = self.folder.path().join("ca.pem");
        let variables = self.emulator.environment(&ca);
        let proxy = variables.iter().find(|(name, _)| name == "HTTPS_PROXY");
        NetworkSettings {
            https_proxy: proxy.map(|(_, value)| value.clone()),
            extra_roots: Some(ca),
            ..NetworkSettings::default()
        }
    }
}

impl Running {
    fn ask(&self, model: &str, stream: bool) -> Answer {
        let mut body = asking(stream);
        body["model"] = json!(model);
        Arriving::send(self.address, &chat(&body).bytes(), &Received::default()).finish()
    }
}
