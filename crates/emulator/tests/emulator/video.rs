//! Video tasks as clients see them: submitted, polled, listed, cancelled; uploads; links that expire.

use bytes::Bytes;
use emulator::Emulator;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{Answer, Connection, STANDARD, STANDARD_KEY, get, start};

const CREATE: &str = "/api/v1/services/aigc/video-generation/video-synthesis";

/// Tasks in which no time passes by itself.
async fn frozen() -> Emulator {
    let emulator = start().await;
    emulator
        .configure_tasks(&json!({"frozen": true, "pending_ms": 1000, "running_ms": 5000}))
        .unwrap();
    emulator
}

fn advance(emulator: &Emulator, ms: u64) {
    emulator
        .configure_tasks(&json!({"advance_ms": ms}))
        .unwrap();
}

async fn send(emulator: &Emulator, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("/{STANDARD}{path}"))
        .header("host", emulator.addr().to_string())
        .header("authorization", format!("Bearer {STANDARD_KEY}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    let mut connection = Connection::open(emulator.addr()).await;
    connection.send(request).await.unwrap().read().await
}

async fn create(emulator: &Emulator, body: &Value) -> Answer {
    send(emulator, CREATE, body, &[("x-dashscope-async", "enable")]).await
}

async fn created(emulator: &Emulator, body: &Value) -> String {
    let answer = create(emulator, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["output"]["task_status"], "PENDING");
    answer["output"]["task_id"].as_str().unwrap().to_owned()
}

async fn task(emulator: &Emulator, id: &str) -> Value {
    let path = format!("/{STANDARD}/api/v1/tasks/{id}");
    let answer = get_at(emulator, &path).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

/// Gets a path with the emulator's real address as host, so that links lead back to it.
async fn get_at(emulator: &Emulator, path: &str) -> Answer {
    let request = Request::get(path)
        .header("host", emulator.addr().to_string())
        .header("authorization", format!("Bearer {STANDARD_KEY}"))
        .body(Full::default())
        .unwrap();
    let mut connection = Connection::open(emulator.addr()).await;
    connection.send(request).await.unwrap().read().await
}

fn cat() -> Value {
    json!({"model": "wan2.6-t2v", "input": {"prompt": "a cat"}, "parameters": {"size": "1280*720", "duration": 5}})
}

#[tokio::test]
async fn a_task_goes_through_its_states_and_leaves_a_file() {
    let emulator = frozen().await;
    let id = created(&emulator, &cat()).await;
    let pending = task(&emulator, &id).await;
    assert_eq!(pending["output"]["task_status"], "PENDING");
    assert!(pending["output"].get("scheduled_time").is_none());
    advance(&emulator, 1000);
    let running = task(&emulator, &id).await;
    assert_eq!(running["output"]["task_status"], "RUNNING");
    assert!(running.get("usage").is_none());
    advance(&emulator, 5000);
    let done = task(&emulator, &id).await;
    assert_eq!(done["output"]["task_status"], "SUCCEEDED");
    assert_eq!(done["output"]["orig_prompt"], "a cat");
    assert_eq!(
        done["usage"],
        json!({"duration": 5, "input_video_duration": 0, "output_video_duration": 5, "video_count": 1, "SR": 720,
            "size": "1280*720"})
    );
    let time = done["output"]["end_time"].as_str().unwrap();
    assert_eq!((time.len(), &time[10..11], &time[19..20]), (23, " ", "."));
    let link = done["output"]["video_url"].as_str().unwrap();
    let origin = format!("http://{}", emulator.addr());
    let file = get_at(&emulator, link.strip_prefix(&origin).unwrap()).await;
    assert_eq!(
        (file.status.as_u16(), file.header("content-type")),
        (200, "video/mp4")
    );
    assert_eq!(&file.body[4..8], b"ftyp");
}

#[tokio::test]
async fn links_expire_and_another_poll_gives_a_new_one_until_the_task_is_forgotten() {
    let emulator = frozen().await;
    emulator
        .configure_tasks(&json!({"link_ttl_ms": 1000, "retention_ms": 60_000}))
        .unwrap();
    let id = created(&emulator, &cat()).await;
    advance(&emulator, 6000);
    let origin = format!("http://{}", emulator.addr());
    let link = |done: &Value| {
        let link = done["output"]["video_url"].as_str().unwrap();
        link.strip_prefix(&origin).unwrap().to_owned()
    };
    let first = link(&task(&emulator, &id).await);
    advance(&emulator, 1000);
    let late = get_at(&emulator, &first).await;
    assert_eq!(late.status, 403);
    assert!(late.text().contains("Request has expired."));
    let second = link(&task(&emulator, &id).await);
    assert_eq!(get_at(&emulator, &second).await.status, 200);
    advance(&emulator, 60_000);
    let unknown = task(&emulator, &id).await;
    assert_eq!(
        unknown["output"],
        json!({"task_id": id, "task_status": "UNKNOWN"})
    );
}

#[tokio::test]
async fn only_a_pending_task_can_be_cancelled() {
    let emulator = frozen().await;
    let id = created(&emulator, &cat()).await;
    let path = format!("/api/v1/tasks/{id}/cancel");
    let cancelled = send(&emulator, &path, &Value::Null, &[]).await;
    assert_eq!(cancelled.status, 200);
    assert!(cancelled.json()["request_id"].is_string());
    assert_eq!(
        task(&emulator, &id).await["output"]["task_status"],
        "CANCELED"
    );
    let other = created(&emulator, &cat()).await;
    advance(&emulator, 1000);
    let refused = send(
        &emulator,
        &format!("/api/v1/tasks/{other}/cancel"),
        &Value::Null,
        &[],
    )
    .await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (400, &json!("UnsupportedOperation"))
    );
    assert_eq!(
        task(&emulator, &other).await["output"]["task_status"],
        "RUNNING"
    );
}

#[tokio::test]
async fn lists_tasks_newest_first_by_model_and_state_and_counts_submissions() {
    let emulator = frozen().await;
    let first = created(&emulator, &cat()).await;
    advance(&emulator, 6000);
    let second = created(&emulator, &cat()).await;
    let list = |query: &str| {
        let path = format!("/{STANDARD}/api/v1/tasks{query}");
        let emulator = &emulator;
        async move { get_at(emulator, &path).await.json() }
    };
    let all = list("/?page_no=1&page_size=10").await;
    let ids: Vec<_> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["task_id"])
        .collect();
    assert_eq!(ids, [&json!(second), &json!(first)]);
    assert_eq!(all["total"], 2);
    let done = list("?status=SUCCEEDED&model_name=wan2.6-t2v").await;
    assert_eq!(
        (&done["total"], &done["data"][0]["task_id"]),
        (&json!(1), &json!(first))
    );
    assert_eq!(list("?model_name=wan2.6-i2v").await["total"], 0);
    assert_eq!(
        list("?page_no=2&page_size=1").await["data"][0]["task_id"],
        json!(first)
    );
    assert_eq!(emulator.tasks()["n_submitted"], 2);
    // Another region has other tasks.
    let elsewhere = get(
        &emulator,
        "/dashscope.aliyuncs.com/api/v1/tasks",
        "sk-emulator-standard-cn",
    )
    .await;
    assert_eq!(elsewhere.json()["total"], 0);
}

