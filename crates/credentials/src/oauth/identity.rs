//! An identity server: its addresses, and the requests that it understands.
//!
//! The `oauth2` crate builds the requests. It sends what it builds and knows one way to read the answer and to wait for
//! it; this server's answers and waits differ, so here the crate is handed a client that keeps the request instead of
//! sending it.

use std::cell::RefCell;
use std::time::Duration;

use catalog::{Catalog, OauthServer};
use config::ProviderId;
use http::{HeaderValue, Request};
use oauth2::basic::BasicClient;
use oauth2::{
    ClientId, DeviceAuthorizationUrl, DeviceCodeErrorResponse, EmptyExtraDeviceAuthorizationFields,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, RefreshToken,
    RequestTokenError, Scope, StandardDeviceAuthorizationResponse, TokenUrl,
};

use crate::error::Error;
use crate::secret::Secret;

use super::login_state::Margins;
use super::reply::{self, CallFailure, Grant};
use super::transport::{TokenTransport, post};

/// The longest that one request to an identity server may take.
///
/// Two of them and the writes around them must end before the lock of a refresh counts as abandoned
/// ([`config::LOCK_STALE_AFTER`]).
pub(super) const CALL_MAX: Duration = Duration::from_secs(12);

/// The client of one server, with the two addresses that are used.
type Client = BasicClient<EndpointNotSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// An identity server of the catalog, checked and ready for requests.
#[derive(Debug, Clone)]
pub struct Identity {
    server: OauthServer,
    providers: Vec<String>,
    client: Client,
}

impl Identity {
    /// Takes every identity server of the catalog.
    ///
    /// # Errors
    /// [`Error::IdentityServer`] when one has an address that is no URL.
    pub fn all_of(catalog: &Catalog) -> Result<Vec<Self>, Error> {
        catalog
            .oauth_servers()
            .iter()
            .map(|server| Self::new(server, catalog))
            .collect()
    }

    fn new(server: &OauthServer, catalog: &Catalog) -> Result<Self, Error> {
        let bad = |url: &str| Error::IdentityServer {
            id: server.id.clone(),
            url: url.to_owned(),
        };
        let device_url = DeviceAuthorizationUrl::new(server.device_url.clone())
            .map_err(|_| bad(&server.device_url))?;
        let token_url =
            TokenUrl::new(server.token_url.clone()).map_err(|_| bad(&server.token_url))?;
        let provider = catalog.provider(&server.provider);
        let aliases = provider.into_iter().flat_map(|known| known.aliases.clone());
        Ok(Self {
            providers: std::iter::once(server.provider.clone())
                .chain(aliases)
                .collect(),
            client: BasicClient::new(ClientId::new(server.client_id.clone()))
                .set_device_authorization_url(device_url)
                .set_token_uri(token_url),
            server: server.clone(),
        })
    }

    /// Returns what the catalog says about the server.
    pub fn server(&self) -> &OauthServer {
        &self.server
    }

    /// Tells whether logins of this provider are made here.
    pub fn serves(&self, provider: &ProviderId) -> bool {
        self.providers.iter().any(|id| id == provider.as_str())
    }

    /// Returns how early tokens of this server are renewed.
    pub fn margins(&self) -> Margins {
        Margins {
            refresh_ms: self.server.refresh_margin_ms,
            skew_ms: self.server.clock_skew_ms,
        }
    }

    /// Returns the base URL for requests with a token, from the `resource_url` that came with it.
    ///
    /// A missing scheme is `https`, a missing `/v1` at the end is added, and a URL to which a token must not be sent
    /// (plain `http` beyond this machine, or with odd parts) counts as none.
    pub fn base_url(&self, resource_url: Option<&str>) -> String {
        resource_url
            .and_then(base_url)
            .unwrap_or_else(|| self.server.default_resource_url.clone())
    }

