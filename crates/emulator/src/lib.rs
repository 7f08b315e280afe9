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
//! A request walks through these modules: `server` accepts, `target` finds
//! which host is meant, `journal` remembers it, `script` may change its
//! fate, `route` picks the endpoint, `access` checks the key, an
//! `endpoint` answers, and `delivery` puts the answer on the wire at the
//! scripted pace.
//!
//! It shares no type with the client crates: two readings of the wire protocol
//! check each other.

mod access;
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
mod model_table;
mod oauth;
mod refusal;
mod reply;
mod request_body;
mod response;
mod route;
mod script;
mod server;
mod studio;
mod target;

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