#[tokio::test]
async fn takes_every_request_of_official_clients() {
    let emulator = start().await;
    let bodies = include_str!("../data/video-requests.jsonl");
    for line in bodies.lines() {
        let body: Value = serde_json::from_str(line).unwrap();
        created(&emulator, &body).await;
        let alias = format!("/compatible-mode/v1{CREATE}");
        let answer = send(&emulator, &alias, &body, &[("x-dashscope-async", "enable")]).await;
        assert_eq!(answer.status, 200, "{line}");
    }
}

#[tokio::test]
async fn refuses_what_a_model_does_not_take() {
    let emulator = start().await;
    let sync = send(&emulator, CREATE, &cat(), &[]).await;
    assert_eq!(sync.status, 403);
    assert_eq!(
        sync.json()["message"],
        "current user api does not support synchronous calls."
    );
    for line in include_str!("../data/video-refusals.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let body = json!({"model": case["model"], "input": case["input"], "parameters": case["parameters"]});
        let answer = create(&emulator, &body).await;
        assert_eq!(answer.status, 400, "{body}");
        let answer = answer.json();
        assert_eq!(answer["code"], "InvalidParameter", "{body}");
        let (said, wanted) = (answer["message"].as_str(), case["said"].as_str());
        assert!(said.unwrap().contains(wanted.unwrap()), "{body} {answer}");
    }
    let long = "x".repeat(1501);
    let body = json!({"model": "wan2.6-t2v", "input": {"prompt": long}});
    assert_eq!(create(&emulator, &body).await.status, 400);
    assert_eq!(emulator.tasks()["n_submitted"], 0);
}