    /// Builds the request for a code (RFC 8628, section 3.1, with RFC 7636).
    pub(super) fn device_request(
        &self,
        challenge: &PkceCodeChallenge,
    ) -> Result<HttpRequest, CallFailure> {
        let scopes = self.server.scopes.iter().cloned().map(Scope::new);
        let mut request = keep(|client| {
            let request = self
                .client
                .exchange_device_code()
                .add_scopes(scopes)
                .add_extra_param("code_challenge", challenge.as_str())
                .add_extra_param("code_challenge_method", challenge.method().as_str());
            let _: Result<StandardDeviceAuthorizationResponse, _> = request.request(&client);
        })?;
        if let Ok(id) = HeaderValue::from_str(&super::uuid_v4()) {
            request.headers_mut().insert("x-request-id", id);
        }
        Ok(request)
    }

    /// Builds the question for the outcome of a login (RFC 8628, section 3.4).
    pub(super) fn poll_request(
        &self,
        device_code: &Secret,
        verifier: &str,
    ) -> Result<HttpRequest, CallFailure> {
        let details = device_details(device_code)?;
        keep(|client| {
            let request = self
                .client
                .exchange_device_access_token(&details)
                .add_extra_param("code_verifier", verifier);
            let _: Result<_, RequestTokenError<_, DeviceCodeErrorResponse>> =
                request.request(&client, |_| {}, None);
        })
    }

    /// Spends a refresh token (RFC 6749, section 6).
    pub(super) async fn refresh(
        &self,
        transport: &dyn TokenTransport,
        refresh: &Secret,
    ) -> Result<Grant, CallFailure> {
        let token = RefreshToken::new(refresh.expose().to_owned());
        let request = keep(|client| {
            let _ = self.client.exchange_refresh_token(&token).request(&client);
        })?;
        let reply = post(transport, request, CALL_MAX)
            .await
            .map_err(|error| CallFailure::Unreachable(error.cause()))?;
        reply::read_refresh(&reply)
    }
}

