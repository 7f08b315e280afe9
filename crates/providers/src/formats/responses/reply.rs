//! A whole Responses answer.

use serde_json::Value;

use super::wire::{self, Echo, Standing};
use crate::formats::translation::{End, Identity, Part};

/// Says a whole answer as a response object.
pub(crate) fn whole(identity: &Identity, echo: &Echo, parts: &[Part], end: End) -> Value {
    wire::response(identity, echo, parts, Standing::Ended(end))
}
