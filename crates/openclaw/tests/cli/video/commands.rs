//! `infer video generate` and `tasks`.

use serde_json::json;

use super::{assert_once_and_whole, home, jobs, standard, submitted};
use crate::onboard::studio::Studio;

const GENERATE: [&str; 3] = ["infer", "video", "generate"];

#[test]
fn a_video_is_made_copied_and_told_apart_from_its_delivery() {
    let studio = Studio::start();
    let home = standard(&studio);
    let made = home
        .run(
            &[
                &GENERATE[..],
                &[
                    "--prompt", "a cat", "--size", "1280x720", "--out", "cat.mp4", "--json",
                ],
            ]
            .concat(),
        )
        .expect_code(0);
    assert!(
        made.stderr.contains("size 1280x720: sent as 1280*720"),
        "{made:?}"
    );
    let made = made.json();
    assert_eq!(
        (&made["capability"], &made["job"]["state"]),
        (&json!("video.generate"), &json!("delivered"))
    );
    assert_eq!(&std::fs::read(home.at("cat.mp4")).unwrap()[4..8], b"ftyp");
    assert_once_and_whole(&studio, &jobs(&home));
    let shown = home
        .run(&["tasks", "show", made["job"]["id"].as_str().unwrap()])
        .expect_code(0);
    assert!(shown.stdout.contains("sha256"), "{shown:?}");
    // The file is not overwritten, and that is said before anything is paid for.
    let again = home
        .run(&[&GENERATE[..], &["--prompt", "a cat", "--out", "cat.mp4"]].concat())
        .expect_code(1);
    assert!(again.stderr.contains("is there already"), "{again:?}");
    assert_eq!(submitted(&studio), 1);
}

#[test]
fn what_cannot_be_made_is_refused_with_the_nearest_value_and_nothing_is_written() {
    let studio = Studio::start();
    let home = standard(&studio);
    let before = home.files();
    for (arguments, message, hint) in [
        (
            &["--prompt", "a", "--duration", "20"][..],
            "2 to 15 seconds",
            "`15`",
        ),
        (
            &["--prompt", "a", "--size", "1000x1000"],
            "it makes 1280*720",
            "`960*960`",
        ),
        (
            &["--prompt", "a", "--resolution", "480P"],
            "720P and 1080P",
            "`720P`",
        ),
        (&["--prompt", ""], "say what happens", ""),
        (
            &["--prompt", "a", "--image", "https://example.invalid/a.png"],
            "from text alone",
            "",
        ),
        (
            &["--prompt", "a", "--image", "./a.png"],
            "a file of this machine",
            "--upload",
        ),
        (
            &["--prompt", "a", "--model", "qwen/wan2.6-i2v"],
            "1 to 1 references",
            "`1`",
        ),
        (
            &["--prompt", "a", "--model", "qwen/qwen3.5-plus"],
            "not a video model",
            "wan2.6-t2v",
        ),
    ] {
        let refused = home
            .run(&[&GENERATE[..], arguments].concat())
            .expect_code(1);
        assert!(
            refused.stderr.contains(message) && refused.stderr.contains(hint),
            "{refused:?}"
        );
    }
    let planned = home
        .run(&[&GENERATE[..], &["--prompt", "a", "--dry-run", "--json"]].concat())
        .expect_code(0);
    assert_eq!(
        planned.json()["candidates"][0]["body"],
        json!({"model": "wan2.6-t2v", "input": {"prompt": "a"}, "parameters": {}})
    );
    assert_eq!(home.files(), before);
    assert_eq!(submitted(&studio), 0);
}

#[test]
fn a_coding_plan_key_gets_the_way_out_and_another_key_pays_in_its_region() {
    let studio = Studio::start();
    let base_url = "https://coding-intl.dashscope.aliyuncs.com/v1";
    let coding = home(&studio, "sk-sp-emulator-coding-intl", base_url);
    let refused = coding
        .run(&[&GENERATE[..], &["--prompt", "a"]].concat())
        .expect_code(3);
    assert!(
        refused.stderr.contains("not part of the plan"),
        "{refused:?}"
    );
    assert!(
        refused.stderr.contains("qwen-standard-api-key"),
        "{refused:?}"
    );
    assert_eq!(studio.emulator.requests().len(), 0);
    // Chats go to the plan's host; a Standard key still pays for videos at the host of its region.
    let paying = home(&studio, "sk-emulator-standard-intl", base_url);
    paying
        .run(&[&GENERATE[..], &["--prompt", "a"]].concat())
        .expect_code(0);
    assert_eq!(
        studio.emulator.requests()[0]["host"],
        "dashscope-intl.aliyuncs.com"
    );
}

