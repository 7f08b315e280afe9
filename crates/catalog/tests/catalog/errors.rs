use std::time::Duration;

use catalog::EndpointFamily::{
    self, Anthropic, Native, OpenaiCoding as Coding, OpenaiStandard as Standard,
    OpenaiToken as Token,
};
use catalog::ErrorClass as C;
use catalog::ErrorScope as S;
use catalog::{
    Catalog, Classification, ErrorClass, ErrorScope, FailureFacts, FailureKind, KeyFamily,
    Language, OverrideFile, RetryRule,
};

use crate::shipped;

struct Case {
    family: EndpointFamily,
    status: u16,
    code: &'static str,
    message: &'static str,
    class: ErrorClass,
    detail: &'static str,
    scope: ErrorScope,
}

fn facts(case: &Case) -> FailureFacts<'static> {
    FailureFacts {
        family: case.family,
        status: Some(case.status),
        code: (!case.code.is_empty()).then_some(case.code),
        message: case.message,
        ..FailureFacts::default()
    }
}

/// Every documented code, in both spellings, with what the atlas must say.
fn documented() -> Vec<Case> {
    let cases: Vec<Case> = include_str!("../data/documented_errors.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let [family, status, code, message, class, detail, scope] = fields[..] else {
                panic!("{line}")
            };
            Case {
                family: family.parse().unwrap(),
                status: status.parse().unwrap(),
                code,
                message,
                class: class.parse().unwrap(),
                detail,
                scope: scope.parse().unwrap(),
            }
        })
        .collect();
    assert!(cases.len() > 200);
    cases
}

#[test]
fn every_documented_code_has_its_class() {
    let catalog = shipped();
    for case in &documented() {
        let found = catalog.classify(&facts(case));
        let seen = (found.class, found.detail.unwrap_or(""), found.scope);
        let place = format!(
            "{} {} {:?} {:?} -> {}",
            case.family, case.status, case.code, case.message, found.rule
        );
        assert_eq!(seen, (case.class, case.detail, case.scope), "{place}");
        assert!(found.is_documented && !found.cause.is_empty(), "{place}");
    }
}

#[test]
fn every_documented_row_is_shown_by_an_example() {
    let catalog = shipped();
    let told_by_key = [
        "plan-key-on-standard",
        "plan-key-on-standard-text",
        "metered-key-on-plan",
        "metered-key-on-plan-text",
    ];
    let shown: Vec<&str> = documented()
        .iter()
        .map(|case| catalog.classify(&facts(case)).rule)
        .collect();
    for row in catalog.error_rows() {
        let never_an_answer = !row.kinds.is_empty();
        let is_shown = shown.contains(&row.id.as_str()) || told_by_key.contains(&row.id.as_str());
        assert!(row.fallback || never_an_answer || is_shown, "{}", row.id);
    }
}

#[test]
fn every_row_speaks_english_and_chinese() {
    let is_chinese = |text: &Option<String>| {
        text.as_deref()
            .is_some_and(|text| text.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}')))
    };
    for row in shipped().error_rows() {
        assert!(!row.cause.is_empty() && row.remedy.is_some(), "{}", row.id);
        assert!(
            is_chinese(&row.cause_zh) && is_chinese(&row.remedy_zh),
            "{}",
            row.id
        );
        let details = row.detail.iter().all(|detail| !detail.is_empty());
        assert!(details, "{}", row.id);
    }
}

#[test]
fn the_language_changes_the_words_and_nothing_else() {
    let chinese = shipped().with_language(Language::Chinese);
    let english = shipped();
    for case in &documented() {
        let (here, there) = (
            english.classify(&facts(case)),
            chinese.classify(&facts(case)),
        );
        assert_ne!(here.hint(), there.hint());
        let same = Classification {
            cause: here.cause,
            remedy: here.remedy,
            ..there
        };
        assert_eq!(here, same);
    }
    let unknown = chinese.classify(&FailureFacts::default());
    assert!(unknown.hint().contains("错误"), "{}", unknown.hint());
}

