//! Formats of clients that do not speak chat completions: `OpenAI` Responses and Anthropic Messages.
//!
//! A host that speaks the client's format gets the client's bytes. For every other host the request is said as a chat
//! completion, and the reply is said in the client's format again, event by event. What chat completions have no words
//! for is refused by name, never dropped, unless leaving it out cannot change the answer. Nothing here does IO.

pub mod ask;
mod content;
pub mod inbound;
pub mod messages;
mod native;
pub mod responses;
pub mod translation;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `OpenAI` chat completions, the format of every host.
    Chat,
    /// `OpenAI` Responses.
    Responses,
    /// Anthropic Messages.
    Messages,
}

impl Format {
    /// Returns the name of the format in the catalog; chat completions have no row there.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }
}

/// A member of a request that cannot be said as a chat completion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
pub struct Inexpressible {
    /// Where it stands, such as `tools[0].type`.
    pub field: String,
    /// What is wrong with it, as the rest of a sentence.
    pub reason: String,
}

impl Inexpressible {
    fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}
