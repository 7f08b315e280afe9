//! Who may call: the operator token, and which `Host` and `Origin` a browser may come from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use credentials::Secret;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::openai_error::OpenAiError;
use crate::state::Shared;

/// Name of the caller that has the gateway's own token.
const OPERATOR: &str = "operator";

/// How callers prove who they are.
#[derive(Debug, PartialEq, Eq)]
pub enum Auth {
    /// A bearer token, or the same secret in `x-api-key`.
    Token(Secret),
    /// No check; only allowed on a loopback bind.
    None,
}

/// A caller that was verified. Only this module can build one, so a handler that takes it cannot forget the check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    label: &'static str,
}

impl Caller {
    /// Returns the name under which the caller's requests are recorded.
    pub(crate) fn label(self) -> &'static str {
        self.label
    }
}

impl Auth {
    /// Verifies the credential in `headers`.
    ///
    /// # Errors
    /// An answer with status 401 when it is missing or wrong.
    pub(crate) fn verify(&self, headers: &HeaderMap) -> Result<Caller, OpenAiError> {
        let Self::Token(token) = self else {
            return Ok(Caller { label: OPERATOR });
        };
        let presented =
            bearer(headers.get(AUTHORIZATION)).or_else(|| headers.get("x-api-key").and_then(text));
        match presented {
            Some(presented) if token.matches(presented) => Ok(Caller { label: OPERATOR }),
            Some(_) => Err(OpenAiError::unauthorized("the gateway token is wrong")),
            None => Err(OpenAiError::unauthorized(
                "the gateway token is missing: send `Authorization: Bearer <token>`",
            )),
        }
    }
}

fn bearer(value: Option<&HeaderValue>) -> Option<&str> {
    let value = text(value?)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = OpenAiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, OpenAiError> {
        shared.auth.verify(&parts.headers)
    }
}

/// Refuses requests that a foreign web page could have made: a `Host` that is not this gateway (DNS rebinding) or an
/// `Origin` that is not this gateway.
///
/// # Errors
/// An answer with status 403 that names the header.
pub(crate) fn check_origin(headers: &HeaderMap, bound: SocketAddr) -> Result<(), OpenAiError> {
    // HTTP/1.0 clients and health probes may send no Host; a browser always does.
    let mut hosts = headers.get_all(HOST).iter().map(text);
    if !hosts.all(|host| host.is_some_and(|host| is_own_host(host, bound))) {
        return Err(OpenAiError::forbidden(
            "the `Host` header is not an address of this gateway",
        ));
    }
    let mut origins = headers.get_all(ORIGIN).iter().map(text);
    if !origins.all(|origin| origin.is_some_and(|origin| is_own_origin(origin, bound))) {
        return Err(OpenAiError::forbidden(
            "requests from this `Origin` are not allowed",
        ));
    }
    Ok(())
}

fn is_own_origin(origin: &str, bound: SocketAddr) -> bool {
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|authority| is_own_host(authority, bound))
}

/// Compares by IP literal, never by prefix: `127.evil.com` is a name, not an address.
fn is_own_host(authority: &str, bound: SocketAddr) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if port.is_empty() || is_port(port) => host,
            _ => return false,
        },
        None => match authority.rsplit_once(':') {
            Some((host, port)) if is_port(&format!(":{port}")) => host,
            Some(_) => return false,
            None => authority,
        },
    };
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match host.parse::<IpAddr>() {
        // A gateway bound to all addresses answers to any address literal: rebinding needs a name.
        Ok(address) => {
            address.is_loopback() || address == bound.ip() || bound.ip().is_unspecified()
        }
        Err(_) => false,
    }
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|digits| digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn only_the_whole_token_passes() {
        let auth = Auth::Token(Secret::new("right".to_owned()));
        for (pairs, ok) in [
            (vec![("authorization", "Bearer right")], true),
            (vec![("authorization", "bearer right")], true),
            (vec![("x-api-key", "right")], true),
            (vec![("authorization", "Bearer righ")], false),
            (vec![("authorization", "Bearer right2")], false),
            (vec![("authorization", "Basic right")], false),
            (vec![("authorization", "right")], false),
            (vec![("authorization", "Bearer ")], false),
            (vec![], false),
        ] {
            assert_eq!(auth.verify(&headers(&pairs)).is_ok(), ok, "{pairs:?}");
        }
        assert!(Auth::None.verify(&headers(&[])).is_ok());
    }

    #[test]
    fn hosts_are_compared_as_addresses() {
        let loopback: SocketAddr = "127.0.0.1:18789".parse().unwrap();
        for (host, ok) in [
            ("127.0.0.1:18789", true),
            ("127.0.0.1", true),
            ("localhost:18789", true),
            ("LOCALHOST", true),
            ("[::1]:18789", true),
            ("127.0.0.2", true),
            ("127.evil.com", false),
            ("127.0.0.1.evil.com:18789", false),
            ("localhost.evil.com", false),
            ("evil.com", false),
            ("169.254.169.254", false),
            ("[::1]evil", false),
            ("localhost:evil", false),
            ("", false),
        ] {
            assert_eq!(
                check_origin(&headers(&[("host", host)]), loopback).is_ok(),
                ok,
                "{host}"
            );
            let origin = format!("http://{host}");
            assert_eq!(
                check_origin(&headers(&[("origin", &origin)]), loopback).is_ok(),
                ok,
                "{origin}"
            );
        }
        assert!(check_origin(&headers(&[("origin", "null")]), loopback).is_err());
        assert!(check_origin(&headers(&[("origin", "file://")]), loopback).is_err());
        let everywhere: SocketAddr = "0.0.0.0:18789".parse().unwrap();
        assert!(check_origin(&headers(&[("host", "192.168.1.5:18789")]), everywhere).is_ok());
        assert!(check_origin(&headers(&[("host", "nas.local")]), everywhere).is_err());
    }
}
