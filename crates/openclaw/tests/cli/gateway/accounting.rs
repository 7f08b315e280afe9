//! Usage is recorded for every request, whether the client wanted to see it or not, and the totals add up.

use serde_json::{Value, json};

use super::scene::{CONTENT, DONE, FINISH, Scene, asking};

fn asking_usage(wanted: &Value) -> Value {
    let mut body = asking(true);
    body["stream_options"] = json!({"include_usage": wanted});
    body
}

#[test]
fn usage_is_recorded_whoever_asked() {
    let scene = Scene::answering();
    for body in [
        asking(false),
        asking(true),
        asking_usage(&json!(true)),
        asking_usage(&json!(false)),
    ] {
        let is_stream = body["stream"] == true;
        let wants = body["stream_options"]["include_usage"] == true;
        let answer = scene.chat(&body);
        assert_eq!(answer.status, 200);
        let shows = answer.text().contains("\"prompt_tokens\":11");
        assert_eq!(shows, wants || !is_stream, "{body}");
    }
    let expected = json!({
        "requests": 4, "failed": 0, "openStreams": 0, "usageMissing": 0, "inputTokens": 44, "outputTokens": 28,
        "cachedTokens": 20, "reasoningTokens": 12,
    });
    assert_eq!(scene.totals(), expected);
    let requests = scene.finish().requests();
    assert_eq!(requests.len(), 4);
    for (request, stream) in requests.iter().zip([false, true, true, true]) {
        let usage = json!({
            "inputTokens": 11, "outputTokens": 7, "cachedTokens": 5, "cacheWriteTokens": 0, "reasoningTokens": 3,
        });
        assert_eq!(request["usage"], usage);
        assert_eq!(
            (&request["stream"], &request["status"]),
            (&json!(stream), &json!(200))
        );
        assert_eq!(
            (&request["provider"], &request["model"]),
            (&json!("stub"), &json!("m"))
        );
        assert_eq!(request["requestedModel"], "stub/m");
        assert!(request["durationMs"].is_u64());
    }
}

#[test]
fn failures_and_missing_usage_are_counted() {
    let scene = Scene::answering();
    scene.stub.now(|_, wire| wire.json(500, &json!({})));
    scene.chat(&asking(false));
    scene
        .stub
        .now(|_, wire| wire.json(200, &json!({"choices": []})));
    scene.chat(&asking(false));
    scene
        .stub
        .now(|_, wire| wire.events(&[CONTENT, FINISH, DONE].concat()));
    scene.chat(&asking(true));
    scene.stub.now(|_, wire| wire.events(CONTENT));
    scene.chat(&asking(true));
    let totals = scene.totals();
    assert_eq!(
        (&totals["requests"], &totals["failed"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(
        (&totals["usageMissing"], &totals["inputTokens"]),
        (&json!(2), &json!(0))
    );
    let outcomes: Vec<String> = scene
        .finish()
        .requests()
        .iter()
        .map(|request| request["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        outcomes,
        ["upstream_fault", "complete", "complete", "upstream_cut"]
    );
}

#[test]
fn usage_that_came_before_a_cut_is_recorded() {
    let scene = Scene::answering();
    let partial = CONTENT.replace(
        "\"usage\":null",
        "\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":1}",
    );
    scene.stub.now(move |_, wire| wire.events(&partial));
    scene.chat(&asking(true)).last_error_event();
    assert_eq!(scene.totals()["inputTokens"], 11);
    let request = scene.finish().requests().remove(0);
    assert_eq!(request["outcome"], "upstream_cut");
    assert_eq!(request["usage"]["outputTokens"], 1);
}

#[test]
fn a_hundred_requests_at_once_add_up() {
    let scene = Scene::answering();
    std::thread::scope(|scope| {
        for worker in 0..10 {
            let scene = &scene;
            scope.spawn(move || {
                for _ in 0..10 {
                    assert_eq!(scene.chat(&asking(worker % 2 == 0)).status, 200);
                }
            });
        }
    });
    let totals = scene.totals();
    assert_eq!(
        (&totals["requests"], &totals["inputTokens"]),
        (&json!(100), &json!(1100))
    );
    let requests = scene.finish().requests();
    let ids: std::collections::BTreeSet<_> = requests
        .iter()
        .map(|request| request["requestId"].to_string())
        .collect();
    assert_eq!((requests.len(), ids.len()), (100, 100));
}
