//! One emulated Model Studio: takes a request, gives a response.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::aigc::Aigc;
use crate::authority::Authority;
use crate::delivery::{Cut, Delivery, Pace};
use crate::error::Error;
use crate::host::{HOSTS, Host};
use crate::identity::{Clock, IdSource};
use crate::journal::{Arrival, Journal, Outcome, Witness};
use crate::media::MediaModels;
use crate::model_table::ModelTable;
use crate::oauth::IdentityServer;
use crate::reply::Reply;
use crate::responses::memory::Memory;
use crate::script::{Facts, Rule, Script};
use crate::storage::Storage;
use crate::target::{Target, Via};
use crate::vectors::VectorModels;
use crate::{access, control, endpoint, request_body, response, route};

/// A connection, as its requests see it.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Number of the connection, from 1.
    pub(crate) connection: u64,
    pub(crate) via: Via,
}

/// One request to an emulated host.
pub(crate) struct Exchange {
    pub(crate) host: Host,
    pub(crate) method: Method,
    /// Without the query.
    pub(crate) path: String,
    /// What follows the question mark.
    pub(crate) query: String,
    /// Where the emulator was reached, when it was not reached as a proxy.
    reached_at: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body as JSON, if it is JSON.
    pub(crate) json: Option<Value>,
    pub(crate) request_id: String,
}

impl Exchange {
    /// Returns a parameter of the query as it is written.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Returns the origin under which the client of this request reaches an emulated host.
    pub(crate) fn origin_of(&self, host: &str) -> String {
        match &self.reached_at {
            Some(address) => format!("http://{address}/{host}"),
            None => format!("https://{host}"),
        }
    }
}

/// Everything the emulator knows, shared by all connections.
pub(crate) struct Studio {
    pub(crate) models: ModelTable,
    pub(crate) vector_models: VectorModels,
    pub(crate) media_models: MediaModels,
    pub(crate) script: Script,
    pub(crate) journal: Journal,
    pub(crate) ids: IdSource,
    pub(crate) clock: Clock,
    pub(crate) authority: Authority,
    pub(crate) identity: IdentityServer,
    pub(crate) aigc: Aigc,
    pub(crate) storage: Storage,
    pub(crate) responses: Memory,
    connections: AtomicU64,
}

impl Studio {
    pub(crate) fn new(clock: Clock) -> Result<Self, Error> {
        Ok(Self {
            models: ModelTable::built_in()?,
            vector_models: VectorModels::built_in()?,
            media_models: MediaModels::built_in()?,
            script: Script::default(),
            journal: Journal::default(),
            ids: IdSource::default(),
            clock,
            authority: Authority::generate()?,
            identity: IdentityServer::default(),
            aigc: Aigc::new()?,
            storage: Storage::default(),
            responses: Memory::default(),
            connections: AtomicU64::new(0),
        })
    }

    /// Returns the number of a new connection.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Forgets scripts, requests and logins, and starts ids over.
    pub(crate) fn reset(&self) {
        self.script.clear();
        self.journal.clear();
        self.ids.reset();
        self.identity.reset();
        self.aigc.reset();
        self.storage.reset();
        self.responses.reset();
    }

    /// Answers one request; an error closes the connection without an answer.
    pub(crate) async fn handle(
        self: Arc<Self>,
        origin: Origin,
        request: Request<Incoming>,
    ) -> Result<Response<Delivery>, Cut> {
        let (head, body) = request.into_parts();
        match Target::of(&head.uri, &origin.via) {
            Target::Host(host, path) => self.play(&origin, head, body, (host, path)).await,
            Target::Control(path) => {
                let reply = match request_body::read(body).await {
                    Ok(body) => control::answer(&self, &head.method, &path, &body),
                    Err(unread) => unread.reply(),
                };
                Ok(response::plain(reply))
            }
            Target::UnknownPrefix(name) => {
                Ok(response::plain(unknown(&name, StatusCode::NOT_FOUND)))
            }
            Target::UnknownHost(name) => {
                Ok(response::plain(unknown(&name, StatusCode::BAD_GATEWAY)))
            }
        }
    }

