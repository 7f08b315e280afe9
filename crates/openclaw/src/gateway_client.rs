//! Talks to the running gateway: is it there, how is it, what has it served.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use providers::Deadline;
use providers::http_client::{HttpClient, NetworkSettings};
use serde_json::Value;

use crate::context::{Context, ReadConfig};
use crate::daemon::instance::Instance;
use crate::exit_code::Exit;
use crate::failed::Failed;

/// Largest answer read from the gateway, in bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a command waits to learn whether a gateway listens before it does the work itself.
const LOOK_MAX: Duration = Duration::from_millis(300);

/// Where the gateway of this home listens, and the token for it.
pub(crate) struct GatewayClient {
    address: SocketAddr,
    token: Option<String>,
    client: HttpClient,
}

impl GatewayClient {
    /// Creates a client for the gateway that the config describes.
    pub(crate) fn new(context: &Context, config: &ReadConfig) -> Self {
        let host = match crate::commands::gateway_run::bind_address(None, &config.settings.gateway)
        {
            Ok(address) if !address.is_unspecified() => address,
            _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let token = crate::commands::gateway_run::configured_token(context, config)
            .ok()
            .flatten();
        let address = SocketAddr::new(host, context.gateway_port(config));
        Self {
            address,
            token,
            client: HttpClient::new(NetworkSettings::default()),
        }
    }

    /// Creates a client for a gateway at a known address.
    pub(crate) fn at(address: SocketAddr, token: &str) -> Self {
        Self {
            address,
            token: Some(token.to_owned()),
            client: HttpClient::new(NetworkSettings::default()),
        }
    }

    /// Returns the client for the process that serves the home, which may listen elsewhere than the config says now.
    pub(crate) fn of_instance(mut self, instance: &Instance) -> Self {
        if let Some(holder) = instance.holder() {
            self.address = reachable(holder.address);
        }
        self
    }

    /// Returns the base URL of its OpenAI-compatible interface.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Returns the address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the token.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Says whether a gateway answers right now.
    pub(crate) async fn is_there(&self) -> bool {
        let health = self.get("/health", None, LOOK_MAX).await;
        health.is_ok_and(|health| health.get("ok") == Some(&Value::Bool(true)))
    }

    /// Asks for `/health` and `/readyz`; sends no credential, since anybody could be listening there.
    pub(crate) async fn health(&self, wait: Duration) -> Result<Value, Failed> {
        self.get("/health", None, wait).await?;
        self.get("/readyz", None, wait).await
    }

    /// Asks for the gateway's own view of itself.
    pub(crate) async fn status(&self, wait: Duration) -> Result<Value, Failed> {
        self.get("/openclaw/status", self.token.as_deref(), wait)
            .await
    }

    /// Asks for the models that it serves.
    pub(crate) async fn models(&self, wait: Duration) -> Result<Value, Failed> {
        self.get("/v1/models", self.token.as_deref(), wait).await
    }

    async fn get(&self, path: &str, token: Option<&str>, wait: Duration) -> Result<Value, Failed> {
        let url = format!("http://{}{path}", self.address);
        let mut request = Request::get(&url);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request
            .body(Full::<Bytes>::default())
            .map_err(|error| Failed::of(&error))?;
        let answered = Deadline::after(wait).bound(async {
            let response = self
                .client
                .send(request)
                .await
                .map_err(|error| self.unreachable(&error.to_string()))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await;
            let body = body
                .map_err(|error| self.unreachable(&error.to_string()))?
                .to_bytes();
            Ok::<_, Failed>((
                status,
                serde_json::from_slice::<Value>(&body).unwrap_or_default(),
            ))
        });
        let (status, body) = answered.await.map_err(|_| {
            self.unreachable(&format!("no answer within {} ms", wait.as_millis()))
        })??;
        // `/readyz` answers 503 with a body that says why; that is an answer.
        if status.is_success() || status == http::StatusCode::SERVICE_UNAVAILABLE {
            return Ok(body);
        }
        let message = body
            .pointer("/error/message")
            .and_then(Value::as_str)
            .unwrap_or("no reason given");
        Err(Failed::new(format!(
            "the gateway at {} answered {status}: {message}",
            self.address
        ))
        .exit(Exit::Auth))
    }

    fn unreachable(&self, why: &str) -> Failed {
        Failed::new(format!("no gateway answers at {}: {why}", self.address))
            .exit(Exit::Network)
            .hint("`openclaw gateway run` starts it")
    }
}

/// Returns an address to connect to for one that is listened at: everywhere includes this machine.
pub(crate) fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}