#[test]
fn a_row_without_a_translation_is_told_in_english() {
    let contents = "[{ id: 'ours', codes: ['Ours'], class: 'unknown', scope: 'request', retry: 'never', hint: 'ours alone' }]";
    let file = OverrideFile {
        name: "errors.json5",
        contents,
    };
    let catalog = shipped()
        .with_overrides(&[file])
        .unwrap()
        .with_language(Language::Chinese);
    let facts = FailureFacts {
        code: Some("Ours"),
        ..FailureFacts::default()
    };
    assert_eq!(catalog.classify(&facts).hint(), "ours alone");
}

#[test]
fn the_same_error_inside_a_stream_has_the_same_class() {
    let catalog = shipped();
    for case in documented().iter().filter(|case| !case.code.is_empty()) {
        let in_stream = FailureFacts {
            kind: FailureKind::StreamEvent,
            ..facts(case)
        };
        assert_eq!(
            catalog.classify(&in_stream),
            catalog.classify(&facts(case)),
            "{}",
            case.code
        );
    }
}

#[test]
fn status_of_the_stream_itself_does_not_hide_the_code() {
    let catalog = shipped();
    let facts = FailureFacts {
        family: Standard,
        status: Some(200),
        code: Some("data_inspection_failed"),
        kind: FailureKind::StreamEvent,
        ..FailureFacts::default()
    };
    assert_eq!(catalog.classify(&facts).class, C::ContentInspection);
    let nameless = FailureFacts {
        code: None,
        message: "???",
        ..facts
    };
    let found = catalog.classify(&nameless);
    assert_eq!((found.class, found.is_documented), (C::StreamError, false));
}

#[test]
fn a_key_of_another_plan_is_told_by_its_prefix() {
    let catalog = shipped();
    let refused = [
        (
            Standard,
            KeyFamily::Plan,
            "invalid_api_key",
            "Incorrect API key provided.",
        ),
        (
            Native,
            KeyFamily::Plan,
            "InvalidApiKey",
            "Invalid API-key provided.",
        ),
        (Anthropic, KeyFamily::Plan, "", "invalid api-key"),
        (
            Coding,
            KeyFamily::PayAsYouGo,
            "invalid_api_key",
            "invalid access token or token expired",
        ),
        (
            Token,
            KeyFamily::PayAsYouGo,
            "",
            "invalid access token or token expired",
        ),
    ];
    for (family, key, code, message) in refused {
        let code = (!code.is_empty()).then_some(code);
        let facts = FailureFacts {
            family,
            status: Some(401),
            code,
            message,
            key,
            ..FailureFacts::default()
        };
        assert_eq!(
            catalog.classify(&facts).class,
            C::WrongPlan,
            "{family} {message}"
        );
        let unknown_key = FailureFacts {
            key: KeyFamily::Unknown,
            ..facts
        };
        assert_eq!(
            catalog.classify(&unknown_key).class,
            C::InvalidKey,
            "{family} {message}"
        );
    }
}

#[test]
fn faults_without_an_answer() {
    let catalog = shipped();
    let cases = [
        (
            FailureKind::Network,
            C::Network,
            S::Host,
            RetryRule::RetryOnce,
        ),
        (
            FailureKind::LocalTimeout,
            C::LocalTimeout,
            S::Request,
            RetryRule::NextCandidate,
        ),
        (
            FailureKind::StreamCut,
            C::StreamError,
            S::Request,
            RetryRule::NextCandidate,
        ),
        (
            FailureKind::StreamGarbage,
            C::StreamError,
            S::Request,
            RetryRule::NextCandidate,
        ),
    ];
    for (kind, class, scope, retry) in cases {
        let facts = FailureFacts {
            kind,
            message: "Arrearage",
            ..FailureFacts::default()
        };
        let found = catalog.classify(&facts);
        assert_eq!(
            (found.class, found.scope, found.retry),
            (class, scope, retry)
        );
    }
}

