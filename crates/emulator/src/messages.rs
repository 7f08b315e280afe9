//! What an Anthropic message is made of: reading the request, and writing the answer as one object or as a stream.

pub(crate) mod request;
pub(crate) mod wire;
