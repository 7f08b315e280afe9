//! The key gate: which key or token opens which host, and what the others are told.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::host::{Host, Plan};
use crate::key;
use crate::oauth::IdentityServer;
use crate::refusal::{Refusal, Surface};

/// Text for a request without a key, recorded with its final blank.
const NO_KEY: &str = "You didn't provide an API key. You need to provide your API key in an \
    Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). ";

/// Text of the plan hosts and the portal for any key they do not know.
const TOKEN_INVALID: &str = "invalid access token or token expired";

/// Prefix of workspace ids that belong to somebody else than the emulator's keys.
const FOREIGN_WORKSPACE: [&str; 2] = ["llm-foreign", "ws-foreign"];

/// Returns the bearer key of a request, if it carries one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

/// Lets the request in, or says no the way `host` does.
pub(crate) fn check(
    identity: &IdentityServer,
    host: &Host,
    surface: Surface,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let in_header = |name: &str| headers.get(name)?.to_str().ok();
    let by_name = (surface == Surface::Anthropic).then(|| in_header("x-api-key"));
    let Some(written) = bearer(headers).or(by_name.flatten()) else {
        return Err(no_key(host, surface));
    };
    let opens = match host.plan {
        Plan::Portal => identity.admits(written),
        Plan::Standard | Plan::Coding | Plan::Token => key::find(written)
            .is_some_and(|known| known.plan == host.plan && known.region == host.region),
    };
    if !opens {
        return Err(wrong_key(host, surface));
    }
    match &host.workspace {
        Some(id)
            if FOREIGN_WORKSPACE
                .iter()
                .any(|prefix| id.starts_with(prefix)) =>
        {
            Err(foreign_workspace(surface))
        }
        _ => Ok(()),
    }
}

fn no_key(host: &Host, surface: Surface) -> Refusal {
    let status = StatusCode::UNAUTHORIZED;
    match surface {
        Surface::Native | Surface::Responses => {
            Refusal::native(status, "InvalidApiKey", "No API-key provided.")
        }
        Surface::Anthropic => Refusal::anthropic(status, "No API-key provided."),
        Surface::OpenAi | Surface::Oauth | Surface::Other if host.plan == Plan::Portal => {
            Refusal::plan(status, "invalid_api_key", TOKEN_INVALID)
        }
        Surface::OpenAi | Surface::Oauth | Surface::Other => Refusal::open_ai(status, None, NO_KEY),
    }
}

fn wrong_key(host: &Host, surface: Surface) -> Refusal {
    let status = StatusCode::UNAUTHORIZED;
    if matches!(surface, Surface::Native | Surface::Responses) {
        return Refusal::native(status, "InvalidApiKey", "Invalid API-key provided.");
    }
    if surface == Surface::Anthropic && host.plan == Plan::Standard {
        return Refusal::anthropic(status, "invalid api-key");
    }
    match host.plan {
        Plan::Standard => Refusal::open_ai(
            status,
            Some("invalid_api_key"),
            format!(
                "Incorrect API key provided. For details, see: {}#apikey-error",
                host.region.error_page()
            ),
        ),
        Plan::Coding | Plan::Portal => Refusal::plan(status, "invalid_api_key", TOKEN_INVALID),
        Plan::Token => Refusal::open_ai(status, Some("InvalidApiKey"), "Invalid API-key provided."),
    }
}

fn foreign_workspace(surface: Surface) -> Refusal {
    Refusal::on(
        surface,
        StatusCode::UNAUTHORIZED,
        "NOT AUTHORIZED",
        "Workspace is not authorized or does not exist.",
    )
}