/// Runs a request of the `oauth2` crate against a client that keeps the request and ends the attempt.
fn keep(
    send: impl FnOnce(&dyn Fn(HttpRequest) -> Result<HttpResponse, http::Error>),
) -> Result<HttpRequest, CallFailure> {
    let kept = RefCell::new(None);
    send(&|request| {
        kept.replace(Some(request));
        // Anything but a final refusal would make the crate wait and ask again.
        http::Response::builder()
            .status(400)
            .body(br#"{"error":"expired_token"}"#.to_vec())
    });
    kept.into_inner()
        .map(with_percent_spaces)
        .ok_or(CallFailure::Unbuildable)
}

/// Writes blanks in the form as `%20`, as the vendor's clients do; a real `+` is `%2B` there already.
fn with_percent_spaces(request: HttpRequest) -> Request<Vec<u8>> {
    request.map(|body| {
        body.into_iter()
            .flat_map(|byte| match byte {
                b'+' => b"%20".to_vec(),
                byte => vec![byte],
            })
            .collect()
    })
}

/// Wraps a device code in the form that the `oauth2` crate wants; the other fields are not sent.
fn device_details(
    device_code: &Secret,
) -> Result<oauth2::DeviceAuthorizationResponse<EmptyExtraDeviceAuthorizationFields>, CallFailure> {
    let mut details = serde_json::json!({
        "device_code": device_code.expose(),
        "user_code": "",
        "verification_uri": "https://localhost/",
        "expires_in": 60,
    });
    let parsed = serde_json::from_value(details.clone()).map_err(|_| CallFailure::Unbuildable);
    crate::document::wipe(&mut details);
    parsed
}

fn base_url(resource_url: &str) -> Option<String> {
    let text = resource_url.trim().trim_end_matches('/');
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'?' | b'#' | b'\\'));
    if text.is_empty() || !is_plain {
        return None;
    }
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let is_local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .filter_map(|prefix| with_scheme.strip_prefix(prefix))
        .any(|rest| rest.is_empty() || rest.starts_with([':', '/']));
    if !with_scheme.starts_with("https://") && !is_local {
        return None;
    }
    if with_scheme.ends_with("/v1") {
        return Some(with_scheme);
    }
    Some(format!("{with_scheme}/v1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let catalog = Catalog::builtin().unwrap();
        Identity::all_of(&catalog).unwrap().remove(0)
    }

    fn form(request: &HttpRequest) -> Vec<String> {
        let text = String::from_utf8(request.body().clone()).unwrap();
        let mut pairs: Vec<_> = text.split('&').map(str::to_owned).collect();
        pairs.sort();
        pairs
    }

    #[test]
    fn resource_urls_become_base_urls() {
        let identity = identity();
        let default = "https://portal.qwen.ai/v1";
        for (resource, expected) in [
            (Some("portal.qwen.ai"), "https://portal.qwen.ai/v1"),
            (Some("portal.qwen.ai/"), "https://portal.qwen.ai/v1"),
            (Some("https://a.example/v1"), "https://a.example/v1"),
            (Some("https://a.example/v1/"), "https://a.example/v1"),
            (Some("https://a.example/api"), "https://a.example/api/v1"),
            (Some("http://127.0.0.1:4010"), "http://127.0.0.1:4010/v1"),
            (Some("http://a.example"), default),
            (Some("http://127.0.0.1.example"), default),
            (Some("https://me@a.example"), default),
            (Some("ftp://a.example"), default),
            (Some("a b"), default),
            (Some(" "), default),
            (None, default),
        ] {
            assert_eq!(identity.base_url(resource), expected, "{resource:?}");
        }
    }

    #[test]
    fn serves_the_provider_under_all_its_names() {
        let serves = |name: &str| identity().serves(&ProviderId::new(name).unwrap());
        assert!(serves("qwen-oauth") && serves("qwen-portal"));
        assert!(!serves("qwen"));
    }

    #[test]
    fn the_request_for_a_code_is_the_one_of_the_original() {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = identity().device_request(&challenge).unwrap();
        assert_eq!(request.method(), http::Method::POST);
        assert_eq!(
            request.uri(),
            "https://chat.qwen.ai/api/v1/oauth2/device/code"
        );
        assert_eq!(request.headers()["accept"], "application/json");
        assert_eq!(
            request.headers()["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(request.headers()["x-request-id"].len(), 36);
        assert_eq!(
            form(&request),
            [
                "client_id=f0304373b74a44d2b584a3fb70ca9e56".to_owned(),
                format!("code_challenge={}", challenge.as_str()),
                "code_challenge_method=S256".to_owned(),
                "scope=openid%20profile%20email%20model.completion".to_owned(),
            ]
        );
        assert_eq!(verifier.secret().len(), 43);
    }

    #[test]
    fn the_question_for_the_outcome_is_the_one_of_the_original() {
        let code = Secret::new("dc+1/=".to_owned());
        let request = identity().poll_request(&code, "verifier").unwrap();
        assert_eq!(request.uri(), "https://chat.qwen.ai/api/v1/oauth2/token");
        assert!(!request.headers().contains_key("x-request-id"));
        assert_eq!(
            form(&request),
            [
                "client_id=f0304373b74a44d2b584a3fb70ca9e56",
                "code_verifier=verifier",
                "device_code=dc%2B1%2F%3D",
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code",
            ]
        );
    }

    #[tokio::test]
    async fn a_refresh_is_the_one_of_the_original() {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let keep = std::sync::Arc::clone(&seen);
        let transport = move |request: HttpRequest, _: Duration| {
            keep.lock().unwrap().extend(form(&request));
            async {
                let body = br#"{"access_token":"at-1","expires_in":60}"#;
                Ok(super::super::TokenReply::new(200, body.to_vec()))
            }
        };
        let refresh = Secret::new("rt-0".to_owned());
        let grant = identity().refresh(&transport, &refresh).await.unwrap();
        assert!(grant.access.matches("at-1") && grant.refresh.is_none());
        assert_eq!(
            *seen.lock().unwrap(),
            [
                "client_id=f0304373b74a44d2b584a3fb70ca9e56",
                "grant_type=refresh_token",
                "refresh_token=rt-0",
            ]
        );
    }
}
