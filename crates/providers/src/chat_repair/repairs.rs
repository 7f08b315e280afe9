//! What was put in order in a reply, for the record of the request.

use serde::{Serialize, Serializer};

/// Something that was not as clients expect it.
///
/// Empty ids and names that restate a tool call are taken out without a word: Model Studio sends them in every stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Repair {
    /// A tool call had no `index`, or another call's.
    ToolCallIndex = 1,
    /// A tool call had no id.
    ToolCallId = 1 << 1,
    /// One chunk held several pieces of one tool call.
    ToolCallsMerged = 1 << 2,
    /// The answer ended with `stop`, or without a reason, though it called tools.
    FinishReason = 1 << 3,
    /// A tool call's arguments were no JSON object, and only one was meant.
    ToolArguments = 1 << 4,
    /// A tool call's arguments are no JSON object, and were left as they are.
    InvalidToolArguments = 1 << 5,
    /// Reasoning stood in the text.
    ThinkTags = 1 << 6,
    /// The host was asked for a stream, the client gets the answer in one piece.
    Gathered = 1 << 7,
    /// The host sent the answer in one piece, the client gets a stream.
    Streamed = 1 << 8,
}

const NAMES: [(Repair, &str); 9] = [
    (Repair::ToolCallIndex, "tool_call_index"),
    (Repair::ToolCallId, "tool_call_id"),
    (Repair::ToolCallsMerged, "tool_calls_merged"),
    (Repair::FinishReason, "finish_reason"),
    (Repair::ToolArguments, "tool_arguments"),
    (Repair::InvalidToolArguments, "tool_arguments_invalid"),
    (Repair::ThinkTags, "think_tags"),
    (Repair::Gathered, "gathered"),
    (Repair::Streamed, "streamed"),
];

/// All that was put in order in one reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repairs(u16);

impl Repairs {
    /// Adds one.
    pub fn add(&mut self, repair: Repair) {
        self.0 |= repair as u16;
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Says whether nothing had to be put in order.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the names used in logs.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let found = NAMES
            .into_iter()
            .filter(move |(repair, _)| self.0 & (*repair as u16) != 0);
        found.map(|(_, name)| name)
    }
}

impl Serialize for Repairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}
