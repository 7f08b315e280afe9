//! What the person sees while a login is made: on a terminal with a picture and a countdown, as lines without one, as
//! events with `--json`. Nothing here is ever logged.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use credentials::oauth::DeviceEvent;
use serde_json::json;

use super::{browser, qr};
use crate::cli::models_auth::AuthLoginArgs;
use crate::context::{Context, now_ms};
use crate::output::{Output, strong};

/// How often the countdown is drawn.
const TICK: Duration = Duration::from_secs(1);

/// Where the events go.
pub(super) struct Screen<'a> {
    context: &'a Context,
    json: bool,
    no_browser: bool,
    is_terminal: bool,
    /// When the code ends, once there is one.
    ends_at: Cell<Option<Instant>>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(context: &'a Context, args: &AuthLoginArgs) -> Self {
        Self {
            context,
            json: args.json,
            no_browser: args.no_browser,
            is_terminal: std::io::stderr().is_terminal(),
            ends_at: Cell::new(None),
        }
    }

    /// Shows one event.
    pub(super) fn show(&self, event: &DeviceEvent) {
        match event {
            DeviceEvent::Code {
                user_code,
                verification_uri,
                complete_uri,
                expires_in,
            } => {
                self.ends_at.set(Some(Instant::now() + *expires_in));
                let complete = complete_uri
                    .as_ref()
                    .map_or(verification_uri.as_str(), |uri| uri.expose());
                let code = Code {
                    to_type: user_code.expose(),
                    uri: verification_uri,
                    complete,
                    expires_in: *expires_in,
                };
                if self.json {
                    self.code_event(&code);
                } else {
                    self.code_lines(&code);
                }
                if !self.no_browser
                    && browser::open(complete, &self.context.environment)
                    && !self.json
                {
                    self.out().note("A browser was opened with this address.");
                }
            }
            DeviceEvent::Waiting { next_in, left } => {
                self.ends_at.set(Some(Instant::now() + *left));
                if self.json {
                    event_line(
                        self.out(),
                        &json!({"event": "waiting", "nextInMs": ms(*next_in), "leftMs": ms(*left)}),
                    );
                }
            }
            DeviceEvent::Done => self.clear(),
        }
    }

    /// Draws the remaining time every second; never ends.
    pub(super) async fn count_down(&self) {
        if self.json || !self.is_terminal {
            return std::future::pending().await;
        }
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let Some(ends_at) = self.ends_at.get() else {
                continue;
            };
            let left = ends_at.saturating_duration_since(Instant::now()).as_secs();
            self.out().aside(&format!(
                "\r\u{1b}[2KWaiting for approval, {}:{:02} left (Ctrl-C ends it) ",
                left / 60,
                left % 60
            ));
        }
    }

    /// Takes the countdown off the terminal.
    pub(super) fn clear(&self) {
        if !self.json && self.is_terminal && self.ends_at.take().is_some() {
            self.out().aside("\r\u{1b}[2K");
        }
    }

    fn out(&self) -> Output {
        self.context.out
    }

    fn code_event(&self, code: &Code<'_>) {
        event_line(
            self.out(),
            &json!({
                "event": "code",
                "userCode": code.to_type,
                "verificationUri": code.uri,
                "verificationUriComplete": code.complete,
                "expiresInMs": ms(code.expires_in),
                "expiresAt": now_ms().saturating_add(ms(code.expires_in)),
            }),
        );
    }

    fn code_lines(&self, code: &Code<'_>) {
        let out = self.out();
        out.note("");
        out.note(format!("Open    {}", strong(printable(code.complete))));
        out.note(format!("Code    {}", strong(printable(code.to_type))));
        if self.is_terminal {
            let has_colour =
                anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
            if let Some(lines) = qr::lines(code.complete, has_colour) {
                out.note("");
                for line in lines {
                    out.note(line);
                }
            }
        }
        out.note("");
        if !self.is_terminal {
            let minutes = code.expires_in.as_secs().div_ceil(60);
            out.note(format!(
                "Waiting for approval; the code is good for {minutes} minutes."
            ));
        }
    }
}

/// A code as it is shown.
struct Code<'a> {
    to_type: &'a str,
    uri: &'a str,
    /// The address with the code in it, or the one without.
    complete: &'a str,
    expires_in: Duration,
}

/// Prints an event as one line.
pub(super) fn event_line(out: Output, event: &serde_json::Value) {
    out.line(event.to_string());
}

/// A server's text must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
