//! `/v1/videos`: each job belongs to its caller.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{TOKEN, standard, submitted};
use crate::gateway::client::Ask;
use crate::gateway::process::Gateway;
use crate::onboard::studio::Studio;

/// Longest wait for a video.
const WAIT: Duration = Duration::from_secs(20);

fn create(gateway: &Gateway, body: &Value, key: Option<&str>) -> (u16, Value) {
    let mut ask = Ask::new("POST", "/v1/videos")
        .token(TOKEN)
        .header("Content-Type", "application/json");
    if let Some(key) = key {
        ask = ask.header("Idempotency-Key", key);
    }
    let answer = gateway.ask(&ask.body(body.to_string().as_bytes()));
    (answer.status, answer.json())
}

fn get(gateway: &Gateway, path: &str) -> (u16, Value) {
    let answer = gateway.ask(&Ask::new("GET", path).token(TOKEN));
    (answer.status, answer.json())
}

fn completed(gateway: &Gateway, id: &str) -> Value {
    let until = Instant::now() + WAIT;
    loop {
        let (status, video) = get(gateway, &format!("/v1/videos/{id}"));
        assert_eq!(status, 200, "{video}");
        if video["status"] == "completed" {
            return video;
        }
        assert!(
            Instant::now() < until && video["status"] != "failed",
            "{video}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_video_is_created_listed_fetched_and_deleted() {
    let studio = Studio::start();
    let gateway = Gateway::start(standard(&studio), &[]);
    assert_eq!(get(&gateway, "/v1/videos").1["data"], json!([]));
    assert!(
        !gateway.home.at(".openclaw/state/jobs.sqlite").exists(),
        "looking made a file"
    );
    let wish = json!({"prompt": "a cat", "seconds": "4", "size": "1280x720"});
    let (status, video) = create(&gateway, &wish, Some("once"));
    assert_eq!(
        (status, &video["object"], &video["seconds"]),
        (200, &json!("video"), &json!("4")),
        "{video}"
    );
    let id = video["id"].as_str().unwrap();
    assert_eq!(
        create(&gateway, &wish, Some("once")).1["id"],
        video["id"],
        "the same key is the same job"
    );
    let done = completed(&gateway, id);
    assert_eq!(
        (&done["progress"], &done["size"]),
        (&json!(100), &json!("1280x720"))
    );
    let content = Ask::new("GET", &format!("/v1/videos/{id}/content")).token(TOKEN);
    let content = gateway.ask(&content);
    assert_eq!((content.status, &content.body[4..8]), (200, &b"ftyp"[..]));
    let (_, listed) = get(&gateway, "/v1/videos?limit=1");
    assert_eq!(
        (&listed["data"][0]["id"], &listed["has_more"]),
        (&video["id"], &json!(false))
    );
    assert_eq!(submitted(&studio), 1);
    let delete = Ask::new("DELETE", &format!("/v1/videos/{id}")).token(TOKEN);
    assert_eq!(gateway.ask(&delete).json()["deleted"], true);
    assert_eq!(get(&gateway, &format!("/v1/videos/{id}")).0, 404);
}

#[test]
fn what_belongs_to_somebody_else_is_not_there() {
    let studio = Studio::start();
    let home = standard(&studio);
    let made = home
        .run(&["infer", "video", "generate", "--prompt", "mine", "--json"])
        .expect_code(0);
    let id = made.json()["job"]["id"].as_str().unwrap().to_owned();
    let gateway = Gateway::start(home, &[]);
    for (method, path) in [
        ("GET", format!("/v1/videos/{id}")),
        ("GET", format!("/v1/videos/{id}/content")),
        ("DELETE", format!("/v1/videos/{id}")),
        (
            "GET",
            "/v1/videos/video_00000000000000000000000000000000".to_owned(),
        ),
    ] {
        let answer = gateway.ask(&Ask::new(method, &path).token(TOKEN));
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(answer.json()["error"]["code"], "video_not_found");
        assert_eq!(
            gateway.ask(&Ask::new(method, &path)).status,
            401,
            "{method} {path}"
        );
    }
    assert_eq!(get(&gateway, "/v1/videos").1["data"], json!([]));
}

#[test]
fn limits_are_refused_with_the_nearest_value_before_anything_is_sent() {
    let studio = Studio::start();
    let gateway = Gateway::start(standard(&studio), &[]);
    for (body, param, hint) in [
        (json!({"prompt": "a", "seconds": "30"}), "duration", "`15`"),
        (
            json!({"prompt": "a", "size": "720x720"}),
            "size",
            "`960*960`",
        ),
        (json!({"prompt": "a", "unknown": 1}), "", ""),
    ] {
        let (status, error) = create(&gateway, &body, None);
        assert_eq!(status, 400, "{error}");
        assert_eq!(error["error"]["param"].as_str().unwrap_or(""), param);
        assert!(
            error["error"]["hint"].as_str().unwrap_or("").contains(hint),
            "{error}"
        );
    }
    assert_eq!(submitted(&studio), 0);
}
