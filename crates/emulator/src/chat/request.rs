//! Reads and checks a chat completion request.

use http::StatusCode;
use serde_json::Value;

use super::field::Fields;
use super::message::Conversation;
use super::sampling;
use super::thinking::{self, Budget};
use super::token_count;
use super::tool::Tools;
use crate::host::{Host, Plan};
use crate::model_table::{Kind, Model, ModelTable};
use crate::refusal::Refusal;

/// Most choices per request.
const CHOICES_MAX: u64 = 4;

/// The form the answer has to have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format<'a> {
    Text,
    Json,
    Schema(&'a Value),
}

/// A chat completion request, checked.
pub(crate) struct ChatRequest<'a> {
    pub(crate) model: &'a Model,
    pub(crate) conversation: Conversation<'a>,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) n_choices: u64,
    pub(crate) thinking: Budget,
    /// Most tokens of the answer alone.
    pub(crate) answer_tokens_max: u64,
    /// Most tokens of thinking and answer together.
    pub(crate) completion_tokens_max: u64,
    pub(crate) stop_words: Vec<&'a str>,
    pub(crate) tools: Tools<'a>,
    pub(crate) tools_tokens: u64,
    pub(crate) format: Format<'a>,
}

impl<'a> ChatRequest<'a> {
    /// Reads a body, refusing it with the service's words.
    pub(crate) fn read(
        body: Option<&'a Value>,
        models: &'a ModelTable,
        host: &Host,
    ) -> Result<Self, Refusal> {
        let Some(fields) = body.and_then(Value::as_object).map(Fields) else {
            return Err(gateway(
                "Required body invalid, please check the request body format.",
            ));
        };
        let model = model(fields, models, host)?;
        let stream = fields.boolean("stream")?.unwrap_or(false);
        if model.streams_only && !stream {
            return Err(Refusal::stream_only());
        }
        sampling::check(fields)?;
        let conversation = Conversation::read(fields, model)?;
        let thinking = thinking::read(fields, model, stream)?;
        let tools = Tools::read(fields, thinking.is_some())?;
        let format = format(fields, model, &conversation, thinking)?;
        let n_choices = choices(fields, &tools, thinking)?;
        let answer_max = fields.count("max_tokens", model.output_tokens_max)?;
        let completion_max = fields.count("max_completion_tokens", model.context_tokens)?;
        check_window(&conversation, model)?;
        Ok(Self {
            model,
            stream,
            include_usage: include_usage(fields),
            n_choices,
            thinking,
            answer_tokens_max: answer_max.unwrap_or(model.output_tokens_max),
            completion_tokens_max: completion_max.unwrap_or(u64::MAX),
            stop_words: sampling::stop_words(fields)?,
            tools_tokens: fields
                .get("tools")
                .map_or(0, |tools| token_count::of(&tools.to_string())),
            conversation,
            tools,
            format,
        })
    }
}

/// A 400 from in front of the model servers, which has no code.
fn gateway(message: &str) -> Refusal {
    Refusal::open_ai(StatusCode::BAD_REQUEST, None, message)
}

fn model<'a>(
    fields: Fields<'a>,
    models: &'a ModelTable,
    host: &Host,
) -> Result<&'a Model, Refusal> {
    let Some(id) = fields.string("model")?.filter(|id| !id.is_empty()) else {
        return Err(gateway("you must provide a model parameter."));
    };
    match models.find(host.plan, id) {
        Some(row) if row.kind == Kind::Chat => Ok(row),
        Some(_) => Err(Refusal::open_ai(
            StatusCode::NOT_FOUND,
            Some("model_not_supported"),
            format!("Unsupported model {id} for OpenAI compatibility mode."),
        )),
        None => Err(unknown_model(id, host.plan)),
    }
}

fn unknown_model(id: &str, plan: Plan) -> Refusal {
    let not_found = |text| Refusal::open_ai(StatusCode::NOT_FOUND, Some("model_not_found"), text);
    match plan {
        Plan::Standard => not_found(format!(
            "The model `{id}` does not exist or you do not have access to it."
        )),
        Plan::Token => not_found(format!("model '{id}' not found or not supported")),
        Plan::Coding | Plan::Portal => Refusal::plan(
            StatusCode::BAD_REQUEST,
            "invalid_parameter_error",
            format!("model '{id}' is not supported"),
        ),
    }
}

fn include_usage(fields: Fields<'_>) -> bool {
    let options = fields.get("stream_options");
    options
        .and_then(|options| options.get("include_usage")?.as_bool())
        .unwrap_or(false)
}

fn choices(fields: Fields<'_>, tools: &Tools<'_>, thinking: Budget) -> Result<u64, Refusal> {
    let n_choices = fields.count("n", CHOICES_MAX)?.unwrap_or(1);
    if n_choices > 1 && !tools.is_empty() {
        return Err(Refusal::invalid(
            "The n parameter must be 1 when tools is set",
        ));
    }
    if n_choices > 1 && thinking.is_some() {
        return Err(Refusal::invalid(
            "The n parameter must be 1 when enable_thinking is true",
        ));
    }
    Ok(n_choices)
}

fn format<'a>(
    fields: Fields<'a>,
    model: &Model,
    conversation: &Conversation<'_>,
    thinking: Budget,
) -> Result<Format<'a>, Refusal> {
    let Some(written) = fields.get("response_format") else {
        return Ok(Format::Text);
    };
    let schema = written
        .get("json_schema")
        .and_then(|named| named.get("schema"));
    let format = match (written.get("type").and_then(Value::as_str), schema) {
        (Some("text"), _) => Format::Text,
        (Some("json_object"), _) => Format::Json,
        (Some("json_schema"), _) if !model.json_schema => {
            return Err(Refusal::invalid(format!(
                "'response_format.type' json_schema is not supported by {}",
                model.id
            )));
        }
        (Some("json_schema"), Some(schema)) => Format::Schema(schema),
        (Some("json_schema"), None) => {
            return Err(Refusal::invalid(
                "'response_format.json_schema.schema' is a required property",
            ));
        }
        _ => {
            return Err(Refusal::invalid(
                "'response_format.type' must be text, json_object or json_schema",
            ));
        }
    };
    if format != Format::Text && thinking.is_some() {
        return Err(Refusal::invalid(
            "Json mode response is not supported when enable_thinking is true",
        ));
    }
    if format == Format::Json && !conversation.mentions("json") {
        return Err(Refusal::invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        ));
    }
    Ok(format)
}

fn check_window(conversation: &Conversation<'_>, model: &Model) -> Result<(), Refusal> {
    let tokens_max = model.context_tokens.saturating_sub(1);
    if conversation.text_tokens() + conversation.media_tokens() > tokens_max {
        return Err(Refusal::invalid(format!(
            "Range of input length should be [1, {tokens_max}]"
        )));
    }
    Ok(())
}
