//! The identity server as its owner steers it, from Rust and below `/_emulator/oauth`.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::device::Decision;
use super::settings::Settings;
use super::{IdentityServer, SCOPE, State, seconds};
use crate::error::Error;
use crate::reply::Reply;

/// Longest token that can be asked for, in bytes.
const TOKEN_BYTES_MAX: usize = 512;

/// A login to mint without a device flow; what is left out is chosen by the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoginWish {
    /// The access token.
    pub access: Option<String>,
    /// The refresh token.
    pub refresh: Option<String>,
    /// Milliseconds until the access token is refused; 0 mints an expired one.
    pub expires_in_ms: Option<u64>,
}

/// A minted login, with the fields a token reply has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssuedLogin {
    /// The token that opens the portal.
    pub access_token: String,
    /// The token that buys the next access token.
    pub refresh_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token is refused.
    pub expires_in: u64,
    /// What the login is for.
    pub scope: &'static str,
    /// Where the tokens are to be used, if the server says so.
    pub resource_url: Option<String>,
}

/// The identity server of a running emulator, as its owner sees it.
pub struct OauthControl<'a>(pub(crate) &'a IdentityServer);

/// What can be done besides changing settings.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Actions {
    revoke_all: bool,
    revoke_access: bool,
    revoke: Vec<String>,
    issue: Option<LoginWish>,
}

impl OauthControl<'_> {
    /// Changes settings and carries out actions, as `POST /_emulator/oauth` does.
    ///
    /// Fields left out stay as they are. The reply holds the settings in force
    /// and, when a login was asked for, its tokens.
    ///
    /// # Errors
    /// [`Error::Oauth`] when the document is not understood; nothing was changed.
    pub fn configure(&self, document: &Value) -> Result<Value, Error> {
        let mut guard = self.0.lock();
        let (settings, actions) = read(&guard.settings, document)?;
        guard.check(&actions)?;
        guard.apply(settings);
        for token in &actions.revoke {
            guard.tokens.revoke(token);
        }
        if actions.revoke_access {
            guard.tokens.revoke_access();
        }
        if actions.revoke_all {
            guard.tokens.revoke_all();
        }
        let mut reply = Map::new();
        if let Some(wish) = actions.issue {
            reply.insert("issued".to_owned(), json!(guard.issue(wish)));
        }
        reply.insert("settings".to_owned(), json!(guard.settings));
        Ok(Value::Object(reply))
    }

    /// Mints a login.
    ///
    /// # Errors
    /// [`Error::Oauth`] when a wished token is empty, too long or already issued.
    pub fn issue(&self, wish: LoginWish) -> Result<IssuedLogin, Error> {
        let mut guard = self.0.lock();
        guard.check_wish(&wish)?;
        Ok(guard.issue(wish))
    }

    /// Approves the login that waits under a user code.
    ///
    /// # Errors
    /// [`Error::Oauth`] when none waits under it.
    pub fn approve(&self, user_code: &str) -> Result<(), Error> {
        self.decide(user_code, Decision::Approved)
    }

    /// Denies the login that waits under a user code.
    ///
    /// # Errors
    /// [`Error::Oauth`] when none waits under it.
    pub fn deny(&self, user_code: &str) -> Result<(), Error> {
        self.decide(user_code, Decision::Denied)
    }

    /// Moves the server's clock ahead; tokens and codes age by that much.
    pub fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.lock().clock.advance(by_ms);
    }

    /// Returns settings, counts, codes and tokens, as `GET /_emulator/oauth` does.
    pub fn report(&self) -> Value {
        let guard = self.0.lock();
        let now_ms = guard.now_ms();
        json!({
            "now_ms": now_ms,
            "settings": guard.settings,
            "counts": guard.tally,
            "logins": guard.devices.report(now_ms),
            "access_tokens": guard.tokens.report_access(now_ms),
            "refresh_tokens": guard.tokens.report_refresh(),
        })
    }

    fn decide(&self, user_code: &str, decision: Decision) -> Result<(), Error> {
        let mut guard = self.0.lock();
        let now_ms = guard.now_ms();
        if guard.devices.decide(user_code, decision, now_ms) {
            return Ok(());
        }
        Err(wrong("no login waits under this user code"))
    }
}

impl State {
    fn apply(&mut self, settings: Settings) {
        if settings.frozen {
            self.clock.stop();
        } else {
            self.clock.run();
        }
        self.settings = settings;
    }

