//! `OpenAI` Responses, said as chat completions and back.

pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
mod wire;

pub use wire::Echo;
