//! `response_format`: what this model cannot do is refused here, by name, and not by a host in passing.

use memchr::memmem;

use super::draft::{Draft, Refusal};
use crate::chat_rules::ChatRules;
use crate::json_span::Object;

/// The form an answer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text, or a form this program does not know.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema,
}

/// Returns the form asked for.
pub(crate) fn form(draft: &Draft<'_>) -> Form {
    let kind = draft
        .get("response_format")
        .and_then(|raw| Object::scan(raw).ok()?.raw("type"));
    match kind {
        Some("\"json_object\"") => Form::JsonObject,
        Some("\"json_schema\"") => Form::JsonSchema,
        _ => Form::Text,
    }
}

/// Checks that the model can give the form, and asks for it the way the host wants.
///
/// # Errors
/// [`Refusal`] with the models that can.
pub(crate) fn check(draft: &Draft<'_>, rules: &ChatRules) -> Result<Form, Refusal> {
    let form = form(draft);
    let (can, word, models) = match form {
        Form::Text => return Ok(form),
        Form::JsonObject => (rules.json_object, "json_object", &rules.json_object_models),
        Form::JsonSchema => (rules.json_schema, "json_schema", &rules.json_schema_models),
    };
    if can == Some(false) {
        return Err(refusal(rules, word, models));
    }
    if form == Form::JsonObject && rules.is_vendor && !mentions_json(draft) {
        let message = "`response_format` `json_object` needs the word JSON in a message: say in the prompt that the \
            answer must be JSON"
            .to_owned();
        return Err(Refusal {
            param: "messages",
            message,
        });
    }
    Ok(form)
}

fn refusal(rules: &ChatRules, word: &str, models: &[String]) -> Refusal {
    let who = &rules.model;
    let alternatives = if models.is_empty() {
        String::new()
    } else {
        format!("; these models can: {}", models.join(", "))
    };
    Refusal {
        param: "response_format",
        message: format!("{who} cannot answer with `response_format` `{word}`{alternatives}"),
    }
}

/// Whether any message has the word, in any case. Keys count too, which only makes this check milder than the host's.
fn mentions_json(draft: &Draft<'_>) -> bool {
    let messages = draft.get("messages").unwrap_or_default();
    if memmem::find(messages.as_bytes(), b"json").is_some()
        || memmem::find(messages.as_bytes(), b"JSON").is_some()
    {
        return true;
    }
    messages.to_ascii_lowercase().contains("json")
}
