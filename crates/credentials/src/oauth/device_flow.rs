//! Makes a login with a code that a person confirms in a browser, on this machine or another (RFC 8628 with RFC 7636).
//!
//! 1. The server hands out a code for the device and one for the person.
//! 2. The person's code is shown; this module only says that there is one.
//! 3. The server is asked for the outcome, at once and then after each wait, until the person has decided or the code
//!    has ended. `slow_down` makes the wait longer by half, up to a maximum; a connection that fails does the same.
//!
//! Nothing is written anywhere: dropping the future at any time leaves nothing behind but a code that nobody will use.

use std::time::Duration;

use oauth2::PkceCodeChallenge;
use thiserror::Error;
use tokio::time::Instant;

use crate::profile::{Expiry, Login};
use crate::secret::Secret;

use super::identity::{CALL_MAX, Identity};
use super::login_store::NewLogin;
use super::refresher::Clock;
use super::reply::{Body, CallFailure, Grant, PollAnswer, Refusal, read_poll};
use super::transport::{CauseClass, TokenTransport, post};

/// The longest that a code is waited for, whatever the server says.
const CODE_LIFETIME_MAX: Duration = Duration::from_hours(1);

/// What happens while a login is being made; the secrets in it are for the person and for nobody else.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceEvent {
    /// There is a code to be shown.
    Code {
        /// What the person types in.
        user_code: Secret,
        /// Where the person types it in.
        verification_uri: String,
        /// The same address with the code in it.
        complete_uri: Option<Secret>,
        /// How long the code is good for.
        expires_in: Duration,
    },
    /// The person has not decided yet.
    Waiting {
        /// How long until the server is asked again.
        next_in: Duration,
        /// How long the code is still good for.
        left: Duration,
    },
    /// The person has agreed.
    Done,
}

/// Why no login was made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The server gave no code.
    #[error("the identity server gave no code ({cause}{})", shown_status(*status))]
    NoCode {
        /// The kind of the failure.
        cause: CauseClass,
        /// The status of the answer, if there was one.
        status: Option<u16>,
    },
    /// The person said no.
    #[error("the login was denied")]
    Denied,
    /// Nobody confirmed the code in time.
    #[error("timed out waiting for authorization")]
    Expired,
    /// The server ended the login.
    #[error("the identity server refused the login (HTTP {status}{})", shown_code(code.as_deref()))]
    Refused {
        /// The status of the answer.
        status: u16,
        /// The error code in it.
        code: Option<String>,
    },
    /// The answer to the last question makes no sense.
    #[error("the identity server sent an answer that makes no sense (HTTP {status})")]
    Malformed {
        /// The status of the answer.
        status: u16,
    },
}

fn shown_status(status: Option<u16>) -> String {
    status.map_or_else(String::new, |status| format!(", HTTP {status}"))
}

fn shown_code(code: Option<&str>) -> String {
    code.map_or_else(String::new, |code| format!(", {code}"))
}

/// Makes a login, telling `on_event` what a person must see.
///
/// # Errors
/// Any [`DeviceError`]; the person can always start again.
///
/// # Cancel safety
/// Dropping the future ends the login and leaves nothing behind.
pub async fn sign_in(
    identity: &Identity,
    transport: &dyn TokenTransport,
    clock: &Clock,
    mut on_event: impl FnMut(DeviceEvent),
) -> Result<NewLogin, DeviceError> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let verifier = Secret::new(verifier.secret().clone());
    let code = ask_for_code(identity, transport, &challenge).await?;
    on_event(code.event());
    let mut poll = Poll {
        identity,
        transport,
        ends_at: Instant::now() + code.expires_in,
        wait: code.interval,
    };
    let grant = poll
        .until_granted(&code.secret, &verifier, &mut on_event)
        .await?;
    on_event(DeviceEvent::Done);
    Ok(new_login(grant, clock()))
}

fn new_login(grant: Grant, now_ms: u64) -> NewLogin {
    NewLogin {
        login: Login {
            access: Some(grant.access),
            refresh: grant.refresh,
            expiry: Expiry::AtMs(now_ms.saturating_add(grant.lifetime_ms)),
        },
        lifetime_ms: grant.lifetime_ms,
        resource_url: grant.resource_url,
    }
}

/// What the server gave: a secret for the device and a code for the person.
struct CodePair {
    secret: Secret,
    user_code: Secret,
    verification_uri: String,
    complete_uri: Option<Secret>,
    expires_in: Duration,
    interval: Duration,
}

