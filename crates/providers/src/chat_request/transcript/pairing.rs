//! Calls and their results: each call is followed by exactly one result, and no result stands alone.

use super::Notes;
use super::message::{Call, Item, Kind};

/// What a tool message says for a call that never got a result.
const NO_RESULT: &str = "[no result: the call was interrupted]";

/// Puts every result behind its call, in the order of the conversation.
pub(super) fn pair<'a>(items: Vec<Item<'a>>, notes: &mut Notes) -> Vec<Item<'a>> {
    let mut slots: Vec<Option<Item<'a>>> = items.into_iter().map(Some).collect();
    let mut paired = Vec::with_capacity(slots.len());
    for at in 0..slots.len() {
        let Some(item) = slots.get_mut(at).and_then(Option::take) else {
            continue;
        };
        match &item.kind {
            Kind::Result { .. } => notes.add("tool results without a call left out"),
            Kind::Said => paired.push(item),
            Kind::Calls(calls) => {
                let calls = calls.clone();
                paired.push(item);
                answer(calls, at + 1, &mut slots, &mut paired, notes);
            }
        }
    }
    paired
}

/// Adds the results of `calls`: first those right behind them, then those further on, then words for the missing ones.
fn answer<'a>(
    mut open: Vec<Call>,
    next: usize,
    slots: &mut [Option<Item<'a>>],
    paired: &mut Vec<Item<'a>>,
    notes: &mut Notes,
) {
    let mut at = next;
    // A slot that was emptied already held a result that was moved; it does not end the run.
    while let Some(slot) = slots.get_mut(at) {
        if slot.as_ref().is_some_and(|item| !item.is_result()) {
            break;
        }
        if let Some(item) = slot.take() {
            match take_call(&mut open, &item) {
                Some(call) => paired.push(item.answering(&call.id)),
                None => notes.add("tool results without a call left out"),
            }
        }
        at += 1;
    }
    for slot in slots.iter_mut().skip(at) {
        let Some(item) = slot.as_ref() else { continue };
        if item.calls_any_of(&open) {
            break;
        }
        if item.names_any_of(&open)
            && let Some(item) = slot.take()
            && let Some(call) = take_call(&mut open, &item)
        {
            notes.add("tool results moved behind their call");
            paired.push(item.answering(&call.id));
        }
    }
    for call in open {
        notes.add("missing tool results filled in");
        paired.push(Item::result(&call.id, NO_RESULT));
    }
}

/// Takes the call that a result answers: by id, else by name, and without either the first that is open.
fn take_call(open: &mut Vec<Call>, item: &Item<'_>) -> Option<Call> {
    let Kind::Result { answers, name } = &item.kind else {
        return None;
    };
    let by_id = |call: &Call| Some(&call.written_id) == answers.as_ref();
    let by_name = |call: &Call| Some(&call.name) == name.as_ref();
    let has_id = answers.as_ref().is_some_and(|id| !id.is_empty());
    let mut found = open.iter().position(by_id);
    if found.is_none() && !has_id {
        found = open.iter().position(by_name);
        found = found.or_else(|| (!open.is_empty()).then_some(0));
    } else if found.is_none() {
        // The id was lost on the side of the call, so the one that the result kept is as good.
        found = open.iter().position(|call| call.written_id.is_empty());
    }
    found.map(|at| open.remove(at))
}
