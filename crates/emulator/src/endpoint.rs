//! One module per endpoint or way of answering.

pub(crate) mod chat_completions;
pub(crate) mod device_code;
pub(crate) mod embeddings;
pub(crate) mod images;
mod media_request;
pub(crate) mod messages;
pub(crate) mod models;
pub(crate) mod multimodal_generation;
pub(crate) mod playback;
pub(crate) mod rerank;
pub(crate) mod responses;
pub(crate) mod scripted;
pub(crate) mod speech;
pub(crate) mod tasks;
pub(crate) mod token;
pub(crate) mod transcription;
pub(crate) mod uploads;
pub(crate) mod video_synthesis;
