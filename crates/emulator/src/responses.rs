//! What a response of `OpenAI`'s Responses is made of: reading the request, and writing the answer as one object or as a
//! stream.

pub(crate) mod memory;
pub(crate) mod request;
pub(crate) mod wire;
