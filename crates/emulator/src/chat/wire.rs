//! How an answer is written, in the key order and with the null fields of the
//! serving stack that was recorded.

mod classic;
mod current;

use bytes::Bytes;
use serde_json::Value;

use super::answer::{Answer, Finish, Saying};
use super::request::ChatRequest;
use crate::model_table::Wire;
use crate::reply::{Events, event};

/// Characters per fragment of tool arguments.
const FRAGMENT_CHARS: usize = 24;

/// What all parts of one reply have in common.
#[derive(Clone, Debug)]
pub(crate) struct Heading {
    /// `chatcmpl-` and the request id.
    pub(crate) id: String,
    pub(crate) model: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
}

/// One chunk of a stream, before it is written.
enum Step {
    /// The first chunk of a choice that is text.
    Open {
        choice: u64,
        thinking: bool,
    },
    Reasoning {
        choice: u64,
        text: String,
    },
    Text {
        choice: u64,
        text: String,
        thinking: bool,
    },
    /// The first fragment of a call; `opens` when it is also the first chunk of the choice.
    Call {
        index: usize,
        id: String,
        name: String,
        opens: bool,
    },
    /// A later fragment; `id` only for stacks that repeat it.
    Arguments {
        index: usize,
        id: String,
        text: String,
        first: bool,
    },
    /// An empty last fragment.
    CallEnd {
        index: usize,
    },
    Finish {
        choice: u64,
        reason: Finish,
        thinking: bool,
    },
    Usage,
}

/// Writes an answer as one JSON object.
pub(crate) fn whole(request: &ChatRequest<'_>, heading: &Heading, answer: &Answer) -> Value {
    match request.model.wire {
        Wire::Current => current::whole(heading, answer, request.n_choices),
        Wire::Classic => classic::whole(heading, answer, request.n_choices),
    }
}

/// Writes an answer as events, each when it is asked for.
pub(crate) fn events(request: &ChatRequest<'_>, heading: Heading, answer: Answer) -> Events {
    let wire = request.model.wire;
    let usage = answer.usage;
    let steps = steps(answer, request.n_choices, request.include_usage);
    // The classic stack has no empty last fragment.
    let written = move |step: &Step| wire == Wire::Current || !matches!(step, Step::CallEnd { .. });
    let steps = steps.into_iter().filter(written);
    let chunks = steps.enumerate().map(move |(number, step)| {
        let chunk = match wire {
            Wire::Current => current::chunk(&heading, &step, number, usage),
            Wire::Classic => classic::chunk(&heading, &step, usage),
        };
        event(&chunk.to_string())
    });
    Box::new(chunks.chain(std::iter::once(Bytes::from_static(b"data: [DONE]\n\n"))))
}

fn steps(answer: Answer, n_choices: u64, include_usage: bool) -> Vec<Step> {
    let thinking = answer.reasoning.is_some();
    let mut steps = Vec::new();
    let reasoning = answer.reasoning.unwrap_or_default();
    match answer.saying {
        Saying::Text(pieces) => {
            steps.extend((0..n_choices).map(|choice| Step::Open { choice, thinking }));
            // Thinking comes with one choice only.
            steps.extend(
                reasoning
                    .into_iter()
                    .map(|text| Step::Reasoning { choice: 0, text }),
            );
            for piece in pieces {
                for choice in 0..n_choices {
                    steps.push(Step::Text {
                        choice,
                        text: piece.clone(),
                        thinking,
                    });
                }
            }
        }
        Saying::Calls(calls) => {
            if thinking {
                steps.push(Step::Open {
                    choice: 0,
                    thinking,
                });
            }
            steps.extend(
                reasoning
                    .into_iter()
                    .map(|text| Step::Reasoning { choice: 0, text }),
            );
            for (index, call) in calls.into_iter().enumerate() {
                let opens = index == 0 && !thinking;
                steps.push(Step::Call {
                    index,
                    id: call.id.clone(),
                    name: call.name,
                    opens,
                });
                for (number, text) in fragments(&call.arguments).into_iter().enumerate() {
                    steps.push(Step::Arguments {
                        index,
                        id: call.id.clone(),
                        text,
                        first: number == 0,
                    });
                }
                steps.push(Step::CallEnd { index });
            }
        }
    }
    let reason = answer.finish;
    steps.extend((0..n_choices).map(|choice| Step::Finish {
        choice,
        reason,
        thinking,
    }));
    if include_usage {
        steps.push(Step::Usage);
    }
    steps
}

fn fragments(arguments: &str) -> Vec<String> {
    let characters: Vec<char> = arguments.chars().collect();
    characters
        .chunks(FRAGMENT_CHARS)
        .map(|part| part.iter().collect())
        .collect()
}