#[test]
fn a_file_is_uploaded_when_that_is_asked_for() {
    let studio = Studio::start();
    let home = standard(&studio);
    std::fs::write(home.at("a.png"), b"\x89PNG\r\n\x1a\nthe rest").unwrap();
    std::fs::write(home.at("b.png"), b"secret=1").unwrap();
    let with = |file| {
        let rest = [
            "--model",
            "qwen/wan2.6-i2v",
            "--image",
            file,
            "--upload",
            "--json",
        ];
        home.run(&[&GENERATE[..], &rest].concat())
    };
    with("a.png").expect_code(0);
    let create = studio
        .emulator
        .requests()
        .into_iter()
        .find(|seen| seen["body"]["model"] == "wan2.6-i2v");
    let create = create.unwrap();
    assert!(
        create["body"]["input"]["img_url"]
            .as_str()
            .unwrap()
            .starts_with("oss://"),
        "{create}"
    );
    assert_eq!(
        create["headers"]["x-dashscope-ossresourceresolve"],
        "enable"
    );
    let refused = with("b.png").expect_code(1);
    assert!(refused.stderr.contains("not image"), "{refused:?}");
    assert_eq!(submitted(&studio), 1);
}

#[test]
fn a_job_is_left_watched_and_cancelled() {
    let studio = Studio::start();
    let home = standard(&studio);
    let left = home
        .run(&[&GENERATE[..], &["--prompt", "later", "--no-wait"]].concat())
        .expect_code(0);
    let id = left.stdout.trim();
    home.run(&["tasks", "watch", id]).expect_code(0);
    assert_once_and_whole(&studio, &jobs(&home));
    studio
        .emulator
        .configure_tasks(&json!({"frozen": true}))
        .unwrap();
    let waiting = home
        .run(&[&GENERATE[..], &["--prompt", "never", "--no-wait"]].concat())
        .expect_code(0);
    home.run(&["tasks", "cancel", waiting.stdout.trim()])
        .expect_code(0);
    assert_eq!(jobs(&home)[0]["state"], "cancelled");
    let late = home
        .run(&[&GENERATE[..], &["--prompt", "late", "--no-wait"]].concat())
        .expect_code(0);
    studio
        .emulator
        .configure_tasks(&json!({"advance_ms": 100}))
        .unwrap();
    let refused = home
        .run(&["tasks", "cancel", late.stdout.trim()])
        .expect_code(1);
    assert!(
        refused.stderr.contains("cancels only what has not begun"),
        "{refused:?}"
    );
}

#[test]
fn a_failure_of_the_service_is_told_and_the_next_model_is_asked_when_one_refuses() {
    let studio = Studio::start();
    let home = standard(&studio);
    let fail = json!({"fail": {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content.", "times": 1}});
    studio.emulator.configure_tasks(&fail).unwrap();
    let failed = home
        .run(&[&GENERATE[..], &["--prompt", "a"]].concat())
        .expect_code(1);
    assert!(failed.stderr.contains("DataInspectionFailed"), "{failed:?}");
    let choice = r#"{"primary": "qwen/wan2.6-t2v", "fallbacks": ["qwen/wan2.7-t2v"]}"#;
    home.run(&[
        "config",
        "set",
        "agents.defaults.videoGenerationModel",
        choice,
        "--strict-json",
    ])
    .expect_code(0);
    let refusing = json!({"rules": [{"match": {"model": "wan2.6-t2v"}, "status": 403, "code": "AccessDenied.Unpurchased",
        "message": "Access to model denied."}]});
    studio.emulator.script(&refusing).unwrap();
    let made = home
        .run(&[&GENERATE[..], &["--prompt", "b", "--json"]].concat())
        .expect_code(0);
    assert_eq!(made.json()["model"], "wan2.7-t2v");
}
