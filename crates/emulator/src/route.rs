//! Which endpoint a path belongs to.

use http::Method;

use crate::access;
use crate::endpoint;
use crate::host::{Plan, Service};
use crate::refusal::{Refusal, Surface};
use crate::reply::Reply;
use crate::script::Rule;
use crate::studio::{Exchange, Studio};

/// Told to clients of the Coding Plan that do not say who they are.
const AGENTS_ONLY: &str = "Coding Plan is currently only available for Coding Agents";

/// The endpoints there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Models,
    ChatCompletions,
    DeviceCode,
    Token,
}

/// Lets the endpoint that a request is for answer it.
pub(crate) fn answer(studio: &Studio, exchange: &Exchange, rule: Option<&Rule>) -> Reply {
    let answered = gate(studio, exchange).and_then(|endpoint| {
        if let Some(events) = rule.and_then(|rule| rule.events.as_ref()) {
            let done = rule.is_some_and(|rule| rule.done);
            return Ok(endpoint::playback::answer(events, done));
        }
        match endpoint {
            Endpoint::Models => Ok(endpoint::models::answer(studio, exchange)),
            Endpoint::ChatCompletions => {
                let n_chunks = rule.and_then(|rule| rule.chunks);
                endpoint::chat_completions::answer(studio, exchange, n_chunks)
            }
            Endpoint::DeviceCode => endpoint::device_code::answer(&studio.identity, exchange),
            Endpoint::Token => endpoint::token::answer(&studio.identity, exchange),
        }
    });
    answered.unwrap_or_else(|refused| Reply::refused(&refused, &exchange.request_id))
}

/// Finds the endpoint and checks the key, in the order the service does.
fn gate(studio: &Studio, exchange: &Exchange) -> Result<Endpoint, Refusal> {
    let host = &exchange.host;
    if host.service == Service::Identity {
        return find_identity(exchange).ok_or_else(Refusal::not_found);
    }
    if host.plan == Plan::Coding && !exchange.headers.contains_key(http::header::USER_AGENT) {
        return Err(Refusal::bare(
            http::StatusCode::METHOD_NOT_ALLOWED,
            AGENTS_ONLY,
        ));
    }
    let surface = surface(exchange);
    let endpoint = find(exchange);
    if endpoint.is_none() && surface != Surface::Native {
        return Err(Refusal::not_found());
    }
    access::check(&studio.identity, host, surface, &exchange.headers)?;
    endpoint.ok_or_else(Refusal::not_found)
}

/// Tells whether a request is for the identity server's token endpoint.
pub(crate) fn is_for_tokens(exchange: &Exchange) -> bool {
    exchange.host.service == Service::Identity && find_identity(exchange) == Some(Endpoint::Token)
}

/// Tells which protocol a path belongs to.
pub(crate) fn surface(exchange: &Exchange) -> Surface {
    if exchange.host.service == Service::Identity {
        return Surface::Oauth;
    }
    let speaks_native = matches!(exchange.host.plan, Plan::Standard | Plan::Token);
    if speaks_native && exchange.path.starts_with("/api/v1/") {
        return Surface::Native;
    }
    if open_ai_path(exchange).is_some() {
        Surface::OpenAi
    } else {
        Surface::Other
    }
}

/// Returns the part of the path below the host's `OpenAI` base path.
fn open_ai_path(exchange: &Exchange) -> Option<&str> {
    let base = match exchange.host.plan {
        Plan::Standard | Plan::Token => "/compatible-mode/v1/",
        Plan::Coding | Plan::Portal => "/v1/",
    };
    exchange.path.strip_prefix(base)
}

fn find(exchange: &Exchange) -> Option<Endpoint> {
    let path = open_ai_path(exchange)?;
    match (path, &exchange.method) {
        ("models", &Method::GET) if exchange.host.plan != Plan::Coding => Some(Endpoint::Models),
        ("chat/completions", &Method::POST) => Some(Endpoint::ChatCompletions),
        _ => None,
    }
}

fn find_identity(exchange: &Exchange) -> Option<Endpoint> {
    match (exchange.path.as_str(), &exchange.method) {
        ("/api/v1/oauth2/device/code", &Method::POST) => Some(Endpoint::DeviceCode),
        ("/api/v1/oauth2/token", &Method::POST) => Some(Endpoint::Token),
        _ => None,
    }
}
