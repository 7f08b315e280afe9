//! `infer` with models that do something else than chat, against the emulator.

use std::fs;

use serde_json::{Value, json};

use crate::home::{Home, Ran};
use crate::onboard::studio::Studio;

const STANDARD: [&str; 2] = [
    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "sk-emulator-standard-intl",
];
const CODING: [&str; 2] = [
    "https://coding-intl.dashscope.aliyuncs.com/v1",
    "sk-sp-emulator-coding-intl",
];

fn home(studio: &Studio, [url, key]: [&str; 2]) -> Home {
    let qwen = json!({"baseUrl": url, "apiKey": key, "api": "openai-completions", "models": []});
    let config = json!({"models": {"providers": {"qwen": qwen}}});
    studio.reached_by(Home::with_config(&config))
}

#[track_caller]
fn infer(home: &Home, words: &[&str]) -> Ran {
    home.run(&[&["infer"], words].concat())
}

#[test]
fn an_image_becomes_a_file_that_is_never_replaced_unasked() {
    let studio = Studio::start();
    let home = home(&studio, STANDARD);
    let draw = ["image", "generate", "--prompt", "a Red fox!"];
    infer(&home, &draw).expect_code(0);
    infer(&home, &draw).expect_code(0);
    for name in ["a-red-fox.png", "a-red-fox-2.png"] {
        let file = fs::read(home.at(".openclaw/media").join(name)).unwrap();
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
    }
    let named = [&draw[..], &["--output", "fox.png"]].concat();
    infer(&home, &named).expect_code(0);
    let asked = studio.emulator.requests().len();
    let refused = infer(&home, &named).expect_code(1);
    assert!(refused.stderr.contains("fox.png is there already"));
    assert_eq!(studio.emulator.requests().len(), asked);
    let edit = [
        "image", "edit", "--file", "fox.png", "--prompt", "night", "--json",
    ];
    let edited = infer(&home, &edit).expect_code(0).json();
    assert_eq!(edited["capability"], "image.edit");
    assert_eq!(edited["outputs"][0]["mimeType"], "image/png");
    let said = infer(&home, &["image", "describe", "--file", "fox.png"]).expect_code(0);
    assert!(said.stdout.contains("image 1: png 128x128"), "{said:?}");
}

#[test]
fn what_is_said_is_heard_again() {
    let studio = Studio::start();
    let home = home(&studio, STANDARD);
    let say = [
        "tts",
        "convert",
        "--text",
        "open the claw",
        "--output",
        "a.wav",
    ];
    infer(&home, &say).expect_code(0);
    let heard = infer(&home, &["audio", "transcribe", "--file", "a.wav"]).expect_code(0);
    assert_eq!(heard.stdout, "open the claw\n");
    let job = [
        "audio",
        "transcribe",
        "--model",
        "fun-asr",
        "--file",
        "https://example.com/a.wav",
    ];
    let heard = infer(&home, &[&job[..], &["--format", "srt"]].concat()).expect_code(0);
    assert!(
        heard.stdout.starts_with("1\n00:00:00,000 --> "),
        "{heard:?}"
    );
}

#[test]
fn vectors_of_any_number_of_texts_come_back_in_order() {
    let studio = Studio::start();
    let home = home(&studio, STANDARD);
    let lines: Vec<String> = (0..23).map(|number| format!("text {number}")).collect();
    let create = [
        "infer",
        "embedding",
        "create",
        "--file",
        "-",
        "--dimensions",
        "64",
        "--json",
    ];
    let ran = home
        .run_with_input(&create, &lines.join("\n"))
        .expect_code(0);
    let outputs = ran.json()["outputs"].clone();
    let texts: Vec<&str> = outputs
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, lines);
    let sent = studio.emulator.requests();
    let calls = sent
        .iter()
        .filter(|row| text(row, "path").ends_with("/embeddings"));
    assert_eq!(calls.count(), 3);
}

#[test]
fn a_plan_without_media_is_told_before_anything_is_sent() {
    let studio = Studio::start();
    let home = home(&studio, CODING);
    for words in [
        &["image", "generate", "--prompt", "a"][..],
        &[
            "image",
            "generate",
            "--prompt",
            "a",
            "--model",
            "qwen/qwen-image-2.0",
        ],
        &["embedding", "create", "--text", "a"],
        &["tts", "convert", "--text", "a"],
    ] {
        let refused = infer(&home, words).expect_code(3);
        assert!(
            refused.stderr.contains("qwen-standard-api-key"),
            "{refused:?}"
        );
    }
    assert!(studio.emulator.requests().is_empty());
}

#[test]
fn files_and_urls_that_must_not_be_read_are_refused_here() {
    let studio = Studio::start();
    let home = home(&studio, STANDARD);
    home.write("secret.png", "password=1");
    for (file, said) in [
        ("secret.png", "of no known format, not image"),
        ("/dev/zero", "is not a file"),
        ("file:///etc/passwd", "URLs are not fetched"),
        ("http://169.254.169.254/a.png", "metadata"),
        ("http://localhost/a.png", "this machine"),
    ] {
        let refused = infer(&home, &["image", "describe", "--file", file]).expect_code(1);
        assert!(refused.stderr.contains(said), "{file}: {refused:?}");
    }
    assert!(studio.emulator.requests().is_empty());
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}
