//! Speaks to one upstream: builds its URL, sends the patched bytes, watches the reply, names the failure.
//!
//! The story of a call: [`directory`] turns what the caller typed into a [`Route`] (host, model id, credential);
//! [`chat_request`] reads the top level of the body and splices the few fields the host needs; [`Upstream::attempt`]
//! is the only way out to the network, for the gateway, the command line, probes and checks alike; [`chat_stream`]
//! forwards the reply as it arrives while a scanner reads usage, errors and the end; [`chat_delta`] reads it as typed
//! pieces for those who do not forward it; [`Failure`] is what went wrong,
//! classified by the catalog's table, as a value until the last layer.

mod answer_body;
pub mod attempt;
mod chat_answer;
pub mod chat_delta;
mod chat_gathered;
pub mod chat_repair;
pub mod chat_request;
pub mod chat_rules;
pub mod chat_stream;
mod chat_streamed;
pub mod deadline;
pub mod directory;
pub mod discovery;
pub mod failover;
pub mod failure;
pub mod formats;
pub mod health;
pub mod http_client;
pub mod json_call;
mod json_prefix;
pub mod json_span;
pub mod media;
pub mod media_fetch;
pub mod media_file;
pub mod media_type;
pub mod probe;
pub mod sse;
mod think_tags;
mod token_transport;
pub mod tool_arguments;
pub mod upload;
pub mod upstream_url;
pub mod usage;
pub mod video_request;
pub mod video_task;

pub use catalog::ThinkingLevel;

pub use answer_body::AnswerBody;
pub use attempt::{Call, Reply, Upstream};
pub use chat_delta::Delta;
pub use deadline::Deadline;
pub use directory::{Directory, Route};
pub use failover::{Answered, Ask, Chain, ChatAsk, Exhausted, Terms, Trace};
pub use failure::Failure;
pub use health::Health;
pub use json_call::{JsonCall, JsonReply, JsonRequest};
pub use usage::Usage;
