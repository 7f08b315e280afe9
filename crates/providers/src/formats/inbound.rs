//! A request as a client sent it, whatever its format, and its answer in the same format.

use std::collections::BTreeSet;
use std::convert::Infallible;

use bytes::Bytes;
use catalog::Catalog;
use http::Uri;
use http_body::Body;
use serde_json::Value;

use super::content::Members;
use super::messages;
use super::responses::{self, Echo};
use super::translation::{Identity, Render, TranslatedStream, Translation};
use super::{Format, Inexpressible};
use crate::chat_request::{ChatRequest, RequestError};
use crate::directory::Route;

/// A request in the format of its client.
#[derive(Debug)]
pub struct Inbound {
    format: Format,
    original: ChatRequest,
    /// The same as a chat completion; none when it was one from the start.
    translated: Option<Result<ChatRequest, Inexpressible>>,
    echo: Option<Echo>,
    /// Names of the members that may change the answer, those of objects with what they belong to, such as `text.format`.
    effective: Vec<String>,
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
                effective: Vec::new(),
            });
        }
        let members: Result<Members, Inexpressible> = serde_json::from_slice(body)
            .map_err(|error| Inexpressible::new("body", format!("is not JSON: {error}")));
        let effective = members.as_ref().map(|members| effective(format, members));
        let effective = effective.unwrap_or_default();
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
            effective,
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

    /// Returns where the host of `route` takes this request as it is: it speaks the format, for this model, and honours
    /// every member that may change the answer.
    pub(crate) fn native_url<'r>(&self, catalog: &Catalog, route: &'r Route) -> Option<&'r Uri> {
        let url = route.native_url(self.format)?;
        let mut rows = catalog.formats().iter();
        let row = rows.find(|row| row.id == self.format.name())?;
        let honours_all = self.effective.iter().all(|member| row.honours(member));
        (row.serves(&route.model) && honours_all).then_some(url)
    }

    /// Returns what says a chat completion in the format of the client; `None` when nothing has to be done.
    pub fn answering(&self, identity: Identity) -> Option<Answering> {
        (self.format != Format::Chat).then(|| Answering {
            identity,
            echo: self.echo.clone(),
        })
    }
}

/// Returns the names of the members that may change the answer.
fn effective(format: Format, members: &Members) -> Vec<String> {
    let without_effect: &[&str] = match format {
        Format::Responses => &responses::request::WITHOUT_EFFECT,
        Format::Messages | Format::Chat => &messages::request::WITHOUT_EFFECT,
    };
    let mut names = Vec::new();
    for (key, value) in members {
        match value {
            _ if without_effect.contains(&key.as_str()) => {}
            Value::Null => {}
            Value::String(text) if key == "tool_choice" => names.push(format!("{key}.{text}")),
            Value::Object(inner) => {
                let inner = inner.iter().filter(|(_, value)| !value.is_null());
                names.extend(inner.map(|(name, _)| format!("{key}.{name}")));
            }
            _ => names.push(key.clone()),
        }
    }
    names.extend(block_kinds(members));
    names
}

/// Returns the kinds of blocks in a Messages conversation, such as `content.image`.
fn block_kinds(members: &Members) -> BTreeSet<String> {
    let messages = members.get("messages").and_then(Value::as_array);
    let contents = messages
        .into_iter()
        .flatten()
        .filter_map(|message| message.get("content")?.as_array());
    let kinds = contents
        .flatten()
        .filter_map(|block| block.get("type")?.as_str());
    kinds.map(|kind| format!("content.{kind}")).collect()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_gets_only_what_it_honours() {
        let catalog = Catalog::builtin().unwrap();
        let base = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1";
        let target = crate::directory::Target::new(&catalog, "qwen", base).unwrap();
        let is_native = |format: Format, model: &str, body: Value| {
            let inbound = Inbound::parse(format, &Bytes::from(body.to_string())).unwrap();
            let route = target.route(model).unwrap();
            inbound.native_url(&catalog, &route).is_some()
        };
        let message = |block: Value| json!({"max_tokens": 9, "messages": [{"role": "user", "content": [block]}]});
        for (format, model, body, expected) in [
            (
                Format::Responses,
                "qwen3.7-plus",
                json!({"input": "x", "metadata": {"a": "b"}, "text": null}),
                true,
            ),
            (
                Format::Responses,
                "qwen3.7-plus",
                json!({"input": "x", "reasoning": {"effort": "low", "summary": null}}),
                true,
            ),
            (
                Format::Responses,
                "qwen3.7-plus",
                json!({"input": "x", "reasoning": {"summary": "auto"}}),
                false,
            ),
            (
                Format::Responses,
                "qwen3.7-plus",
                json!({"input": "x", "text": {"verbosity": "low"}}),
                false,
            ),
            (
                Format::Responses,
                "qwen3.7-plus",
                json!({"input": "x", "tool_choice": "required"}),
                false,
            ),
            (Format::Responses, "glm-5", json!({"input": "x"}), false),
            (
                Format::Messages,
                "glm-5",
                message(json!({"type": "text", "text": "x"})),
                true,
            ),
            (
                Format::Messages,
                "glm-5",
                message(json!({"type": "document", "source": {"type": "text", "data": "x"}})),
                false,
            ),
            (Format::Chat, "glm-5", json!({"messages": []}), false),
        ] {
            assert_eq!(
                is_native(format, model, body.clone()),
                expected,
                "{model} {body}"
            );
        }
    }
}
