//! An identity server without a socket: it rotates refresh tokens, and fails when it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use catalog::Catalog;
use config::{AgentId, Home, ProfileId};
use credentials::oauth::{Clock, Refresher, TokenReply, TokenTransport, TransportError};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::test_home::TestHome;

pub(super) const START_MS: u64 = 1_800_000_000_000;
pub(super) const DEFAULT: &str = "qwen-portal:default";
pub(super) const QWEN_CODE: &str = "qwen-portal:qwen-cli";

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The connection breaks before the server sees the request.
    Unreachable,
    /// No answer, and nothing was done.
    Timeout,
    /// The rotation is committed, and the answer is lost.
    LostAnswer,
    /// The server answers with this.
    Answer(u16, &'static str),
    /// A success without a new refresh token.
    NoRefreshToken,
    /// A success with this access token.
    SameAccess(&'static str),
}

/// Something that happens while the server works on a request.
type Meanwhile = Box<dyn FnOnce() + Send>;

struct State {
    generation: u64,
    lifetime_s: u64,
    /// Whether the refresh token before the current one is accepted too.
    has_grace: bool,
    revoked: bool,
    faults: VecDeque<Fault>,
    meanwhile: Option<Meanwhile>,
    /// The refresh tokens that were sent, in order.
    spent: Vec<String>,
    /// When each access token ends.
    ends: BTreeMap<String, u64>,
    latency: Duration,
    /// Where the state outlives the process, for tests that kill it.
    file: Option<PathBuf>,
}

#[derive(Clone)]
pub(super) struct IdentityServer {
    state: Arc<Mutex<State>>,
    clock: Clock,
}

impl IdentityServer {
    /// Starts with the tokens `at-0` and `rt-0`, which the test puts into a store.
    pub(super) fn new(lifetime_s: u64) -> Self {
        let start = Instant::now();
        let elapsed = move || u64::try_from(start.elapsed().as_millis()).unwrap();
        let state = State {
            generation: 0,
            lifetime_s,
            has_grace: false,
            revoked: false,
            faults: VecDeque::new(),
            meanwhile: None,
            spent: Vec::new(),
            ends: BTreeMap::new(),
            latency: Duration::from_millis(20),
            file: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            clock: Arc::new(move || START_MS + elapsed()),
        }
    }

    /// Keeps the generation in a file, and goes on from what is there.
    pub(super) fn kept_in(self, file: PathBuf) -> Self {
        let mut state = self.state();
        if let Ok(text) = fs::read_to_string(&file) {
            let value: Value = serde_json::from_str(&text).unwrap();
            state.generation = value["generation"].as_u64().unwrap();
        }
        state.file = Some(file);
        drop(state);
        self
    }

    pub(super) fn with_grace(self) -> Self {
        self.state().has_grace = true;
        self
    }

    pub(super) fn clock(&self) -> Clock {
        Arc::clone(&self.clock)
    }

    pub(super) fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    pub(super) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    pub(super) fn meanwhile(&self, event: impl FnOnce() + Send + 'static) {
        self.state().meanwhile = Some(Box::new(event));
    }

    pub(super) fn revoke(&self) {
        self.state().revoked = true;
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Does what another program with the same login would do: exchanges the current refresh token.
    pub(super) fn rotate_for_another(&self) -> u64 {
        let mut state = self.state();
        state.generation += 1;
        state.generation
    }

    pub(super) fn generation(&self) -> u64 {
        self.state().generation
    }

    pub(super) fn n_calls(&self) -> usize {
        self.state().spent.len()
    }

    pub(super) fn spent(&self) -> Vec<String> {
        self.state().spent.clone()
    }

    /// Tells whether the service would take this access token now.
    pub(super) fn accepts(&self, access: &str) -> bool {
        let ends_at_ms = self.state().ends.get(access).copied();
        ends_at_ms.is_some_and(|at_ms| self.now_ms() < at_ms)
    }

    pub(super) fn transport(&self) -> Arc<dyn TokenTransport> {
        let server = self.clone();
        Arc::new(move |request: http::Request<Vec<u8>>, deadline| {
            let server = server.clone();
            async move { server.answer(&request, deadline).await }
        })
    }

    pub(super) fn refresher(&self, home: &Home) -> Refresher {
        let catalog = Catalog::builtin().unwrap();
        Refresher::new(home, &catalog, self.transport(), self.clock()).unwrap()
    }

    async fn answer(
        &self,
        request: &http::Request<Vec<u8>>,
        deadline: Duration,
    ) -> Result<TokenReply, TransportError> {
        let form = form(request);
        assert_eq!(form["grant_type"], "refresh_token", "{form:?}");
        let (fault, latency, meanwhile) = {
            let mut state = self.state();
            state.spent.push(form["refresh_token"].clone());
            (
                state.faults.pop_front(),
                state.latency,
                state.meanwhile.take(),
            )
        };
        tokio::time::sleep(latency).await;
        if let Some(event) = meanwhile {
            event();
        }
        match fault {
            Some(Fault::Unreachable) => Err(TransportError::Network {
                source: "connection refused".into(),
            }),
            Some(Fault::Timeout) => {
                tokio::time::sleep(deadline * 2).await;
                unreachable!("the caller gives up at its deadline")
            }
            Some(Fault::LostAnswer) => {
                self.exchange(&form["refresh_token"], None);
                Err(TransportError::Timeout)
            }
            Some(Fault::Answer(status, body)) => {
                Ok(TokenReply::new(status, body.as_bytes().to_vec()))
            }
            fault => Ok(self.exchange(&form["refresh_token"], fault.as_ref())),
        }
    }

    fn exchange(&self, refresh: &str, fault: Option<&Fault>) -> TokenReply {
        let now_ms = self.now_ms();
        let mut state = self.state();
        let current = format!("rt-{}", state.generation);
        let is_in_grace = state.has_grace
            && state.generation > 0
            && refresh == format!("rt-{}", state.generation - 1);
        if state.revoked || (refresh != current && !is_in_grace) {
            let body = br#"{"error":"invalid_grant","error_description":"used or unknown"}"#;
            return TokenReply::new(400, body.to_vec());
        }
        let keeps = matches!(fault, Some(Fault::NoRefreshToken));
        state.generation += u64::from(!keeps);
        let generation = state.generation;
        let access = match fault {
            Some(Fault::SameAccess(access)) => (*access).to_owned(),
            _ if keeps => format!("at-{generation}-again"),
            _ => format!("at-{generation}"),
        };
        let ends_at_ms = now_ms + state.lifetime_s * 1000;
        state.ends.insert(access.clone(), ends_at_ms);
        if let Some(file) = &state.file {
            let text = json!({"generation": generation}).to_string();
            fs::write(file, text).unwrap();
        }
        let mut body = json!({
            "status": "success",
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": state.lifetime_s,
            "resource_url": "portal.qwen.ai",
        });
        if !keeps {
            body["refresh_token"] = Value::from(format!("rt-{generation}"));
        }
        TokenReply::new(200, body.to_string().into_bytes())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// Decodes a form.
pub(super) fn form(request: &http::Request<Vec<u8>>) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(request.body()).unwrap();
    text.split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |decoded, part| {
        let byte = u8::from_str_radix(&part[..2], 16).unwrap();
        format!("{decoded}{}{}", char::from(byte), &part[2..])
    })
}

pub(super) fn main_agent() -> AgentId {
    AgentId::main()
}

pub(super) fn profile(text: &str) -> ProfileId {
    ProfileId::new(text).unwrap()
}

/// Returns the text of a store with one login, of the generation and end that are given.
pub(super) fn store_with(id: &str, generation: u64, expires_ms: u64) -> String {
    let entry = json!({
        "type": "oauth",
        "provider": "qwen-portal",
        "access": format!("at-{generation}"),
        "refresh": format!("rt-{generation}"),
        "expires": expires_ms,
        "email": "someone@example.org",
    });
    let entry = BTreeMap::from([(id, entry)]);
    serde_json::to_string_pretty(&json!({"version": 1, "profiles": entry})).unwrap()
}

/// Makes a home whose agent `main` has one login.
pub(super) fn home_with(id: &str, generation: u64, expires_ms: u64) -> TestHome {
    TestHome::made("{}", &store_with(id, generation, expires_ms), &[])
}

/// Makes a home whose login ended long ago.
pub(super) fn home_with_ended_login() -> TestHome {
    home_with(DEFAULT, 0, START_MS - 1)
}

/// Returns access token, refresh token and end as the store of the agent `main` has them.
pub(super) fn on_disk(home: &TestHome, id: &str) -> (String, String, u64) {
    let text = fs::read_to_string(home.store_path()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let entry = &value["profiles"][id];
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    (
        text("access"),
        text("refresh"),
        entry["expires"].as_u64().unwrap_or_default(),
    )
}
