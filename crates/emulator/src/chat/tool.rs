//! Offered tools, and when the model calls which.

use serde_json::{Value, json};

use super::field::Fields;
use super::schema_instance;
use crate::refusal::Refusal;

/// Longest tool name, in characters.
const NAME_LENGTH_MAX: usize = 64;

/// A function the client offers.
pub(crate) struct Tool<'a> {
    name: &'a str,
    parameters: Option<&'a Value>,
}

/// What the request says about using tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice<'a> {
    Auto,
    None,
    Function(&'a str),
}

/// The offered tools and the rules for using them.
pub(crate) struct Tools<'a> {
    offered: Vec<Tool<'a>>,
    choice: Choice<'a>,
    parallel: bool,
}

/// A call the model decided to make; its arguments are JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl<'a> Tools<'a> {
    pub(crate) fn read(fields: Fields<'a>, thinking: bool) -> Result<Self, Refusal> {
        let offered = fields.array("tools")?.into_iter().flatten().map(read_tool);
        let offered: Vec<Tool<'a>> = offered.collect::<Result<_, _>>()?;
        let choice = read_choice(fields, &offered, thinking)?;
        // The service's default, the opposite of what OpenAI does.
        let parallel = fields.boolean("parallel_tool_calls")?.unwrap_or(false);
        Ok(Self {
            offered,
            choice,
            parallel,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.offered.is_empty()
    }

    /// Returns the calls the model makes when the user says `text`, with empty ids.
    ///
    /// A forced function is always called. Otherwise the model calls the tools
    /// that `text` names as whole words, in that order, and only the first one
    /// unless parallel calls were asked for. A JSON object behind a name is
    /// taken as its arguments; otherwise they are made from its schema.
    pub(crate) fn calls(&self, text: &str) -> Vec<Call> {
        if let Choice::Function(forced) = self.choice {
            let tool = self.offered.iter().find(|tool| tool.name == forced);
            return tool.map(|tool| tool.call(text)).into_iter().collect();
        }
        if self.choice == Choice::None {
            return Vec::new();
        }
        let mut named: Vec<(usize, &Tool<'_>)> = self
            .offered
            .iter()
            .filter_map(|tool| Some((position_of_word(text, tool.name)?, tool)))
            .collect();
        named.sort_by_key(|(at, _)| *at);
        let n_calls = if self.parallel { named.len() } else { 1 };
        named
            .into_iter()
            .take(n_calls)
            .map(|(_, tool)| tool.call(text))
            .collect()
    }

    /// Tells whether the request insists on a call.
    pub(crate) fn forces_a_call(&self) -> bool {
        matches!(self.choice, Choice::Function(_))
    }
}

impl Tool<'_> {
    fn call(&self, text: &str) -> Call {
        let empty = json!({"type": "object"});
        let arguments = arguments_behind(text, self.name)
            .unwrap_or_else(|| schema_instance::make(self.parameters.unwrap_or(&empty)));
        Call {
            id: String::new(),
            name: self.name.to_owned(),
            arguments: schema_instance::spaced(&arguments),
        }
    }
}

fn read_tool(tool: &Value) -> Result<Tool<'_>, Refusal> {
    let function = tool.get("function").and_then(Value::as_object);
    let Some(function) =
        function.filter(|_| tool.get("type").and_then(Value::as_str) == Some("function"))
    else {
        return Err(Refusal::invalid(
            "'tools' must be a list of {\"type\": \"function\", \"function\": {...}}",
        ));
    };
    let name = function
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let well_formed = !name.is_empty()
        && name.len() <= NAME_LENGTH_MAX
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !well_formed {
        return Err(Refusal::invalid(format!(
            "'{name}' is not a valid tool name"
        )));
    }
    Ok(Tool {
        name,
        parameters: function
            .get("parameters")
            .filter(|schema| schema.is_object()),
    })
}

fn read_choice<'a>(
    fields: Fields<'a>,
    offered: &[Tool<'a>],
    thinking: bool,
) -> Result<Choice<'a>, Refusal> {
    let not_while_thinking = || {
        Refusal::invalid(
            "The tool_choice parameter does not support being set to required or object in thinking mode",
        )
    };
    match fields.get("tool_choice") {
        None => Ok(Choice::Auto),
        Some(Value::String(word)) if word == "auto" => Ok(Choice::Auto),
        Some(Value::String(word)) if word == "none" => Ok(Choice::None),
        Some(Value::Object(_) | Value::String(_)) if thinking => Err(not_while_thinking()),
        Some(Value::Object(object)) => {
            let name = object
                .get("function")
                .and_then(|function| function.get("name")?.as_str());
            match name.filter(|name| offered.iter().any(|tool| tool.name == *name)) {
                Some(name) => Ok(Choice::Function(name)),
                None => Err(Refusal::invalid(
                    "tool_choice names a function that is not in tools",
                )),
            }
        }
        Some(_) => Err(Refusal::invalid(
            "tool_choice is one of the strings that should be [\"none\",\"auto\"]",
        )),
    }
}

/// Finds a name that does not continue to the left or right.
fn position_of_word(text: &str, name: &str) -> Option<usize> {
    let continues = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|part| part.chars().next_back());
        let after = text
            .get(at + name.len()..)
            .and_then(|part| part.chars().next());
        !before.is_some_and(continues) && !after.is_some_and(continues)
    })
}

fn arguments_behind(text: &str, name: &str) -> Option<Value> {
    let behind = text
        .get(position_of_word(text, name)? + name.len()..)?
        .trim_start();
    let mut values = serde_json::Deserializer::from_str(behind).into_iter::<Value>();
    values.next()?.ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(body: &Value, text: &str) -> Vec<(String, String)> {
        let tools = Tools::read(Fields(body.as_object().unwrap()), false).unwrap();
        tools
            .calls(text)
            .into_iter()
            .map(|call| (call.name, call.arguments))
            .collect()
    }

    fn offer(extra: &Value) -> Value {
        let tool = |name: &str| {
            json!({"type": "function", "function": {"name": name, "parameters": {
                "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}
            }}})
        };
        let mut body = json!({"tools": [tool("weather"), tool("clock")]});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    }

    #[test]
    fn calls_what_the_user_names() {
        let one = |name: &str, arguments: &str| (name.to_owned(), arguments.to_owned());
        let filled = r#"{"city": "example", "days": 1}"#;
        assert_eq!(
            calls(&offer(&json!({})), "use clock and weather"),
            [one("clock", filled)]
        );
        assert_eq!(calls(&offer(&json!({})), "how are you, weatherman"), []);
        assert_eq!(
            calls(
                &offer(&json!({"parallel_tool_calls": true})),
                "clock, then weather {\"city\":\"Paris\"}"
            ),
            [one("clock", filled), one("weather", r#"{"city": "Paris"}"#)]
        );
        assert_eq!(
            calls(&offer(&json!({"tool_choice": "none"})), "weather"),
            []
        );
        let forced = json!({"tool_choice": {"type": "function", "function": {"name": "weather"}}});
        assert_eq!(calls(&offer(&forced), "hello"), [one("weather", filled)]);
    }

    #[test]
    fn refuses_choices_the_service_does_not_know() {
        for (choice, thinking) in [
            (json!("required"), false),
            (
                json!({"type": "function", "function": {"name": "other"}}),
                false,
            ),
            (
                json!({"type": "function", "function": {"name": "weather"}}),
                true,
            ),
            (json!(1), false),
        ] {
            let body = offer(&json!({"tool_choice": choice}));
            assert!(
                Tools::read(Fields(body.as_object().unwrap()), thinking).is_err(),
                "{choice}"
            );
        }
    }
}
