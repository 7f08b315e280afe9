//! The device login, against a server that follows a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalog::Catalog;
use credentials::oauth::{
    CauseClass, DeviceError, DeviceEvent, Identity, NewLogin, TokenReply, TransportError, sign_in,
};
use tokio::time::Instant;

use super::identity_server::{START_MS, form};

const CODE: &str = r#"{"device_code":"dc-secret","user_code":"ABCD-EFGH","verification_uri":"https://chat.qwen.ai/authorize","verification_uri_complete":"https://chat.qwen.ai/authorize?user_code=ABCD-EFGH&client=qwen-code","expires_in":900}"#;
const GRANTED: &str = r#"{"status":"success","access_token":"at-1","refresh_token":"rt-1","token_type":"Bearer","expires_in":21600,"scope":"openid","resource_url":"portal.qwen.ai"}"#;
const PENDING: (u16, &str) = (
    400,
    r#"{"error":"authorization_pending","error_description":"wait"}"#,
);
const SLOW_DOWN: (u16, &str) = (429, r#"{"error":"slow_down"}"#);
const UNFINISHED: (u16, &str) = (
    200,
    r#"{"status":"pending","access_token":null,"refresh_token":null}"#,
);
/// No answer at all.
const BROKEN: (u16, &str) = (0, "");

struct Run {
    result: Result<NewLogin, DeviceError>,
    events: Vec<DeviceEvent>,
    /// Milliseconds after the start at which the server was asked for the outcome.
    asked_at_ms: Vec<u128>,
}

/// Answers the request for a code with `code`, and the questions with `answers`, the last one again and again.
async fn run(code: (u16, &'static str), answers: &[(u16, &'static str)]) -> Run {
    let start = Instant::now();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (times, verifier) = (Arc::clone(&asked), Arc::new(Mutex::new(String::new())));
    let answers = Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>()));
    let transport = move |request: http::Request<Vec<u8>>, _: Duration| {
        let form = form(&request);
        let (status, body) = if request.uri().path().ends_with("/device/code") {
            assert_eq!(form["scope"], "openid profile email model.completion");
            assert_eq!(form["code_challenge"].len(), 43);
            code
        } else {
            assert_eq!(form["device_code"], "dc-secret");
            let mut known = verifier.lock().unwrap();
            assert!(known.is_empty() || *known == form["code_verifier"]);
            known.clone_from(&form["code_verifier"]);
            times.lock().unwrap().push(start.elapsed().as_millis());
            let mut answers = answers.lock().unwrap();
            match answers.len() {
                1 => answers[0],
                _ => answers.pop_front().unwrap(),
            }
        };
        async move {
            if status == 0 {
                return Err(TransportError::Network {
                    source: "broken".into(),
                });
            }
            Ok(TokenReply::new(status, body.as_bytes().to_vec()))
        }
    };
    let identity = Identity::all_of(&Catalog::builtin().unwrap())
        .unwrap()
        .remove(0);
    let clock: credentials::oauth::Clock = Arc::new(|| START_MS);
    let mut events = Vec::new();
    let result = sign_in(&identity, &transport, &clock, |event| events.push(event)).await;
    let asked_at_ms = asked.lock().unwrap().clone();
    Run {
        result,
        events,
        asked_at_ms,
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_confirmed() {
    let run = run((200, CODE), &[PENDING, UNFINISHED, PENDING, (200, GRANTED)]).await;
    let login = run.result.unwrap();
    assert!(login.login.access.unwrap().matches("at-1"));
    assert!(login.login.refresh.unwrap().matches("rt-1"));
    assert_eq!(login.login.expiry.at_ms(), Some(START_MS + 21_600_000));
    assert_eq!(login.resource_url.as_deref(), Some("portal.qwen.ai"));
    assert_eq!(
        run.asked_at_ms,
        [0, 2000, 4000, 6000],
        "at once, then each 2 s"
    );
    let [
        DeviceEvent::Code {
            user_code,
            expires_in,
            complete_uri,
            ..
        },
        waiting @ ..,
        DeviceEvent::Done,
    ] = run.events.as_slice()
    else {
        panic!("{:?}", run.events);
    };
    assert!(user_code.matches("ABCD-EFGH"));
    assert!(
        complete_uri
            .as_ref()
            .unwrap()
            .expose()
            .ends_with("client=qwen-code")
    );
    assert_eq!(*expires_in, Duration::from_mins(15));
    assert_eq!(waiting.len(), 3);
    assert!(
        !format!("{:?}", run.events).contains("ABCD"),
        "never in a log"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_down_makes_the_waits_longer_up_to_ten_seconds() {
    let code = r#"{"device_code":"dc-secret","user_code":"A","verification_uri":"https://q.example","interval":1}"#;
    let mut answers = vec![SLOW_DOWN; 7];
    answers.push((200, GRANTED));
    let run = run((200, code), &answers).await;
    run.result.unwrap();
    let waits: Vec<_> = run
        .asked_at_ms
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert_eq!(waits, [1500, 2250, 3375, 5062, 7593, 10_000, 10_000]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_borne_with_longer_waits() {
    let run = run((200, CODE), &[BROKEN, (502, "<html>"), (200, GRANTED)]).await;
    run.result.unwrap();
    assert_eq!(run.asked_at_ms, [0, 3000, 7500]);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_nobody_confirms_ends() {
    let code = r#"{"device_code":"dc-secret","user_code":"A","verification_uri":"https://q.example","expires_in":5}"#;
    let run = run((200, code), &[PENDING]).await;
    assert_eq!(run.result, Err(DeviceError::Expired));
    assert_eq!(run.asked_at_ms, [0, 2000, 4000]);
}

#[tokio::test(start_paused = true)]
async fn final_answers_end_the_login() {
    let refused = |status, code: Option<&str>| DeviceError::Refused {
        status,
        code: code.map(str::to_owned),
    };
    for (answer, expected) in [
        ((400, r#"{"error":"access_denied"}"#), DeviceError::Denied),
        ((400, r#"{"error":"expired_token"}"#), DeviceError::Expired),
        ((401, "{}"), refused(401, None)),
        (
            (400, r#"{"error":"invalid_client"}"#),
            refused(400, Some("invalid_client")),
        ),
        ((200, "nonsense"), DeviceError::Malformed { status: 200 }),
        (
            (200, r#"{"access_token":"a","expires_in":60}"#),
            DeviceError::Malformed { status: 200 },
        ),
    ] {
        let run = run((200, CODE), &[PENDING, answer]).await;
        assert_eq!(run.result, Err(expected), "{answer:?}");
        assert_eq!(run.asked_at_ms.len(), 2, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_code_is_not_asked_for_an_outcome() {
    let no_code = |cause, status| DeviceError::NoCode { cause, status };
    for (answer, expected) in [
        (BROKEN, no_code(CauseClass::Network, None)),
        ((500, ""), no_code(CauseClass::Refused, Some(500))),
        ((200, "{}"), no_code(CauseClass::Malformed, Some(200))),
        ((200, "<html>"), no_code(CauseClass::Malformed, Some(200))),
    ] {
        let run = run(answer, &[PENDING]).await;
        assert_eq!(run.result, Err(expected), "{answer:?}");
        assert!(run.asked_at_ms.is_empty() && run.events.is_empty());
    }
}
