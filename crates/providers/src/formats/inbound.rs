//! A request as a client sent it, whatever its format, and its answer in the same format.

use std::convert::Infallible;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use serde_json::Value;

use super::content::Members;
use super::messages;
use super::responses::{self, Echo};
use super::translation::{Identity, Render, TranslatedStream, Translation};
use super::{Format, Inexpressible};
use crate::chat_request::{ChatRequest, RequestError};

/// A request in the format of its client.
#[derive(Debug)]
pub struct Inbound {
    format: Format,
    original: ChatRequest,
    /// The same as a chat completion; none when it was one from the start.
    translated: Option<Result<ChatRequest, Inexpressible>>,
    echo: Option<Echo>,
}

/// A chat completion that cannot be said in the client's format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Untranslatable {
    /// The body is no chat completion.
    #[error("the reply is not a chat completion")]
    Unreadable,
    /// The model called a tool with arguments that are not JSON.
    #[error("the model called `{0}` with arguments that are not JSON")]
    Arguments(String),
}

/// Says chat completions in the format of a client.
#[derive(Debug, Clone)]
pub struct Answering {
    identity: Identity,
    /// Set for Responses, whose answers repeat their request.
    echo: Option<Echo>,
}

impl Inbound {
    /// Reads a body.
    ///
    /// # Errors
    /// [`RequestError`]: the body is no request in any format, to be answered with 400.
    pub fn parse(format: Format, body: &Bytes) -> Result<Self, RequestError> {
        let original = ChatRequest::parse(body.clone())?;
        if format == Format::Chat {
            return Ok(Self {
                format,
                original,
                translated: None,
                echo: None,
            });
        }
        let members: Result<Members, Inexpressible> = serde_json::from_slice(body)
            .map_err(|error| Inexpressible::new("body", format!("is not JSON: {error}")));
        let wants_echo = format == Format::Responses;
        let echo = members.as_ref().ok().filter(|_| wants_echo).map(Echo::of);
        let translated = members.and_then(|members| match format {
            Format::Responses => responses::request::to_chat(members),
            Format::Messages | Format::Chat => messages::request::to_chat(members),
        });
        let translated = match translated {
            Ok(chat) => {
                let body = Bytes::from(Value::Object(chat).to_string());
                Ok(ChatRequest::parse(body)?.keeping_usage())
            }
            Err(inexpressible) => Err(inexpressible),
        };
        Ok(Self {
            format,
            original,
            translated: Some(translated),
            echo,
        })
    }

    /// Returns the format of the client.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the request as the client wrote it.
    pub fn original(&self) -> &ChatRequest {
        &self.original
    }

    /// Returns the request as a chat completion.
    ///
    /// # Errors
    /// [`Inexpressible`] names the member that cannot be said so.
    pub fn chat(&self) -> Result<&ChatRequest, &Inexpressible> {
        match &self.translated {
            None => Ok(&self.original),
            Some(translated) => translated.as_ref(),
        }
    }

    /// Returns what says a chat completion in the format of the client; `None` when nothing has to be done.
    pub fn answering(&self, identity: Identity) -> Option<Answering> {
        (self.format != Format::Chat).then(|| Answering {
            identity,
            echo: self.echo.clone(),
        })
    }
}

impl Answering {
    /// Says a whole chat completion.
    ///
    /// # Errors
    /// [`Untranslatable`] when it is none, or holds what the format cannot.
    pub fn whole(&self, chat: &[u8]) -> Result<Bytes, Untranslatable> {
        let whole = Translation::whole(chat, &self.identity.seed);
        let (parts, end) = whole.ok_or(Untranslatable::Unreadable)?;
        let answer = match &self.echo {
            Some(echo) => responses::reply::whole(&self.identity, echo, &parts, end),
            None => messages::reply::whole(&self.identity, &parts, end)
                .map_err(Untranslatable::Arguments)?,
        };
        Ok(Bytes::from(answer.to_string()))
    }

    /// Says a whole chat completion as the events of a stream, for a host that does not stream although asked to.
    pub fn whole_as_events(self, chat: &[u8]) -> Bytes {
        let mut out = BytesMut::new();
        let mut translation = self.translation();
        translation.event(chat, &mut out);
        translation.end(&mut out);
        out.freeze()
    }

    /// Says a streamed chat completion, event by event.
    pub fn stream<B>(self, chat: B) -> TranslatedStream<B>
    where
        B: Body<Data = Bytes, Error = Infallible> + Unpin,
    {
        TranslatedStream::new(chat, self.translation())
    }

    fn translation(self) -> Translation {
        let seed = self.identity.seed.clone();
        let render: Box<dyn Render> = match self.echo {
            Some(echo) => Box::new(responses::stream::Events::new(self.identity, echo)),
            None => Box::new(messages::stream::Events::new(self.identity)),
        };
        Translation::new(render, seed)
    }
}
