//! One emulated Model Studio: takes a request, gives a response.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::control;
use crate::delivery::{Cut, Delivery, Pace};
use crate::error::Error;
use crate::host::{HOSTS, Host};
use crate::identity::{Clock, IdSource};
use crate::journal::{Arrival, Journal, Outcome, Witness};
use crate::model_table::ModelTable;
use crate::refusal::{Refusal, Surface};
use crate::reply::{Content, Reply};
use crate::route;
use crate::script::{Facts, Rule, Script};
use crate::target::{Target, Via};
use crate::{EMULATOR_HEADER, access, endpoint};

/// Largest request body taken, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest wait for a whole request body.
const BODY_READ_DEADLINE: Duration = Duration::from_mins(2);

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
    pub(crate) headers: HeaderMap,
    /// The body as JSON, if it is JSON.
    pub(crate) json: Option<Value>,
    pub(crate) request_id: String,
}

/// Everything the emulator knows, shared by all connections.
pub(crate) struct Studio {
    pub(crate) models: ModelTable,
    pub(crate) script: Script,
    pub(crate) journal: Journal,
    pub(crate) ids: IdSource,
    pub(crate) clock: Clock,
    pub(crate) authority: Authority,
    connections: AtomicU64,
}

impl Studio {
    pub(crate) fn new(clock: Clock) -> Result<Self, Error> {
        Ok(Self {
            models: ModelTable::built_in()?,
            script: Script::default(),
            journal: Journal::default(),
            ids: IdSource::default(),
            clock,
            authority: Authority::generate()?,
            connections: AtomicU64::new(0),
        })
    }

    /// Returns the number of a new connection.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Forgets scripts and requests, and starts ids over.
    pub(crate) fn reset(&self) {
        self.script.clear();
        self.journal.clear();
        self.ids.reset();
    }

    /// Answers one request; an error closes the connection without an answer.
    pub(crate) async fn handle(
        self: Arc<Self>,
        origin: Origin,
        request: Request<Incoming>,
    ) -> Result<Response<Delivery>, Cut> {
        let target = Target::of(request.uri(), &origin.via);
        let via = match (&origin.via, request.uri().authority()) {
            (Via::Tunnel(_), _) => "tunnel",
            (Via::Listener, Some(_)) => "proxy",
            (Via::Listener, None) => "direct",
        };
        let (head, body) = request.into_parts();
        let body = match read_body(body).await {
            Ok(body) => body,
            Err(reply) => return Ok(self.respond(*reply, None, Sending::default())),
        };
        let (host, path) = match target {
            Target::Host(host, path) => (host, path),
            Target::Control(path) => {
                let reply = control::answer(&self, &head.method, &path, &body);
                return Ok(self.respond(reply, None, Sending::default()));
            }
            Target::UnknownPrefix(name) => {
                return Ok(self.respond(
                    unknown(&name, StatusCode::NOT_FOUND),
                    None,
                    Sending::default(),
                ));
            }
            Target::UnknownHost(name) => {
                return Ok(self.respond(
                    unknown(&name, StatusCode::BAD_GATEWAY),
                    None,
                    Sending::default(),
                ));
            }
        };
        let witness = self.journal.record(&Arrival {
            connection: origin.connection,
            via,
            host: &host.name,
            method: &head.method,
            path: &path,
            headers: &head.headers,
            body: &body,
        });
        let exchange = Exchange {
            json: serde_json::from_slice(&body).ok(),
            path: path.split('?').next().unwrap_or_default().to_owned(),
            method: head.method,
            headers: head.headers,
            request_id: self.ids.uuid(),
            host,
        };
        self.answer(exchange, witness).await
    }

