//! Golden requests per model and mode, requests recorded from other clients, and every limit.

use serde_json::{Value, json};

use super::*;

fn catalog() -> catalog::Catalog {
    catalog::Catalog::builtin().unwrap()
}

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn wish(value: &Value) -> VideoWish {
    serde_json::from_value(value.clone()).unwrap()
}

fn model<'a>(catalog: &'a catalog::Catalog, name: &Value) -> &'a VideoModel {
    catalog.video_model(name.as_str().unwrap()).unwrap()
}

#[test]
fn makes_the_request_of_every_model_and_mode() {
    let catalog = catalog();
    let mut models: Vec<Value> = Vec::new();
    for case in lines(include_str!("../../tests/data/video-golden.jsonl")) {
        let model = model(&catalog, &case["model"]);
        let built = build(model, &wish(&case["wish"]));
        assert_eq!(
            built.map(|built| built.body),
            Ok(case["body"].clone()),
            "{case}"
        );
        models.push(case["model"].clone());
    }
    for model in catalog.video_models() {
        assert!(
            models.contains(&json!(model.id)),
            "{} has no golden request",
            model.id
        );
    }
}

/// Reads a recorded body back into a wish, in the spelling of the documentation.
fn wish_of(body: &Value) -> VideoWish {
    let (input, parameters) = (&body["input"], &body["parameters"]);
    let text = |of: &Value| of.as_str().map(str::to_owned);
    let reference = |url: &Value| {
        let url = url.as_str().unwrap().to_owned();
        let kind = if url.ends_with("mp4") {
            ReferenceKind::Video
        } else {
            ReferenceKind::Image
        };
        Reference { kind, url }
    };
    let mut references: Vec<Reference> = Vec::new();
    references.extend(input.get("img_url").map(reference));
    let list = |name: &str| input[name].as_array().cloned().unwrap_or_default();
    references.extend(list("reference_urls").iter().map(reference));
    references.extend(list("media").iter().map(|item| reference(&item["url"])));
    VideoWish {
        prompt: text(&input["prompt"]).unwrap(),
        negative_prompt: text(&input["negative_prompt"]),
        references,
        size: text(&parameters["size"]),
        aspect_ratio: text(&parameters["ratio"]),
        resolution: text(&parameters["resolution"]),
        duration_s: parameters["duration"].as_f64(),
        watermark: parameters["watermark"].as_bool(),
        seed: parameters["seed"].as_u64(),
        prompt_extend: parameters["prompt_extend"].as_bool(),
        shot_type: text(&parameters["shot_type"]),
        ..VideoWish::default()
    }
}

#[test]
fn equals_what_other_clients_send_in_every_documented_field() {
    let catalog = catalog();
    for mut recorded in lines(include_str!("../../tests/data/video-captured.jsonl")) {
        let input = recorded["input"].as_object_mut().unwrap();
        // The vendor's own SDK sends these two; no document names them.
        input.remove("extend_prompt");
        input.remove("function");
        let built = build(model(&catalog, &recorded["model"]), &wish_of(&recorded)).unwrap();
        assert_eq!(built.body, recorded);
        assert_eq!(built.notes, []);
    }
}

#[test]
fn every_limit_is_refused_with_the_nearest_value() {
    let catalog = catalog();
    for case in lines(include_str!("../../tests/data/video-limits.jsonl")) {
        let refused = build(model(&catalog, &case["model"]), &wish(&case["wish"]));
        let refused = refused.expect_err(&case.to_string());
        assert_eq!(json!(refused.field), case["field"], "{case}");
        assert_eq!(json!(refused.nearest), case["nearest"], "{case}: {refused}");
    }
}

#[test]
fn the_nearest_value_is_taken() {
    let catalog = catalog();
    for case in lines(include_str!("../../tests/data/video-limits.jsonl")) {
        let Some(nearest) = case["nearest"].as_str() else {
            continue;
        };
        let mut wish = wish(&case["wish"]);
        match case["field"].as_str().unwrap() {
            "duration" => wish.duration_s = nearest.parse().ok(),
            "size" => wish.size = Some(nearest.to_owned()),
            "resolution" => wish.resolution = Some(nearest.to_owned()),
            "aspect-ratio" => wish.aspect_ratio = Some(nearest.to_owned()),
            "seed" => wish.seed = nearest.parse().ok(),
            _ => continue,
        }
        assert!(
            build(model(&catalog, &case["model"]), &wish).is_ok(),
            "{case}"
        );
    }
}

#[test]
fn what_is_put_into_other_terms_is_reported() {
    let catalog = catalog();
    let notes = |name: &str, value: Value| {
        let built = build(catalog.video_model(name).unwrap(), &wish(&value)).unwrap();
        built.notes.iter().map(Normalised::line).collect::<Vec<_>>()
    };
    let image = json!([{"kind": "image", "url": "https://example.invalid/a.png"}]);
    assert_eq!(
        notes(
            "wan2.6-t2v",
            json!({"prompt": "a", "size": "1280x720", "duration_s": 4.6, "audio": true})
        ),
        [
            "size 1280x720: sent as 1280*720",
            "duration 4.6: sent as 5 (whole seconds only)",
            "audio true: left out (its videos always have sound)",
        ]
    );
    assert_eq!(
        notes(
            "wan2.6-t2v",
            json!({"prompt": "a", "resolution": "720p", "aspect_ratio": "9:16"})
        ),
        [
            "resolution 720p: sent as size 720*1280",
            "aspect_ratio 9:16: sent as size 720*1280"
        ]
    );
    assert_eq!(
        notes(
            "wan2.6-i2v",
            json!({"references": image, "size": "720*1280", "aspect_ratio": "9:16"})
        ),
        [
            "aspect_ratio 9:16: left out (the shape follows the image)",
            "size 720*1280: sent as resolution 720P",
        ]
    );
    assert_eq!(
        notes(
            "wan2.6-r2v",
            json!({"prompt": "a", "references": image, "prompt_extend": true})
        ),
        ["prompt_extend true: left out (the model has no such switch)"]
    );
}
