//! Serves OpenAI- and Anthropic-compatible HTTP on this machine: authenticates, limits, forwards, streams, reports, drains.
//!
//! It never calls an upstream by itself: [`providers::Upstream`] is the only way out. It never prompts or prints: the
//! binary hands it settings and a console.

mod anthropic_error;
mod auth;
mod live;
pub mod log;
mod multipart;
mod openai_error;
mod request_log;
mod routes;
mod server;
mod state;
mod videos;

pub use auth::Auth;
pub use live::Live;
pub use server::{DRAIN_MAX, ListenError, Stop, listen, serve};
pub use state::{Parts, Renewed};
pub use videos::{OpenStudio, Videos};
