//! The same question asked of the running gateway, with the differences marked.

use std::time::Duration;

use config::AgentId;
use serde_json::{Value, json};

use crate::context::{Context, ReadConfig};
use crate::failed::Failed;
use crate::gateway_client::GatewayClient;

/// What is compared, with its name for people.
const COMPARED: [(&str, &str); 3] = [
    ("credential", "credential"),
    ("baseUrl", "base URL"),
    ("usable", "usable"),
];

/// What the gateway says, beside what this process sees.
pub(super) struct Running {
    address: String,
    agent: AgentId,
    answer: Result<Answer, String>,
}

struct Answer {
    there: Value,
    differences: Vec<Difference>,
}

struct Difference {
    field: &'static str,
    name: &'static str,
    here: Value,
    there: Value,
}

impl Running {
    /// Asks the gateway; one that does not answer is a fact, not a failure.
    pub(super) fn ask(
        context: &Context,
        config: &ReadConfig,
        (agent, here): (&AgentId, &Value),
        wait: Duration,
    ) -> Result<Self, Failed> {
        let gateway = GatewayClient::new(context, config);
        let address = gateway.address().to_string();
        let status = crate::runtime::single()?.block_on(gateway.status(wait));
        let answer = match status {
            Ok(status) => Ok(compare(here, seen_by(agent, &status))),
            Err(failed) => Err(failed.message),
        };
        let agent = agent.clone();
        Ok(Self {
            address,
            agent,
            answer,
        })
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let answer = match &self.answer {
            Ok(answer) => answer,
            Err(why) => return vec![format!("Gateway: {why}")],
        };
        if answer.differences.is_empty() {
            let credential = shown(answer.there.get("credential").unwrap_or(&Value::Null));
            return vec![format!(
                "Gateway at {}: the same as here, {credential}",
                self.address
            )];
        }
        let mut lines = vec![format!("Gateway at {}: differs from here", self.address)];
        lines.extend(answer.differences.iter().map(|difference| {
            format!(
                "  ! {}: gateway {}, here {}",
                difference.name,
                shown(&difference.there),
                shown(&difference.here)
            )
        }));
        lines.push("  a running gateway takes a change over within seconds, unless `gateway.reload.mode` is `off`".to_owned());
        lines
    }

    pub(super) fn json(&self) -> Value {
        match &self.answer {
            Err(why) => json!({"running": false, "address": self.address, "reason": why}),
            Ok(answer) => {
                let differences: Vec<Value> = answer
                    .differences
                    .iter()
                    .map(|one| json!({"field": one.field, "gateway": one.there, "here": one.here}))
                    .collect();
                json!({
                    "running": true,
                    "address": self.address,
                    "agentId": self.agent.as_str(),
                    "same": differences.is_empty(),
                    "differences": differences,
                    "view": answer.there,
                })
            }
        }
    }
}

/// Returns what the gateway says about an agent: one without credentials of its own uses those of `main`.
fn seen_by<'a>(agent: &AgentId, status: &'a Value) -> &'a Value {
    let apart = status
        .get("agentsApart")
        .and_then(|apart| apart.get(agent.as_str()));
    apart.unwrap_or(status)
}

/// Finds the provider in the gateway's answer and compares it field by field.
fn compare(here: &Value, status: &Value) -> Answer {
    let id = here.get("provider");
    let there = status
        .get("providers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|view| view.get("provider") == id)
        .cloned()
        .unwrap_or_default();
    let value = |view: &Value, field: &str| view.get(field).cloned().unwrap_or_default();
    let differences = COMPARED
        .iter()
        .map(|(field, name)| Difference {
            field,
            name,
            here: value(here, field),
            there: value(&there, field),
        })
        .filter(|difference| difference.here != difference.there)
        .collect();
    Answer { there, differences }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(here: &Value, status: &Value) -> Running {
        Running {
            address: "127.0.0.1:1".to_owned(),
            agent: AgentId::main(),
            answer: Ok(compare(here, status)),
        }
    }

    #[test]
    fn what_differs_is_marked() {
        let here =
            json!({"provider": "qwen", "credential": "a (sk-…1)", "baseUrl": "u", "usable": true});
        let same = json!({"providers": [{"provider": "qwen", "credential": "a (sk-…1)", "baseUrl": "u", "usable": true, "plan": "x"}]});
        assert_eq!(
            running(&here, &same).lines(),
            ["Gateway at 127.0.0.1:1: the same as here, a (sk-…1)"]
        );
        let other = json!({"providers": [{"provider": "qwen", "credential": "b (sk-…2)", "baseUrl": "u", "usable": true}]});
        let lines = running(&here, &other).lines();
        assert_eq!(
            lines.get(1).map(String::as_str),
            Some("  ! credential: gateway b (sk-…2), here a (sk-…1)")
        );
        assert_eq!(lines.len(), 3, "{lines:?}");
    }

    #[test]
    fn a_provider_the_gateway_does_not_know_differs() {
        let here = json!({"provider": "qwen", "credential": "a", "baseUrl": "u", "usable": true});
        let data = running(&here, &json!({"providers": []})).json();
        assert_eq!(data["same"], false, "{data}");
    }
}
