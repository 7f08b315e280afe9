//! `POST /api/v1/oauth2/token`: trades an approved device code or a refresh token for tokens.

use http::StatusCode;
use serde_json::{Map, json};

use crate::oauth::{Form, IdentityServer, TokenGrant};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::Exchange;

/// Grant type of polls (RFC 8628, section 3.4).
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Answers with tokens, or with why there are none.
pub(crate) fn answer(server: &IdentityServer, exchange: &Exchange) -> Result<Reply, Refusal> {
    let form = Form::read(&exchange.headers, &exchange.body)?;
    let grant = match form.required("grant_type")? {
        DEVICE_CODE => server.poll(&form)?,
        "refresh_token" => server.refresh(&form)?,
        _ => {
            return Err(Refusal::oauth(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "the grant type is not offered",
            ));
        }
    };
    Ok(granted(grant))
}

fn granted(grant: TokenGrant) -> Reply {
    let mut body = Map::new();
    let mut put = |name: &str, value| body.insert(name.to_owned(), value);
    put("status", json!("success"));
    put("access_token", json!(grant.access_token));
    if let Some(refresh_token) = grant.refresh_token {
        put("refresh_token", json!(refresh_token));
    }
    put("token_type", json!("Bearer"));
    put("expires_in", json!(grant.expires_in_s));
    put("scope", json!(grant.scope));
    if let Some(resource_url) = grant.resource_url {
        put("resource_url", json!(resource_url));
    }
    Reply {
        delay: grant.reply_delay,
        hang_up: grant.hang_up,
        ..Reply::json(StatusCode::OK, &body.into())
    }
}