    fn issue(&mut self, wish: LoginWish) -> IssuedLogin {
        let ttl_ms = wish.expires_in_ms.unwrap_or(self.settings.access_ttl_ms);
        let expires_at_ms = self.now_ms().saturating_add(ttl_ms);
        let refresh_token = self.tokens.log_in(wish.refresh);
        let access_token = self
            .tokens
            .mint_access(&refresh_token, wish.access, expires_at_ms);
        IssuedLogin {
            access_token,
            refresh_token,
            token_type: "Bearer",
            expires_in: seconds(ttl_ms),
            scope: SCOPE,
            resource_url: self.settings.resource_url.clone(),
        }
    }

    fn check(&self, actions: &Actions) -> Result<(), Error> {
        if actions.revoke.iter().any(|token| !self.tokens.knows(token)) {
            return Err(wrong("a token to revoke was never issued"));
        }
        actions
            .issue
            .as_ref()
            .map_or(Ok(()), |wish| self.check_wish(wish))
    }

    fn check_wish(&self, wish: &LoginWish) -> Result<(), Error> {
        let wished = [&wish.access, &wish.refresh];
        for token in wished.into_iter().flatten() {
            let printable = token.bytes().all(|byte| byte.is_ascii_graphic());
            if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !printable {
                return Err(wrong("a wished token is empty, too long or not printable"));
            }
            if self.tokens.knows(token) {
                return Err(wrong("a wished token was already issued"));
            }
        }
        Ok(())
    }
}

/// Answers a control request about the identity server, if there is such a one.
pub(crate) fn answer(
    control: &OauthControl<'_>,
    method: &Method,
    path: &str,
    body: &Bytes,
) -> Option<Reply> {
    let done = match (method, path) {
        (&Method::GET, "/oauth") => Ok(control.report()),
        (&Method::POST, "/oauth") => document(body).and_then(|wish| control.configure(&wish)),
        (&Method::POST, "/oauth/approve") => user_code(body)
            .and_then(|code| control.approve(&code).map(|()| json!({"approved": code}))),
        (&Method::POST, "/oauth/deny") => {
            user_code(body).and_then(|code| control.deny(&code).map(|()| json!({"denied": code})))
        }
        (&Method::POST, "/oauth/advance") => document(body).and_then(|wish| {
            control.advance(Duration::from_millis(jump_ms(&wish)?));
            Ok(json!({"now_ms": control.0.lock().now_ms()}))
        }),
        _ => return None,
    };
    Some(match done {
        Ok(body) => Reply::json(StatusCode::OK, &body),
        Err(error) => Reply::json(
            StatusCode::BAD_REQUEST,
            &json!({"error": error.to_string()}),
        ),
    })
}

/// Lays the settings of a document over those in force and reads its actions.
fn read(settings: &Settings, document: &Value) -> Result<(Settings, Actions), Error> {
    let given = document
        .as_object()
        .ok_or_else(|| wrong("an object is expected"))?;
    let (mut wanted, mut actions) = (json!(settings), Map::new());
    let known = wanted.as_object_mut().ok_or_else(|| wrong("no settings"))?;
    for (name, value) in given {
        let place = match name.as_str() {
            "revoke_all" | "revoke_access" | "revoke" | "issue" => &mut actions,
            _ => &mut *known,
        };
        place.insert(name.clone(), value.clone());
    }
    let damaged = |error: serde_json::Error| wrong(error.to_string());
    let settings: Settings = serde_json::from_value(wanted).map_err(damaged)?;
    settings.check().map_err(wrong)?;
    let actions = serde_json::from_value(Value::Object(actions)).map_err(damaged)?;
    Ok((settings, actions))
}

fn document(body: &Bytes) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))
}

fn user_code(body: &Bytes) -> Result<String, Error> {
    let document = document(body)?;
    let code = document.get("user_code").and_then(Value::as_str);
    code.map(str::to_owned)
        .ok_or_else(|| wrong("`user_code` is missing"))
}

fn jump_ms(document: &Value) -> Result<u64, Error> {
    let jump_ms = document.get("ms").and_then(Value::as_u64);
    jump_ms.ok_or_else(|| wrong("`ms` must be a whole number of milliseconds"))
}

fn wrong(problem: impl Into<String>) -> Error {
    Error::Oauth {
        problem: problem.into(),
    }
}