    async fn answer(
        &self,
        exchange: Exchange,
        witness: Witness,
    ) -> Result<Response<Delivery>, Cut> {
        let rule = self.script.take(&Facts {
            host: &exchange.host.name,
            path: &exchange.path,
            model: exchange
                .json
                .as_ref()
                .and_then(|body| body.get("model")?.as_str()),
            key: access::bearer(&exchange.headers),
        });
        let Some(rule) = rule else {
            let reply = route::answer(self, &exchange, None);
            return Ok(self.respond(reply, Some(&exchange), Sending::seen_by(witness)));
        };
        if rule.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(rule.delay_ms)).await;
        }
        if rule.hang_up {
            witness.ended(Outcome::Cut);
            return Err(Cut);
        }
        let mut reply = if rule.answers() {
            endpoint::scripted::answer(&rule, &exchange)
        } else {
            route::answer(self, &exchange, Some(&rule))
        };
        reply.headers.extend(rule.headers.clone());
        let pace = Pace::of(&rule, endpoint::scripted::error_event(&rule, &exchange));
        Ok(self.respond(
            reply,
            Some(&exchange),
            Sending {
                pace,
                witness: Some(witness),
            },
        ))
    }

    /// Adds the usual headers and starts sending.
    fn respond(
        &self,
        reply: Reply,
        exchange: Option<&Exchange>,
        sending: Sending,
    ) -> Response<Delivery> {
        let Sending { pace, witness } = sending;
        if let Some(witness) = &witness {
            witness.status(reply.status);
        }
        let has_body = !matches!(reply.content, Content::Empty);
        let mut response = Response::new(Delivery::new(reply.content, pace, witness));
        *response.status_mut() = reply.status;
        let headers = response.headers_mut();
        headers.insert(EMULATOR_HEADER, HeaderValue::from_static("1"));
        if let Some(exchange) = exchange {
            self.usual_headers(headers, exchange, reply.passed_gateway && has_body);
        }
        for (name, value) in reply.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        response
    }

    /// The headers seen on every recorded reply.
    fn usual_headers(&self, headers: &mut HeaderMap, exchange: &Exchange, passed_gateway: bool) {
        let now_ms = self.clock.now_ms();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(
            "vary",
            "Origin,Access-Control-Request-Method,Access-Control-Request-Headers, Accept-Encoding",
        );
        set("x-request-id", &exchange.request_id);
        if passed_gateway {
            set("x-dashscope-call-gateway", "true");
        }
        set("x-envoy-upstream-service-time", "1");
        set("req-cost-time", "1");
        set("req-arrive-time", &now_ms.to_string());
        set("resp-start-time", &now_ms.saturating_add(1).to_string());
        set("server", "istio-envoy");
    }
}

/// How a reply is sent and who watches.
#[derive(Default)]
struct Sending {
    pace: Pace,
    witness: Option<Witness>,
}

impl Sending {
    fn seen_by(witness: Witness) -> Self {
        Self {
            pace: Pace::default(),
            witness: Some(witness),
        }
    }
}

async fn read_body(body: Incoming) -> Result<Bytes, Box<Reply>> {
    let refused = |status: StatusCode, text: &'static str| {
        Box::new(Reply::whole(
            status,
            "text/plain",
            Bytes::from_static(text.as_bytes()),
        ))
    };
    let collect = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_READ_DEADLINE, collect).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Request Entity Too Large",
        )),
        Ok(Err(_)) => Err(refused(
            StatusCode::BAD_REQUEST,
            "the request body is damaged",
        )),
        Err(_) => Err(refused(
            StatusCode::REQUEST_TIMEOUT,
            "the request body did not arrive in time",
        )),
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

impl Rule {
    /// The error this rule plays, in the envelope of `surface`.
    pub(crate) fn refusal(&self, surface: Surface) -> Refusal {
        let status = self
            .status
            .and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = self.code.as_deref().unwrap_or(match status.as_u16() {
            401 => "invalid_api_key",
            404 => "model_not_found",
            429 => "limit_requests",
            400..=499 => "invalid_parameter_error",
            _ => "internal_error",
        });
        let message = self
            .message
            .as_deref()
            .unwrap_or("Scripted by the openclaw emulator.");
        Refusal::on(surface, status, code, message)
    }
}