impl CodePair {
    fn event(&self) -> DeviceEvent {
        DeviceEvent::Code {
            user_code: self.user_code.clone(),
            verification_uri: self.verification_uri.clone(),
            complete_uri: self.complete_uri.clone(),
            expires_in: self.expires_in,
        }
    }

    fn read(body: &Body, identity: &Identity) -> Option<Self> {
        let server = identity.server();
        let secret = |name: &str| body.text(name).map(|text| Secret::new(text.to_owned()));
        let duration = |name: &str, otherwise_ms: u64| {
            Duration::from_millis(body.seconds_as_ms(name).unwrap_or(otherwise_ms))
        };
        Some(Self {
            secret: secret("device_code")?,
            user_code: secret("user_code")?,
            verification_uri: body.text("verification_uri")?.to_owned(),
            complete_uri: secret("verification_uri_complete"),
            expires_in: duration("expires_in", server.code_lifetime_ms).min(CODE_LIFETIME_MAX),
            interval: duration("interval", server.poll_interval_ms),
        })
    }
}

async fn ask_for_code(
    identity: &Identity,
    transport: &dyn TokenTransport,
    challenge: &PkceCodeChallenge,
) -> Result<CodePair, DeviceError> {
    let no_code = |failure: &CallFailure| DeviceError::NoCode {
        cause: failure.cause(),
        status: failure.status(),
    };
    let request = identity
        .device_request(challenge)
        .map_err(|failure| no_code(&failure))?;
    let reply = post(transport, request, CALL_MAX)
        .await
        .map_err(|error| no_code(&CallFailure::Unreachable(error.cause())))?;
    let body = Body::read(&reply);
    if let Some(failure) = body.error(reply.status) {
        return Err(no_code(&failure));
    }
    CodePair::read(&body, identity).ok_or(no_code(&CallFailure::Malformed {
        status: reply.status,
    }))
}

/// The questions for the outcome.
struct Poll<'a> {
    identity: &'a Identity,
    transport: &'a dyn TokenTransport,
    ends_at: Instant,
    wait: Duration,
}

impl Poll<'_> {
    async fn until_granted(
        &mut self,
        device_code: &Secret,
        verifier: &Secret,
        on_event: &mut impl FnMut(DeviceEvent),
    ) -> Result<Grant, DeviceError> {
        loop {
            match self.ask(device_code, verifier).await {
                PollAnswer::Granted(grant) => return Ok(grant),
                PollAnswer::Pending => {}
                PollAnswer::SlowDown => self.slow_down(),
                PollAnswer::Failed(failure) => self.bear(failure)?,
            }
            let left = self.ends_at.saturating_duration_since(Instant::now());
            on_event(DeviceEvent::Waiting {
                next_in: self.wait.min(left),
                left,
            });
            tokio::time::sleep(self.wait.min(left)).await;
            if Instant::now() >= self.ends_at {
                return Err(DeviceError::Expired);
            }
        }
    }

    async fn ask(&self, device_code: &Secret, verifier: &Secret) -> PollAnswer {
        let request = match self.identity.poll_request(device_code, verifier.expose()) {
            Ok(request) => request,
            Err(failure) => return PollAnswer::Failed(failure),
        };
        match post(self.transport, request, CALL_MAX).await {
            Ok(reply) => read_poll(&reply),
            Err(error) => PollAnswer::Failed(CallFailure::Unreachable(error.cause())),
        }
    }

    /// Goes on after a failure that may pass, more slowly, and ends after one that will not.
    fn bear(&mut self, failure: CallFailure) -> Result<(), DeviceError> {
        match failure {
            CallFailure::Unreachable(_) | CallFailure::Unavailable { .. } => {
                self.slow_down();
                Ok(())
            }
            CallFailure::Malformed { status } => Err(DeviceError::Malformed { status }),
            CallFailure::Unbuildable => Err(DeviceError::Malformed { status: 0 }),
            CallFailure::Refused(Refusal { status, code }) => Err(match code.as_deref() {
                Some("access_denied") => DeviceError::Denied,
                Some("expired_token") => DeviceError::Expired,
                _ => DeviceError::Refused { status, code },
            }),
        }
    }

    fn slow_down(&mut self) {
        let server = self.identity.server();
        let wait_ms = u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX);
        let slower_ms = wait_ms.saturating_mul(server.slow_down_percent) / 100;
        let longest = Duration::from_millis(server.poll_interval_max_ms);
        // A server that asks for a longer wait from the start gets it.
        self.wait = Duration::from_millis(slower_ms).min(longest).max(self.wait);
    }
}