#[tokio::test]
async fn failures_come_with_the_task_and_missing_media_is_one() {
    let emulator = frozen().await;
    let failing = json!({"fail": {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content.", "times": 1}});
    emulator.configure_tasks(&failing).unwrap();
    let first = created(&emulator, &cat()).await;
    let second = created(&emulator, &cat()).await;
    let third = created(
        &emulator,
        &json!({"model": "wan2.7-r2v", "input": {"prompt": "a"}}),
    )
    .await;
    advance(&emulator, 6000);
    let failed = task(&emulator, &first).await;
    assert_eq!(failed["output"]["task_status"], "FAILED");
    assert_eq!(failed["output"]["code"], "DataInspectionFailed");
    assert_eq!(
        task(&emulator, &second).await["output"]["task_status"],
        "SUCCEEDED"
    );
    let missing = task(&emulator, &third).await;
    assert_eq!(missing["output"]["message"], "Field required: input.media");
}

#[tokio::test]
async fn an_upload_can_be_referred_to_by_a_request_that_says_so() {
    let emulator = start().await;
    let path = format!("/{STANDARD}/api/v1/uploads?action=getPolicy&model=wan2.6-i2v");
    let policy = get_at(&emulator, &path).await.json();
    let data = &policy["data"];
    let key = format!("{}/a.png", data["upload_dir"].as_str().unwrap());
    let field = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let form = [
        field(
            "OSSAccessKeyId",
            data["oss_access_key_id"].as_str().unwrap(),
        ),
        field("Signature", data["signature"].as_str().unwrap()),
        field("policy", data["policy"].as_str().unwrap()),
        field("key", &key),
        field("x-oss-object-acl", "private"),
        field("x-oss-forbid-overwrite", "true"),
        field("success_action_status", "200"),
        field("file", "not really a picture"),
        "--b--\r\n".to_owned(),
    ]
    .concat();
    let host = data["upload_host"].as_str().unwrap();
    let origin = format!("http://{}", emulator.addr());
    let upload = || {
        let request = Request::post(format!("{}/", host.strip_prefix(&origin).unwrap()))
            .header("host", "x")
            .header("content-type", "multipart/form-data; boundary=b")
            .body(Full::new(Bytes::from(form.clone())))
            .unwrap();
        async {
            let mut connection = Connection::open(emulator.addr()).await;
            connection.send(request).await.unwrap().read().await
        }
    };
    assert_eq!(upload().await.status, 200);
    let again = upload().await;
    assert_eq!(again.status, 403, "{}", again.text());
    let body = json!({"model": "wan2.6-i2v", "input": {"img_url": format!("oss://{key}")}});
    let silent = create(&emulator, &body).await;
    assert_eq!(silent.status, 400);
    let headers = [
        ("x-dashscope-async", "enable"),
        ("x-dashscope-ossresourceresolve", "enable"),
    ];
    let resolved = send(&emulator, CREATE, &body, &headers).await;
    assert_eq!(resolved.status, 200, "{}", resolved.text());
}
