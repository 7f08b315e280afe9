//! Anthropic Messages, said as chat completions and back.

pub mod count;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
mod wire;
