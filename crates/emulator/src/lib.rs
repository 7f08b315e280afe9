//! A wrong-able Model Studio on loopback, for demos, tests and air-gapped work.
//!
//! The emulator plays every Model Studio host of every plan at once, from one
//! listening socket, and is deterministic: the same requests in the same order
//! get the same bytes. A client reaches it in one of two ways:
//!
//! 1. directly, with the real host as the first path segment:
//!    `http://127.0.0.1:PORT/dashscope-intl.aliyuncs.com/compatible-mode/v1`;
//! 2. as an HTTPS forward proxy that terminates TLS with its own certificate
//!    authority, so that the client keeps the real URLs.
//!
//! Nothing is ever forwarded to a network. Every reply carries the header
//! `x-openclaw-emulator: 1`, and every listed model is owned by
//! `openclaw-emulator`.
//!
//! What is played:
//!
//! - `GET /models` and `POST /chat/completions` on the hosts of every plan, for
//!   the [`KEYS`]; on `portal.qwen.ai/v1` for access tokens instead;
//! - `POST /compatible-mode/v1/responses` on Standard and Token Plan hosts, which keeps
//!   conversations, ignores what it does not document, and says "too fast" with status 200;
//!   `POST /apps/anthropic/v1/messages` on the hosts of every plan but the portal;
//! - video tasks under `/api/v1/services/aigc` (also below `/compatible-mode/v1`, where
//!   `OpenClaw` asks for them): submitted, polled, listed, cancelled under `/api/v1/tasks`,
//!   temporary uploads under `/api/v1/uploads`, and the storage hosts that links lead to;
//! - embeddings (`POST /embeddings`, and the native forms for texts and media)
//!   and reranking (native, and `POST /compatible-api/v1/reranks`) on Standard
//!   hosts;
//! - images (`multimodal-generation`, `image-generation`, `text2image`), speech
//!   (`multimodal-generation`, `SpeechSynthesizer`) and transcription (through
//!   chat, `multimodal-generation` and tasks); what they return are small real
//!   files;
//! - the identity server of the portal, `chat.qwen.ai`:
//!   `POST /api/v1/oauth2/device/code` begins a login (RFC 8628, with proof key
//!   S256), `POST /api/v1/oauth2/token` polls for it and refreshes its tokens.
//!
//! What steers it, on the direct listener or as methods of [`Emulator`]:
//!
//! - `GET /_emulator/requests`: every request, with secrets masked;
//! - `GET /_emulator/keys`, `GET /_emulator/ca.pem`: what clients need;
//! - `POST /_emulator/script`: faults on demand, for any host;
//! - `GET /_emulator/oauth`: settings and clock of the identity server, logins
//!   with their user codes, every token with its state, and how often each was
//!   taken and refused;
//! - `POST /_emulator/oauth`: changes any of the settings `access_ttl_ms`,
//!   `device_ttl_ms`, `rotate`, `grace_ms`, `omit_refresh_token`,
//!   `revoke_on_reuse`, `approve_after_polls`, `interval_s`, `slow_down_polls`,
//!   `resource_url`, `fail_before_rotation`, `fail_after_rotation`, `delay_ms`
//!   (before a token request is looked at), `reply_delay_ms` (after its change,
//!   before its reply) and `frozen` (the clock moves only when told to), and
//!   carries out `revoke_all`, `revoke_access` (refresh tokens stay good),
//!   `revoke: [token]` (ends the login of each) and
//!   `issue: {access, refresh, expires_in_ms}`, which mints a login;
//! - `POST /_emulator/oauth/approve` and `/deny` with `{user_code}`: what the
//!   person decides;
//! - `POST /_emulator/oauth/advance` with `{ms}`: lets tokens and codes age;
//! - `GET /_emulator/tasks`: settings, number of submissions, and every task with the SHA-256 of its file;
//! - `POST /_emulator/tasks`: changes any of `pending_ms`, `running_ms`, `link_ttl_ms`, `retention_ms`,
//!   `frozen`, `fail: {code, message, times}`, and lets `advance_ms` pass;
//! - `POST /_emulator/reset`: forgets all of it.
//!
//! A request walks through these modules: `server` accepts, `target` finds
//! which host is meant, `journal` remembers it, `script` may change its
//! fate, `route` picks the endpoint, `access` checks the key or token, an
//! `endpoint` answers, and `delivery` puts the answer on the wire at the
//! scripted pace.
//!
//! It shares no type with the client crates: two readings of the wire protocol
//! check each other.

mod access;
mod aigc;
mod authority;
mod chat;
mod control;
mod delivery;
mod emulator;
mod endpoint;
mod error;
mod host;
mod identity;
mod journal;
mod key;
mod media;
mod messages;
mod model_table;
mod multipart;
mod oauth;
mod refusal;
mod reply;
mod request_body;
mod response;
mod responses;
mod route;
mod script;
mod server;
mod steered_clock;
mod storage;
mod studio;
mod target;
mod vectors;

pub use emulator::{Emulator, Options};
pub use error::Error;
pub use host::{HOSTS, HostInfo, Plan, Region, Service};
pub use identity::Clock;
pub use key::{KEYS, KeyInfo};
pub use oauth::{IssuedLogin, LoginWish, OauthControl};

/// Name of the header that marks every reply as emulated; its value is `1`.
pub const EMULATOR_HEADER: &str = "x-openclaw-emulator";

/// Owner of every emulated model in `GET /models`.
pub const MODEL_OWNER: &str = "openclaw-emulator";
