//! `POST /v1/images/generations` and `/v1/images/edits`: `OpenAI`'s form, as JSON or as a form with files.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::StatusCode;
use providers::media::ModelKind;
use providers::media::image::{Drawn, ImageAsk, ImageRequest};
use providers::media_fetch::{FetchError, Wanted};
use providers::media_type::{MediaKind, MediaType};
use providers::{Answered, Usage};
use serde_json::{Value, json};

use super::media::{Request, whole};
use crate::multipart::Form;
use crate::openai_error::OpenAiError;

/// Path of images from text.
pub(crate) const GENERATIONS: &str = "/v1/images/generations";
/// Path of images from images.
pub(crate) const EDITS: &str = "/v1/images/edits";
/// Largest image that is fetched to be put into an answer, in bytes.
const IMAGE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Answers a request for images from text.
pub(crate) async fn generations(
    request: &Request<'_>,
    body: &[u8],
) -> Result<Response, OpenAiError> {
    draw(request, ImageRequest::parse(body)?).await
}

/// Answers a request for images from images.
pub(crate) async fn edits(request: &Request<'_>, body: &Bytes) -> Result<Response, OpenAiError> {
    let wish = if Form::is_announced(request.headers) {
        of_form(&Form::read(request.headers, body)?)?
    } else {
        ImageRequest::parse(body)?
    };
    if wish.image.is_empty() {
        let error = OpenAiError::bad_request("you must provide an `image`");
        return Err(error.param(Some("image")).code("missing_image"));
    }
    draw(request, wish).await
}

fn of_form(form: &Form) -> Result<ImageRequest, OpenAiError> {
    if form.file("mask").is_some() {
        let message = "masks are not supported: say in the prompt what is to change";
        return Err(OpenAiError::bad_request(message).param(Some("mask")));
    }
    let number = |name: &'static str| match form.text(name) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            OpenAiError::bad_request(format!("`{name}` must be a number")).param(Some(name))
        }),
    };
    let image = form
        .files("image")
        .map(|file| data_url(&file))
        .collect::<Result<_, _>>()?;
    let wish = ImageRequest {
        model: form.text("model"),
        prompt: form.text("prompt").unwrap_or_default(),
        n: number("n")?,
        size: form.text("size"),
        negative_prompt: form.text("negative_prompt"),
        seed: number("seed")?,
        response_format: form.text("response_format"),
        image,
        ..ImageRequest::default()
    };
    wish.check_form()?;
    Ok(wish)
}

/// Returns a data URL of an image that was sent; one that is a URL already stays.
fn data_url(file: &Bytes) -> Result<String, OpenAiError> {
    if let Ok(text) = std::str::from_utf8(file)
        && text.starts_with("http")
    {
        return Ok(text.trim().to_owned());
    }
    let kind = MediaType::sniff(file).filter(|kind| kind.kind == MediaKind::Image);
    let Some(kind) = kind else {
        let error = OpenAiError::bad_request("`image` is not an image of a known format");
        return Err(error.param(Some("image")));
    };
    let data = BASE64_STANDARD.encode(file);
    Ok(format!("data:{};base64,{data}", kind.mime))
}

async fn draw(request: &Request<'_>, wish: ImageRequest) -> Result<Response, OpenAiError> {
    let chosen = request.choose(wish.model.as_deref(), ModelKind::Image)?;
    let catalog = request.shared.upstream.catalog();
    wish.check(catalog, chosen.chain.first())?;
    let sending = request.sending(&chosen);
    let deadline = sending.deadline;
    let ask = ImageAsk {
        request: &wish,
        sending,
    };
    let (answered, mut record) = request.ask(chosen, &ask).await?;
    let Answered { route, reply, .. } = answered;
    record.answered(200, reply.upstream_request_id.as_deref());
    record.close("complete", Some(Usage::default()));
    let inline = wish.response_format.as_deref() == Some("b64_json");
    let mut data = Vec::new();
    for url in &reply.urls {
        data.push(if inline {
            let wanted = Wanted {
                kinds: &[MediaKind::Image],
                bytes_max: IMAGE_BYTES_MAX,
                deadline,
            };
            json!({"b64_json": inlined(request, url, wanted).await?})
        } else {
            json!({"url": url})
        });
    }
    let body = answer(&reply, &data);
    Ok(whole(&route, "application/json", body.to_string().into()))
}

fn answer(drawn: &Drawn, data: &[Value]) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    json!({
        "created": now.map_or(0, |now| now.as_secs()),
        "data": data,
        "x_usage": drawn.usage,
    })
}

/// Returns what a link leads to, as base64.
async fn inlined(
    request: &Request<'_>,
    url: &str,
    wanted: Wanted<'_>,
) -> Result<String, OpenAiError> {
    if let Some((_, data)) = url.split_once(";base64,") {
        return Ok(data.to_owned());
    }
    let fetching = Box::pin(request.shared.upstream.media().fetch(url, wanted));
    let medium = fetching.await.map_err(|error| not_fetched(&error))?;
    Ok(BASE64_STANDARD.encode(&medium.bytes))
}

/// The service made something that cannot be had.
pub(crate) fn not_fetched(error: &FetchError) -> OpenAiError {
    tracing::warn!(%error, "what the service made could not be fetched");
    let message = format!("what the service made could not be fetched: {error}");
    OpenAiError::new(StatusCode::BAD_GATEWAY, "api_error", message).code("media_not_fetched")
}
