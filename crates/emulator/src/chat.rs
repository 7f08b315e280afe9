//! What a chat completion is made of: reading the request, deciding the
//! answer, and writing it as one object or as a stream.

pub(crate) mod answer;
pub(crate) mod field;
pub(crate) mod media;
mod message;
pub(crate) mod quirk;
pub(crate) mod request;
mod sampling;
mod schema_instance;
mod thinking;
pub(crate) mod token_count;
mod tool;
pub(crate) mod wire;
