//! Embeddings and reranking, in every form they have.

use serde_json::{Value, json};

use crate::support::{Answer, STANDARD, STANDARD_KEY, post, start};

const OPEN_AI: &str = "/compatible-mode/v1/embeddings";
const TEXTS: &str = "/api/v1/services/embeddings/text-embedding/text-embedding";
const CONTENTS: &str = "/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding";
const RERANK: &str = "/api/v1/services/rerank/text-rerank/text-rerank";
const FLAT: &str = "/compatible-api/v1/reranks";

async fn ask(path: &str, body: &Value) -> Answer {
    let emulator = start().await;
    post(&emulator, &format!("/{STANDARD}{path}"), STANDARD_KEY, body).await
}

fn length(embedding: &Value) -> usize {
    embedding.as_array().unwrap().len()
}

#[tokio::test]
async fn recorded_requests_are_answered() {
    // As the official clients send them.
    let body = json!({"input": ["a", "b"], "model": "text-embedding-v4", "dimensions": 256, "encoding_format": "float"});
    let answer = ask(OPEN_AI, &body).await.json();
    assert_eq!(length(&answer["data"][1]["embedding"]), 256);
    assert_eq!(
        (&answer["object"], &answer["usage"]["total_tokens"]),
        (&json!("list"), &json!(2))
    );

    let body = json!({"input": "a", "model": "text-embedding-v4", "encoding_format": "base64"});
    let answer = ask(OPEN_AI, &body).await.json();
    // 1024 floats of four bytes, three bytes in four characters.
    assert_eq!(
        answer["data"][0]["embedding"].as_str().unwrap().len(),
        4096_usize.div_ceil(3) * 4
    );

    let body = json!({"model": "text-embedding-v4", "parameters": {"text_type": "document", "dimension": 256, "output_type": "dense"}, "input": {"texts": ["a", "b"]}});
    let answer = ask(TEXTS, &body).await.json();
    assert_eq!(length(&answer["output"]["embeddings"][0]["embedding"]), 256);
    assert_eq!(answer["output"]["embeddings"][1]["text_index"], 1);

    let body = json!({"model": "qwen3-vl-embedding", "parameters": {"dimension": 256}, "input": {"contents": [{"text": "a"}, {"image": "https://example.invalid/a.png"}]}});
    let answer = ask(CONTENTS, &body).await.json();
    assert_eq!(answer["output"]["embeddings"][1]["type"], "image");

    let body = json!({"model": "qwen3-rerank", "parameters": {"return_documents": true, "top_n": 2, "instruct": "i"}, "input": {"query": "q", "documents": ["a", "b"]}});
    let answer = ask(RERANK, &body).await.json();
    assert_eq!(answer["output"]["results"].as_array().unwrap().len(), 2);

    let body = json!({"model": "qwen3-rerank", "query": "a", "documents": ["b", "a"], "top_n": 1, "return_documents": true});
    let answer = ask(FLAT, &body).await.json();
    assert_eq!(answer["results"][0]["index"], 1);
    assert_eq!(answer["results"][0]["document"]["text"], "a");
}

#[tokio::test]
async fn what_the_service_refuses_is_refused_in_its_words() {
    for line in include_str!("../data/vector-refusals.jsonl").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let path = match row["at"].as_str().unwrap() {
            "open_ai" => OPEN_AI,
            "texts" => TEXTS,
            "contents" => CONTENTS,
            "rerank" => RERANK,
            _ => FLAT,
        };
        let answer = ask(path, &row["body"]).await;
        assert!(answer.status.is_client_error(), "{line}");
        let said = row["said"].as_str().unwrap();
        assert!(answer.text().contains(said), "{line}: {}", answer.text());
        let is_native = path.starts_with("/api/");
        assert_eq!(answer.json().get("error").is_none(), is_native, "{line}");
    }
}

#[tokio::test]
async fn other_plans_do_not_offer_them() {
    let emulator = start().await;
    let body = json!({"model": "text-embedding-v4", "input": "a"});
    for (host, key, path) in [
        (
            "coding-intl.dashscope.aliyuncs.com",
            "sk-sp-emulator-coding-intl",
            "/v1/embeddings",
        ),
        (
            "token-plan.ap-southeast-1.maas.aliyuncs.com",
            "sk-sp-emulator-token-intl",
            OPEN_AI,
        ),
    ] {
        let answer = post(&emulator, &format!("/{host}{path}"), key, &body).await;
        assert_eq!(answer.status, 404, "{host}");
    }
}
