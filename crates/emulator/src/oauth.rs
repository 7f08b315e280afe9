//! The portal's identity server: who may log in, and which tokens are good.
//!
//! `device` holds the codes of unfinished logins (RFC 8628), `token` the tokens
//! of finished ones, `SteeredClock` the time both live by, `settings` how the server
//! behaves. One lock covers all of it: what a client is told and what is
//! remembered never differ.

mod control;
mod device;
mod form;
mod pkce;
mod settings;
mod tally;
mod token;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

pub(crate) use control::answer;
pub use control::{IssuedLogin, LoginWish, OauthControl};
pub(crate) use form::{Form, hide_secrets};

use crate::refusal::Refusal;
use crate::steered_clock::SteeredClock;
use device::{DeviceBook, Poll};
use settings::Settings;
use tally::Tally;
use token::{Refresh, TokenBook};

/// The only client the server knows: the public id that portal clients share.
const CLIENT_ID: &str = "f0304373b74a44d2b584a3fb70ca9e56";

/// What a client may ask for; also what a minted login has.
const SCOPE: &str = "openid profile email model.completion";

/// Everything the identity server knows.
#[derive(Default)]
pub(crate) struct IdentityServer {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    settings: Settings,
    clock: SteeredClock,
    devices: DeviceBook,
    tokens: TokenBook,
    tally: Tally,
}

/// A device code on its way to the client.
pub(crate) struct DeviceGrant {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    /// Seconds until the codes are worthless.
    pub(crate) expires_in_s: u64,
    /// Seconds between polls, when the server says so.
    pub(crate) interval_s: Option<u64>,
}

/// Tokens on their way to the client.
pub(crate) struct TokenGrant {
    pub(crate) access_token: String,
    /// Left out when the client is to keep the one it has.
    pub(crate) refresh_token: Option<String>,
    /// Seconds until the access token is refused.
    pub(crate) expires_in_s: u64,
    pub(crate) scope: String,
    pub(crate) resource_url: Option<String>,
    /// Wait between the change and the reply.
    pub(crate) reply_delay: Duration,
    /// Cut the connection instead of replying.
    pub(crate) hang_up: bool,
}

impl IdentityServer {
    /// Begins a login.
    pub(crate) fn begin(&self, form: &Form) -> Result<DeviceGrant, Refusal> {
        known_client(form)?;
        let scope = form.get("scope").unwrap_or(SCOPE);
        if !scope
            .split(' ')
            .all(|word| SCOPE.split(' ').any(|known| known == word))
        {
            return Err(refused("invalid_scope", "the scope is not offered"));
        }
        if form.required("code_challenge_method")? != "S256" {
            return Err(invalid("`code_challenge_method` must be `S256`"));
        }
        let challenge = form.required("code_challenge")?;
        if !pkce::is_challenge(challenge) {
            return Err(invalid("`code_challenge` is no S256 challenge"));
        }
        let mut state = self.lock();
        let expires_at_ms = state.now_ms().saturating_add(state.settings.device_ttl_ms);
        let (device_code, user_code) = state.devices.add(scope, challenge, expires_at_ms);
        state.tally.device_codes += 1;
        Ok(DeviceGrant {
            device_code,
            user_code,
            expires_in_s: seconds(state.settings.device_ttl_ms),
            interval_s: state.settings.interval_s,
        })
    }

    /// Asks whether a login was approved; approved, it is finished.
    pub(crate) fn poll(&self, form: &Form) -> Result<TokenGrant, Refusal> {
        known_client(form)?;
        let device_code = form.required("device_code")?;
        let verifier = form.required("code_verifier")?;
        let mut guard = self.lock();
        let state = &mut *guard;
        let now_ms = state.now_ms();
        let polled = state
            .devices
            .poll(device_code, verifier, now_ms, &state.settings);
        state.tally.polled(&polled);
        match polled {
            Poll::Approved { scope } => {
                let refresh_token = state.tokens.log_in(None);
                Ok(state.grant(refresh_token, scope))
            }
            Poll::Pending => Err(refused(
                "authorization_pending",
                "the person has not approved the login yet",
            )),
            Poll::SlowDown => Err(Refusal::oauth(
                StatusCode::TOO_MANY_REQUESTS,
                "slow_down",
                "polled too often",
            )),
            Poll::Expired => Err(refused("expired_token", "the device code has expired")),
            Poll::Denied => Err(refused("access_denied", "the person denied the login")),
            Poll::WrongVerifier => Err(refused(
                "invalid_grant",
                "the code verifier does not fit the code challenge",
            )),
            Poll::Unknown => Err(Refusal::oauth(
                StatusCode::UNAUTHORIZED,
                "invalid_grant",
                "the device code is not valid",
            )),
        }
    }

    /// Trades a refresh token for a new access token.
    pub(crate) fn refresh(&self, form: &Form) -> Result<TokenGrant, Refusal> {
        known_client(form)?;
        let written = form.required("refresh_token")?;
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.settings.take_failure_before() {
            state.tally.failed_before_rotation += 1;
            state.tokens.note_failed(written);
            return Err(Refusal::oauth(
                StatusCode::SERVICE_UNAVAILABLE,
                "server_error",
                "the identity server is out of order",
            ));
        }
        let now_ms = state.now_ms();
        let outcome = state.tokens.refresh(written, now_ms, &state.settings);
        state.tally.refreshed(&outcome);
        let refresh_token = match outcome {
            Refresh::Rotated(token) | Refresh::Kept(token) | Refresh::Replayed(token) => token,
            Refresh::Refused | Refresh::Unknown => {
                return Err(refused(
                    "invalid_grant",
                    "the refresh token is invalid or expired",
                ));
            }
        };
        let mut grant = state.grant(refresh_token, SCOPE.to_owned());
        if state.settings.omit_refresh_token {
            grant.refresh_token = None;
        }
        if state.settings.take_failure_after() {
            state.tally.failed_after_rotation += 1;
            grant.hang_up = true;
        }
        Ok(grant)
    }

    /// Tells whether an access token opens the portal now, and counts the attempt.
    pub(crate) fn admits(&self, written: &str) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        let now_ms = state.now_ms();
        state.tokens.admits(written, now_ms)
    }

    /// Returns the wait before a token request is looked at.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.lock().settings.delay_ms)
    }

    /// Forgets every login, count and setting; time starts over.
    pub(crate) fn reset(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Mints an access token for the login of a live refresh token.
    fn grant(&mut self, refresh_token: String, scope: String) -> TokenGrant {
        let ttl_ms = self.settings.access_ttl_ms;
        let expires_at_ms = self.now_ms().saturating_add(ttl_ms);
        let access_token = self.tokens.mint_access(&refresh_token, None, expires_at_ms);
        TokenGrant {
            access_token,
            refresh_token: Some(refresh_token),
            expires_in_s: seconds(ttl_ms),
            scope,
            resource_url: self.settings.resource_url.clone(),
            reply_delay: Duration::from_millis(self.settings.reply_delay_ms),
            hang_up: false,
        }
    }
}

/// Whole seconds, rounded down, but never 0 for a token that lives at all.
fn seconds(ms: u64) -> u64 {
    (ms / 1000).max(u64::from(ms > 0))
}

fn known_client(form: &Form) -> Result<(), Refusal> {
    if form.required("client_id")? == CLIENT_ID {
        return Ok(());
    }
    Err(refused("invalid_client", "the client is not known"))
}

fn refused(code: &str, description: &str) -> Refusal {
    Refusal::oauth(StatusCode::BAD_REQUEST, code, description)
}

fn invalid(description: &str) -> Refusal {
    refused("invalid_request", description)
}
