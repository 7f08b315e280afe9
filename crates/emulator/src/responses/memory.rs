//! Conversations that a later request may go on with.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Most conversations kept; the oldest is forgotten first.
const HELD_MAX: usize = 1000;

/// Conversations by the id of the response that ended them.
#[derive(Default)]
pub(crate) struct Memory {
    held: Mutex<VecDeque<(String, Vec<Value>)>>,
}

impl Memory {
    /// Keeps the messages of a conversation.
    pub(crate) fn keep(&self, id: &str, messages: Vec<Value>) {
        let mut held = self.lock();
        if held.len() >= HELD_MAX {
            held.pop_front();
        }
        held.push_back((id.to_owned(), messages));
    }

    /// Returns the messages of a conversation.
    pub(crate) fn find(&self, id: &str) -> Option<Vec<Value>> {
        let held = self.lock();
        let found = held.iter().find(|(known, _)| known == id);
        found.map(|(_, messages)| messages.clone())
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Vec<Value>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