#[test]
fn unknown_failures_are_guessed_openly_and_narrowly() {
    let catalog = shipped();
    let guesses = [
        (400, C::InvalidParameter, S::Request),
        (401, C::InvalidKey, S::Key),
        (403, C::NotEntitled, S::Model),
        (404, C::ModelNotFound, S::Model),
        (408, C::UpstreamFault, S::Model),
        (429, C::Throttled, S::Model),
        (500, C::UpstreamFault, S::Model),
        (529, C::UpstreamFault, S::Model),
        (418, C::Unknown, S::Request),
        (302, C::Unknown, S::Request),
    ];
    for (status, class, scope) in guesses {
        let facts = FailureFacts {
            status: Some(status),
            code: Some("Brand.New"),
            message: "?",
            ..FailureFacts::default()
        };
        let found = catalog.classify(&facts);
        assert_eq!(
            (found.class, found.scope, found.is_documented),
            (class, scope, false),
            "{status}"
        );
    }
    let nothing = catalog.classify(&FailureFacts::default());
    assert_eq!(
        (nothing.class, nothing.rule, nothing.retry),
        (C::Unknown, "unknown", RetryRule::NextCandidate)
    );
}

#[test]
fn throttles_wait_a_minute_at_most() {
    let catalog = shipped();
    let cases = documented();
    let throttles = cases.iter().filter(|case| case.class == C::Throttled);
    for case in throttles {
        let wait = catalog.classify(&facts(case)).wait.unwrap();
        assert!(wait <= Duration::from_mins(1), "{}", case.code);
    }
}

#[test]
fn payment_is_never_taken_for_overflow() {
    let catalog = shipped();
    let facts = FailureFacts {
        status: Some(402),
        message: "credits; maximum context length is 5000 tokens",
        ..FailureFacts::default()
    };
    assert_eq!(catalog.classify(&facts).class, C::Arrears);
}

#[test]
fn overflow_texts_teach_the_true_window() {
    let catalog = shipped();
    let cases = [
        ("Range of input length should be [1, 129024]", Some(129_024)),
        (
            "This model's maximum context length is 131072 tokens. However, you requested 200000 tokens",
            Some(131_072),
        ),
        ("context length exceeded", None),
        (
            "Range of input length should be [1, 99999999999999999999999]",
            None,
        ),
    ];
    for (message, limit) in cases {
        let found = overflow(&catalog, message);
        assert_eq!(
            (found.class, found.limit_tokens),
            (C::ContextOverflow, limit),
            "{message}"
        );
    }
}

fn overflow<'a>(catalog: &'a Catalog, message: &str) -> Classification<'a> {
    catalog.classify(&FailureFacts {
        family: Standard,
        status: Some(400),
        message,
        ..FailureFacts::default()
    })
}

#[test]
fn clients_get_the_status_that_says_most() {
    assert_eq!(C::InvalidParameter.client_status_for(Some(422)), 422);
    assert_eq!(C::InvalidParameter.client_status_for(Some(500)), 400);
    assert_eq!(C::UpstreamFault.client_status_for(Some(503)), 503);
    assert_eq!(C::UpstreamFault.client_status_for(Some(500)), 502);
    assert_eq!(C::InvalidKey.client_status_for(Some(403)), 401);
    assert_eq!(C::Arrears.client_status_for(Some(400)), 402);
    let types = [
        (C::InvalidKey, 401, "authentication_error"),
        (C::NotEntitled, 403, "permission_error"),
        (C::ModelNotFound, 404, "invalid_request_error"),
        (C::Throttled, 429, "rate_limit_error"),
        (C::QuotaWindow, 429, "insufficient_quota"),
        (C::UpstreamFault, 502, "server_error"),
        (C::LocalTimeout, 504, "server_error"),
    ];
    for (class, status, openai_type) in types {
        assert_eq!(
            (class.client_status(), class.openai_type()),
            (status, openai_type)
        );
    }
}

#[test]
fn long_foreign_messages_are_cut_at_a_character() {
    let catalog = shipped();
    let message = format!("{}may contain inappropriate content", "过".repeat(10_000));
    let facts = FailureFacts {
        status: Some(400),
        message: &message,
        ..FailureFacts::default()
    };
    assert_eq!(catalog.classify(&facts).rule, "status-400");
}
