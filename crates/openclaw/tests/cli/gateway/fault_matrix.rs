//! Every row of the error atlas, whole and streamed, as the first and as the second candidate: what the gateway makes of
//! it. The gateway is the real one, in this process, with nothing learned before; the hosts are the emulator's.

use std::collections::BTreeMap;

use catalog::{Catalog, ErrorClass, ErrorRow, ErrorScope, RetryRule};
use serde_json::Value;

use super::client::Answer;

#[path = "fault_matrix/bench.rs"]
mod bench;
#[path = "fault_matrix/fault.rs"]
mod fault;

use bench::{Bench, FAULTY, HEALTHY, OTHER};
use fault::{Fault, Form};

/// Which candidate has the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The first; the second is well.
    First,
    /// The second; the first is not entitled to its model.
    Second,
}

/// What is to be seen of one case.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    /// Class in the answer; none for a success.
    class: Option<String>,
    /// Who answered; none for a failure.
    routed: Option<String>,
    /// Upstream calls by host, in the order of the first.
    calls: Vec<(String, usize)>,
    /// Class and scope of what rests afterwards because of the fault.
    rests: Option<(ErrorClass, String)>,
}

#[test]
fn every_row_of_the_atlas_in_every_place() {
    let catalog = Catalog::builtin().unwrap();
    let bench = Bench::start();
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for row in catalog.error_rows() {
        for form in [Form::Whole, Form::Stream, Form::Event] {
            let Some(fault) = Fault::of(&catalog, row, form) else {
                continue;
            };
            for position in [Position::First, Position::Second] {
                let expected = expected(row, &fault, position);
                let seen = look(&bench, &fault, position);
                assert_eq!(
                    seen, expected,
                    "{} {form:?} {position:?}: {fault:?}",
                    row.id
                );
                *told.entry(&row.id).or_default() += 1;
            }
        }
    }
    // Whole and streamed, first and second, and most of them inside a stream too.
    let untold = catalog
        .error_rows()
        .iter()
        .filter(|row| told.get(row.id.as_str()).is_none_or(|n| *n < 4));
    let untold: Vec<&str> = untold.map(|row| row.id.as_str()).collect();
    assert_eq!(untold, [""; 0], "rows without a case");
    assert!(told.values().sum::<usize>() > 600);
}

/// Asks the gateway once and looks at everything.
fn look(bench: &Bench, fault: &Fault, position: Position) -> Seen {
    let (answer, rests) = bench.ask(fault, position == Position::Second);
    let error = is_error(&answer).then(|| answer.json()["error"].take());
    let class = error
        .as_ref()
        .map(|error| error["class"].as_str().unwrap().to_owned());
    Seen {
        status: answer.status,
        class,
        routed: answer.header("x-openclaw-routed-model").map(str::to_owned),
        calls: bench.calls(),
        rests,
    }
}

fn is_error(answer: &Answer) -> bool {
    answer.status != 200
}

/// Says what the retry rule, the class and the scope of a row lead to.
fn expected(row: &ErrorRow, fault: &Fault, position: Position) -> Seen {
    let is_last_word = row.retry == RetryRule::Never || row.class == ErrorClass::LocalTimeout;
    // A model that only streams is asked again for a stream, for the client that wants the answer whole.
    let is_streamed_instead =
        row.detail.as_deref() == Some("stream-only") && fault.form == Form::Whole;
    let is_repeated = row.retry == RetryRule::RetryOnce || is_streamed_instead;
    let n_calls = if is_repeated { 2 } else { 1 };
    let host = fault.host.clone();
    let own_status = row.class.client_status_for(fault.status_seen());
    let mut calls = vec![(host, n_calls)];
    let failed = |status: u16, class: ErrorClass| (status, Some(class.to_string()), None);
    let (status, class, routed) = match position {
        Position::First if is_last_word => failed(own_status, row.class),
        Position::First => {
            calls.push((HEALTHY.to_owned(), 1));
            (200, None, Some("healthy/qwen3.5-plus".to_owned()))
        }
        Position::Second => {
            calls.insert(0, (OTHER.to_owned(), 1));
            // The operator's first choice decides, unless nobody could do better.
            if is_last_word {
                failed(own_status, row.class)
            } else {
                failed(403, ErrorClass::NotEntitled)
            }
        }
    };
    Seen {
        status,
        class,
        routed,
        calls,
        rests: rests(row, n_calls),
    }
}

/// Says what rests after that many failures: knowledge and refusals at once, hiccups when they repeat.
fn rests(row: &ErrorRow, n_calls: usize) -> Option<(ErrorClass, String)> {
    let scope = (row.scope != ErrorScope::Request).then(|| row.scope.to_string())?;
    let rests = match row.class {
        ErrorClass::InvalidKey
        | ErrorClass::WrongPlan
        | ErrorClass::WrongRegion
        | ErrorClass::NotEntitled
        | ErrorClass::ModelNotFound
        | ErrorClass::Throttled
        | ErrorClass::QuotaWindow
        | ErrorClass::FreeTierExhausted
        | ErrorClass::Arrears => true,
        ErrorClass::UpstreamFault | ErrorClass::Network => n_calls > 1,
        ErrorClass::ClientNotAdmitted
        | ErrorClass::ContentInspection
        | ErrorClass::ContextOverflow
        | ErrorClass::InvalidParameter
        | ErrorClass::LocalTimeout
        | ErrorClass::StreamError
        | ErrorClass::Unknown => false,
    };
    rests.then_some((row.class, scope))
}

/// A 403 for one model leaves the others of the key alone, on the very next request.
#[test]
fn a_model_that_is_denied_does_not_stand_in_the_way_of_another() {
    let catalog = Catalog::builtin().unwrap();
    let bench = Bench::start();
    let row = catalog
        .error_rows()
        .iter()
        .find(|row| row.id == "not-purchased")
        .unwrap();
    let fault = Fault::of(&catalog, row, Form::Whole).unwrap();
    let answers = bench.ask_both_models(&fault);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [403, 200, 403, 200]);
    // The denied model was asked once; what is known is not asked again.
    let denied = |request: &Value| request["body"]["model"] == "qwen3.5-plus";
    let n_denied = bench
        .requests()
        .iter()
        .filter(|request| denied(request))
        .count();
    assert_eq!(n_denied, 1);
    assert_eq!(bench.calls(), [(FAULTY.to_owned(), 3)]);
}
