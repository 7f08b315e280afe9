//! Decides what the model says: always the same to the same request.

use serde_json::{Value, json};

use super::request::{ChatRequest, Format};
use super::schema_instance;
use super::token_count;
use super::tool::Call;
use crate::identity::IdSource;

/// What a model says in one choice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    /// Pieces of text, one per chunk.
    Text(Vec<String>),
    /// Tool calls.
    Calls(Vec<Call>),
}

/// Why a choice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    ToolCalls,
}

impl Finish {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
        }
    }
}

/// Counted tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    /// Thinking tokens, contained in `completion`; absent when the model did not think.
    pub(crate) reasoning: Option<u64>,
    /// Image tokens, contained in `prompt`; absent without images.
    pub(crate) image: Option<u64>,
}

/// A whole answer; every choice says the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Pieces of thinking; absent when the model does not think.
    pub(crate) reasoning: Option<Vec<String>>,
    pub(crate) saying: Saying,
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
}

/// Decides the answer; `n_chunks` asks for an answer of that many pieces.
pub(crate) fn compose(request: &ChatRequest<'_>, ids: &IdSource, n_chunks: Option<u32>) -> Answer {
    let user_text = request.conversation.last_user_text();
    let (reasoning, reasoning_tokens) = reason(request, &user_text);
    let tokens_left = request
        .completion_tokens_max
        .saturating_sub(reasoning_tokens)
        .min(request.answer_tokens_max);
    let (saying, finish, tokens) = match n_chunks {
        Some(n_chunks) => numbered(n_chunks),
        None => say(request, ids, &user_text, tokens_left),
    };
    let media_tokens = request.conversation.media_tokens();
    let usage = Usage {
        prompt: request.conversation.text_tokens() + media_tokens + request.tools_tokens,
        completion: reasoning_tokens + tokens * request.n_choices,
        reasoning: reasoning.is_some().then_some(reasoning_tokens),
        image: (media_tokens > 0).then_some(media_tokens),
    };
    Answer {
        reasoning,
        saying,
        finish,
        usage,
    }
}

fn reason(request: &ChatRequest<'_>, user_text: &str) -> (Option<Vec<String>>, u64) {
    let Some(budget) = request.thinking else {
        return (None, 0);
    };
    let mut thought = format!(
        "The user wrote {} characters to {}. I will answer in the simplest way.",
        user_text.chars().count(),
        request.model.id
    );
    token_count::cut(&mut thought, budget.min(request.completion_tokens_max));
    let tokens = token_count::of(&thought);
    (Some(token_count::words(&thought)), tokens)
}

/// An answer of a given number of equal pieces, for load and pacing.
fn numbered(n_chunks: u32) -> (Saying, Finish, u64) {
    let pieces = vec!["word ".to_owned(); usize::try_from(n_chunks).unwrap_or(usize::MAX)];
    (Saying::Text(pieces), Finish::Stop, u64::from(n_chunks))
}

fn say(
    request: &ChatRequest<'_>,
    ids: &IdSource,
    user_text: &str,
    tokens_left: u64,
) -> (Saying, Finish, u64) {
    let tool_replies = request.conversation.tool_replies();
    if tool_replies.is_empty() || request.tools.forces_a_call() {
        let calls = request.tools.calls(user_text);
        if !calls.is_empty() {
            return call(calls, ids);
        }
    }
    let mut text = text(request, user_text, &tool_replies);
    let stops = request.stop_words.iter().filter(|word| !word.is_empty());
    if let Some(end) = stops.filter_map(|word| text.find(*word)).min() {
        text.truncate(end);
    }
    let cut = token_count::cut(&mut text, tokens_left);
    let finish = if cut { Finish::Length } else { Finish::Stop };
    let tokens = token_count::of(&text);
    (Saying::Text(token_count::words(&text)), finish, tokens)
}

fn call(mut calls: Vec<Call>, ids: &IdSource) -> (Saying, Finish, u64) {
    let mut tokens = 0;
    for call in &mut calls {
        call.id = ids.call_id();
        tokens += token_count::of(&call.name) + token_count::of(&call.arguments);
    }
    (Saying::Calls(calls), Finish::ToolCalls, tokens)
}

fn text(request: &ChatRequest<'_>, user_text: &str, tool_replies: &[String]) -> String {
    match request.format {
        Format::Json => json!({"you_said": user_text}).to_string(),
        Format::Schema(schema) => {
            let instance: Value = schema_instance::make(schema);
            instance.to_string()
        }
        Format::Text if !tool_replies.is_empty() => {
            format!("The tool said: {}", tool_replies.join(" | "))
        }
        Format::Text => {
            let seen = describe_media(request);
            if user_text.is_empty() {
                seen
            } else {
                format!("{seen}You said: {user_text}")
            }
        }
    }
}

fn describe_media(request: &ChatRequest<'_>) -> String {
    let media = &request.conversation.media;
    if media.is_empty() {
        return String::new();
    }
    let each: Vec<String> = media
        .iter()
        .zip(1..)
        .map(|(media, number)| format!("image {number}: {}", media.description))
        .collect();
    let noun = if media.len() == 1 { "image" } else { "images" };
    format!("I see {} {noun}. {}. ", media.len(), each.join("; "))
}
