//! What programs answered, kept in memory, so that one command or one start of the gateway runs each of them once.
//!
//! An answer is kept for [`ANSWER_FRESH_MS`], a failure for [`FAILURE_FRESH_MS`]. Whoever asks for something that is
//! being asked for waits for that one answer; other questions are not held up.

use std::sync::{Arc, Mutex, PoisonError};

use crate::exec_secret::{ExecError, ExecSource};
use crate::secret::Secret;

/// How long an answer is used, in milliseconds: a secret that was changed in its vault is seen after this time.
pub const ANSWER_FRESH_MS: u64 = 5 * 60 * 1000;
/// How long a failure is used, in milliseconds: long enough for all models of one provider, short for a person.
pub const FAILURE_FRESH_MS: u64 = 10 * 1000;
/// The most questions that are remembered.
const QUESTIONS_MAX: usize = 256;

type Answer = Result<Secret, ExecError>;

/// One question, with everything that decides the answer.
struct Question {
    source: ExecSource,
    provider: String,
    id: String,
    slot: Arc<Slot>,
}

/// The last answer and when it was given. Its lock is held while the program runs: only the same question waits.
type Slot = Mutex<Option<(u64, Answer)>>;

static QUESTIONS: Mutex<Vec<Question>> = Mutex::new(Vec::new());

/// Returns the answer of a program, which is run when there is none that is fresh; blocks up to its deadline.
pub(crate) fn ask(source: &ExecSource, provider: &str, id: &str, now_ms: u64) -> Answer {
    let slot = slot(source, provider, id);
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = fresh(slot.as_ref(), now_ms) {
        return answer;
    }
    let answer = source.read(provider, id);
    *slot = Some((now_ms, answer.clone()));
    answer
}

/// Returns the answer that a program gave before, if it is fresh.
pub(crate) fn known(source: &ExecSource, provider: &str, id: &str, now_ms: u64) -> Option<Answer> {
    let slot = slot(source, provider, id);
    let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    fresh(slot.as_ref(), now_ms)
}

fn fresh(held: Option<&(u64, Answer)>, now_ms: u64) -> Option<Answer> {
    let (at_ms, answer) = held?;
    let fresh_ms = match answer {
        Ok(_) => ANSWER_FRESH_MS,
        Err(_) => FAILURE_FRESH_MS,
    };
    (now_ms.abs_diff(*at_ms) < fresh_ms).then(|| answer.clone())
}

fn slot(source: &ExecSource, provider: &str, id: &str) -> Arc<Slot> {
    let mut questions = QUESTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |one: &&Question| one.id == id && one.provider == provider && one.source == *source;
    if let Some(question) = questions.iter().find(same) {
        return Arc::clone(&question.slot);
    }
    if questions.len() >= QUESTIONS_MAX {
        questions.clear();
    }
    let slot = Arc::new(Mutex::new(None));
    questions.push(Question {
        source: source.clone(),
        provider: provider.to_owned(),
        id: id.to_owned(),
        slot: Arc::clone(&slot),
    });
    slot
}
