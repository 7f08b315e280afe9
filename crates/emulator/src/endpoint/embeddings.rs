//! Vectors: `POST /embeddings` in `OpenAI`'s form, and the service's own forms for texts and for media.

use http::StatusCode;
use serde_json::{Value, json};

use crate::chat::field::Fields;
use crate::chat::{media, token_count};
use crate::refusal::{Refusal, Surface};
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};
use crate::vectors::{self, EmbeddingModel, Takes};

const IMAGES_MAX: usize = 5;

/// Answers in `OpenAI`'s form.
pub(crate) fn open_ai(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let fields = fields(exchange, Surface::OpenAi)?;
    let model = model(studio, exchange, fields, Takes::Text)?;
    let said = |said: String| Refusal::invalid(said);
    let texts = match fields.get("input") {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(items)) => items
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(not_texts)?,
        _ => return Err(not_texts()),
    };
    check_texts(model, &texts).map_err(said)?;
    let length = fields.count("dimensions", u64::MAX)?;
    let length = model.length(length).map_err(said)?;
    let is_base64 = match fields.string("encoding_format")? {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "'{other}' is not one of ['float', 'base64'] - 'encoding_format'"
            )));
        }
    };
    let data = texts.iter().enumerate().map(|(index, text)| {
        let vector = vectors::embed(text, length);
        let embedding = if is_base64 {
            json!(vectors::base64(&vector))
        } else {
            json!(vector)
        };
        json!({"embedding": embedding, "index": index, "object": "embedding"})
    });
    let data: Vec<Value> = data.collect();
    let tokens = tokens(&texts);
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "data": data, "model": model.id, "object": "list",
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "id": exchange.request_id,
        }),
    ))
}

/// Answers `text-embedding`.
pub(crate) fn texts(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let fields = fields(exchange, Surface::Native)?;
    let model = model(studio, exchange, fields, Takes::Text)?;
    let said = |said: String| invalid(&said);
    let texts: Option<Vec<&str>> = fields.get("input").and_then(|input| {
        let texts = input.get("texts")?.as_array()?;
        texts.iter().map(Value::as_str).collect()
    });
    let texts = texts.ok_or_else(|| invalid("Field required: input.texts"))?;
    check_texts(model, &texts).map_err(said)?;
    let parameter = |name: &str| fields.get("parameters").and_then(|all| all.get(name));
    let dense = match parameter("output_type").and_then(Value::as_str) {
        None | Some("dense") => true,
        Some("sparse" | "dense&sparse") => {
            return Err(invalid("the emulator makes dense vectors only"));
        }
        Some(_) => false,
    };
    let kind = parameter("text_type").and_then(Value::as_str);
    if !dense || !matches!(kind, None | Some("query" | "document")) {
        return Err(invalid("output_type or text_type is invalid"));
    }
    let length = model
        .length(parameter("dimension").and_then(Value::as_u64))
        .map_err(said)?;
    let embeddings: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(
            |(index, text)| json!({"text_index": index, "embedding": vectors::embed(text, length)}),
        )
        .collect();
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "output": {"embeddings": embeddings},
            "usage": {"total_tokens": tokens(&texts)},
            "request_id": exchange.request_id,
        }),
    ))
}

/// Answers `multimodal-embedding`.
pub(crate) fn contents(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let fields = fields(exchange, Surface::Native)?;
    let model = model(studio, exchange, fields, Takes::Media)?;
    let said = |said: String| invalid(&said);
    let contents = fields
        .get("input")
        .and_then(|input| input.get("contents")?.as_array());
    let contents = contents.ok_or_else(|| invalid("Field required: input.contents"))?;
    let count = contents.len();
    if count == 0 || count > model.items_max {
        return Err(said(batch_error(model)));
    }
    let parameters = fields.get("parameters");
    let wanted = parameters.and_then(|all| all.get("dimension")?.as_u64());
    let length = model.length(wanted).map_err(said)?;
    let (mut embeddings, mut n_images, mut n_videos) = (Vec::new(), 0, 0);
    for (index, content) in contents.iter().enumerate() {
        let (kind, value) = content
            .as_object()
            .filter(|content| content.len() == 1)
            .and_then(|content| content.iter().next())
            .and_then(|(kind, value)| Some((kind.as_str(), value.as_str()?)))
            .ok_or_else(|| invalid("each item of input.contents holds one text, image or video"))?;
        let described = match kind {
            "text" => value.to_owned(),
            "image" | "video" => {
                media::look(value)
                    .map_err(|refused| invalid(refused.message()))?
                    .description
            }
            _ => {
                return Err(invalid(
                    "each item of input.contents holds one text, image or video",
                ));
            }
        };
        n_images += usize::from(kind == "image");
        n_videos += usize::from(kind == "video");
        let embedding = vectors::embed(&described, length);
        embeddings.push(json!({"index": index, "embedding": embedding, "type": kind}));
    }
    if n_images > IMAGES_MAX || n_videos > 1 {
        return Err(invalid(
            "at most 5 images and 1 video can be embedded at once",
        ));
    }
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "output": {"embeddings": embeddings},
            "usage": {"input_tokens": count, "image_tokens": n_images},
            "request_id": exchange.request_id,
        }),
    ))
}

fn fields(exchange: &Exchange, surface: Surface) -> Result<Fields<'_>, Refusal> {
    let body = exchange.json.as_ref().and_then(Value::as_object);
    body.map(Fields).ok_or_else(|| {
        let text = "Required body invalid, please check the request body format.";
        Refusal::on(surface, StatusCode::BAD_REQUEST, "InvalidParameter", text)
    })
}

fn model<'a>(
    studio: &'a Studio,
    exchange: &Exchange,
    fields: Fields<'_>,
    takes: Takes,
) -> Result<&'a EmbeddingModel, Refusal> {
    let id = fields
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let found = studio.vector_models.embedding(id);
    let native = crate::route::surface(exchange) == Surface::Native;
    match found {
        Some(model) if model.takes == takes => Ok(model),
        Some(_) if native => Err(invalid("url error, please check url\u{ff01}")),
        None if native => Err(invalid("Model not exist.")),
        _ if id.is_empty() => Err(Refusal::open_ai(
            StatusCode::BAD_REQUEST,
            None,
            "you must provide a model parameter.",
        )),
        _ => Err(Refusal::open_ai(
            StatusCode::NOT_FOUND,
            Some("model_not_supported"),
            format!("Unsupported model `{id}` for OpenAI compatibility mode."),
        )),
    }
}

fn check_texts(model: &EmbeddingModel, texts: &[&str]) -> Result<(), String> {
    if texts.is_empty() || texts.len() > model.items_max {
        return Err(batch_error(model));
    }
    let fits = |text: &&str| (1..=model.tokens_max).contains(&token_count::of(text));
    if !texts.iter().all(fits) {
        let most = model.tokens_max;
        return Err(format!("Range of input length should be [1, {most}]"));
    }
    Ok(())
}

fn batch_error(model: &EmbeddingModel) -> String {
    format!(
        "Value error, batch size is invalid, it should not be larger than {}.: input.contents",
        model.items_max
    )
}

fn tokens(texts: &[&str]) -> u64 {
    texts.iter().map(|text| token_count::of(text)).sum()
}

fn not_texts() -> Refusal {
    Refusal::invalid("Value error, contents is neither str nor list of str.: input.contents")
}

fn invalid(message: &str) -> Refusal {
    Refusal::native(StatusCode::BAD_REQUEST, "InvalidParameter", message)
}