    async fn play(
        &self,
        origin: &Origin,
        head: Parts,
        body: Incoming,
        (host, path): (Host, String),
    ) -> Result<Response<Delivery>, Cut> {
        let read = request_body::read(body).await;
        let body = read.clone().unwrap_or_default();
        let witness = self.journal.record(&Arrival {
            connection: origin.connection,
            via: origin.via.name(&head.uri),
            host: &host,
            method: &head.method,
            path: &path,
            headers: &head.headers,
            body: &body,
        });
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let exchange = Exchange {
            json: serde_json::from_slice(&body).ok(),
            body,
            path: path.to_owned(),
            query: query.to_owned(),
            reached_at: reached_at(origin, &head),
            method: head.method,
            headers: head.headers,
            request_id: self.ids.uuid(),
            host,
        };
        match read {
            Ok(_) => self.answer(&exchange, witness).await,
            Err(unread) => {
                let (clock, pace) = (self.clock, Pace::default());
                Ok(response::played(
                    unread.reply(),
                    &exchange,
                    clock,
                    pace,
                    witness,
                ))
            }
        }
    }

    async fn answer(
        &self,
        exchange: &Exchange,
        witness: Witness,
    ) -> Result<Response<Delivery>, Cut> {
        let rule = self.rule_for(exchange);
        if let Some(rule) = &rule {
            wait(Duration::from_millis(rule.delay_ms)).await;
        }
        if rule.as_ref().is_some_and(|rule| rule.hang_up) {
            witness.ended(Outcome::Cut);
            return Err(Cut);
        }
        if route::is_for_tokens(exchange) {
            wait(self.identity.delay()).await;
        }
        let (reply, pace) = match &rule {
            Some(rule) => self.scripted(rule, exchange),
            None => (route::answer(self, exchange, None), Pace::default()),
        };
        wait(reply.delay).await;
        if reply.hang_up {
            witness.ended(Outcome::Cut);
            return Err(Cut);
        }
        Ok(response::played(reply, exchange, self.clock, pace, witness))
    }

    /// Answers as a rule wants it.
    fn scripted(&self, rule: &Rule, exchange: &Exchange) -> (Reply, Pace) {
        let mut reply = if rule.answers() {
            endpoint::scripted::answer(rule, exchange)
        } else {
            let answered = route::answer(self, exchange, Some(rule));
            let status = rule.status_of_answer().unwrap_or(answered.status);
            Reply { status, ..answered }
        };
        reply.headers.extend(rule.headers.clone());
        let pace = Pace::of(rule, endpoint::scripted::error_event(rule, exchange));
        (reply, pace)
    }

    fn rule_for(&self, exchange: &Exchange) -> Option<Arc<Rule>> {
        let body = exchange.json.as_ref();
        self.script.take(&Facts {
            host: &exchange.host.name,
            path: &exchange.path,
            model: body.and_then(|body| body.get("model")?.as_str()),
            key: access::bearer(&exchange.headers),
        })
    }
}

fn reached_at(origin: &Origin, head: &Parts) -> Option<String> {
    let is_direct = origin.via.name(&head.uri) == "direct";
    let host = head.headers.get(http::header::HOST)?.to_str().ok()?;
    is_direct.then(|| host.to_owned())
}

async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// Tells a client which hosts there are.
pub(crate) fn unknown(name: &str, status: StatusCode) -> Reply {
    let hosts: Vec<&str> = HOSTS.iter().map(|host| host.name).collect();
    Reply::json(
        status,
        &json!({
            "error": {
                "message": format!("the openclaw emulator does not play `{name}`; it never goes to the network"),
                "type": "emulator_error",
                "param": null,
                "code": "unknown_host",
            },
            "hosts": hosts,
            "usage": "/<host>/<path>, for example /dashscope-intl.aliyuncs.com/compatible-mode/v1/models",
        }),
    )
}
