//! Which endpoint a path belongs to.

use http::Method;

use crate::access;
use crate::endpoint;
use crate::host::{Plan, Service};
use crate::media::ImagePath;
use crate::refusal::{Refusal, Surface};
use crate::reply::Reply;
use crate::script::Rule;
use crate::storage;
use crate::studio::{Exchange, Studio};

/// Told to clients of the Coding Plan that do not say who they are.
const AGENTS_ONLY: &str = "Coding Plan is currently only available for Coding Agents";

/// The endpoints there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Models,
    ChatCompletions,
    Responses,
    Messages,
    DeviceCode,
    Token,
    VideoSynthesis,
    Tasks,
    Task,
    CancelTask,
    Uploads,
    Storage,
    Embeddings,
    TextEmbedding,
    MultimodalEmbedding,
    Rerank,
    FlatRerank,
    MultimodalGeneration,
    ImageTask,
    PromptImageTask,
    CosyvoiceSpeech,
    TranscriptionTask,
}

/// Lets the endpoint that a request is for answer it.
pub(crate) fn answer(studio: &Studio, exchange: &Exchange, rule: Option<&Rule>) -> Reply {
    let answered = gate(studio, exchange).and_then(|endpoint| {
        if let Some(events) = rule.and_then(|rule| rule.events.as_ref()) {
            let done = rule.is_some_and(|rule| rule.done);
            return Ok(endpoint::playback::answer(events, done));
        }
        let n_chunks = rule.and_then(|rule| rule.chunks);
        match endpoint {
            Endpoint::Models => Ok(endpoint::models::answer(studio, exchange)),
            Endpoint::ChatCompletions => endpoint::chat_completions::answer(studio, exchange, rule),
            Endpoint::Responses => endpoint::responses::answer(studio, exchange, n_chunks),
            Endpoint::Messages => endpoint::messages::answer(studio, exchange, n_chunks),
            Endpoint::DeviceCode => endpoint::device_code::answer(&studio.identity, exchange),
            Endpoint::Token => endpoint::token::answer(&studio.identity, exchange),
            Endpoint::VideoSynthesis => endpoint::video_synthesis::answer(studio, exchange),
            Endpoint::Tasks => Ok(endpoint::tasks::list(studio, exchange)),
            Endpoint::Task => Ok(endpoint::tasks::look(studio, exchange, task_id(exchange))),
            Endpoint::CancelTask => endpoint::tasks::cancel(studio, exchange, task_id(exchange)),
            Endpoint::Uploads => endpoint::uploads::answer(studio, exchange),
            Endpoint::Storage => Ok(storage::answer(studio, exchange)),
            Endpoint::Embeddings => endpoint::embeddings::open_ai(studio, exchange),
            Endpoint::TextEmbedding => endpoint::embeddings::texts(studio, exchange),
            Endpoint::MultimodalEmbedding => endpoint::embeddings::contents(studio, exchange),
            Endpoint::Rerank => endpoint::rerank::native(studio, exchange),
            Endpoint::MultimodalGeneration => {
                endpoint::multimodal_generation::answer(studio, exchange)
            }
            Endpoint::ImageTask => endpoint::images::task(studio, exchange, ImagePath::MessageJobs),
            Endpoint::PromptImageTask => {
                endpoint::images::task(studio, exchange, ImagePath::Prompt)
            }
            Endpoint::CosyvoiceSpeech => endpoint::speech::cosyvoice(studio, exchange),
            Endpoint::TranscriptionTask => endpoint::transcription::task(studio, exchange),
            Endpoint::FlatRerank => endpoint::rerank::flat(studio, exchange),
        }
    });
    answered.unwrap_or_else(|refused| Reply::refused(&refused, &exchange.request_id))
}

/// Finds the endpoint and checks the key, in the order the service does.
fn gate(studio: &Studio, exchange: &Exchange) -> Result<Endpoint, Refusal> {
    let host = &exchange.host;
    if host.service == Service::Identity {
        return find_identity(exchange).ok_or_else(Refusal::not_found);
    }
    if host.service == Service::Storage {
        return Ok(Endpoint::Storage);
    }
    if host.plan == Plan::Coding && !exchange.headers.contains_key(http::header::USER_AGENT) {
        return Err(Refusal::bare(
            http::StatusCode::METHOD_NOT_ALLOWED,
            AGENTS_ONLY,
        ));
    }
    let surface = surface(exchange);
    let endpoint = find(exchange);
    if endpoint.is_none() && surface != Surface::Native {
        return Err(Refusal::not_found());
    }
    access::check(&studio.identity, host, surface, &exchange.headers)?;
    endpoint.ok_or_else(Refusal::not_found)
}

/// Tells whether a request is for the identity server's token endpoint.
pub(crate) fn is_for_tokens(exchange: &Exchange) -> bool {
    exchange.host.service == Service::Identity && find_identity(exchange) == Some(Endpoint::Token)
}

/// Tells which protocol a path belongs to.
pub(crate) fn surface(exchange: &Exchange) -> Surface {
    if exchange.host.service == Service::Identity {
        return Surface::Oauth;
    }
    if native_path(exchange).is_some() {
        return Surface::Native;
    }
    if anthropic_path(exchange).is_some() {
        return Surface::Anthropic;
    }
    match open_ai_path(exchange) {
        Some("responses") => Surface::Responses,
        Some(_) => Surface::OpenAi,
        None => Surface::Other,
    }
}

/// Returns the part of the path below the Anthropic base path.
fn anthropic_path(exchange: &Exchange) -> Option<&str> {
    if exchange.host.plan == Plan::Portal {
        return None;
    }
    exchange.path.strip_prefix("/apps/anthropic/v1/")
}

/// Returns the part of the path below the host's `OpenAI` base path.
fn open_ai_path(exchange: &Exchange) -> Option<&str> {
    let base = match exchange.host.plan {
        Plan::Standard | Plan::Token => "/compatible-mode/v1/",
        Plan::Coding | Plan::Portal => "/v1/",
    };
    let path = &exchange.path;
    // Reranking alone has a base path of its own; its slash tells it from the others.
    path.strip_prefix(base)
        .or_else(|| path.strip_prefix("/compatible-api/v1"))
}

/// Returns the part of the path below the provider's own protocol. `OpenClaw` asks for it below the `OpenAI` base path
/// of a host that it does not know.
fn native_path(exchange: &Exchange) -> Option<&str> {
    if !matches!(exchange.host.plan, Plan::Standard | Plan::Token) {
        return None;
    }
    let path = exchange.path.strip_prefix("/compatible-mode/v1");
    path.unwrap_or(&exchange.path).strip_prefix("/api/v1/")
}

/// Returns the id in the path of a request about one task.
fn task_id(exchange: &Exchange) -> &str {
    let path = native_path(exchange).and_then(|path| path.strip_prefix("tasks/"));
    path.and_then(|path| path.split('/').next())
        .unwrap_or_default()
}

fn find_native(path: &str, method: &Method) -> Option<Endpoint> {
    match (path, method) {
        ("services/aigc/video-generation/video-synthesis", &Method::POST) => {
            Some(Endpoint::VideoSynthesis)
        }
        ("services/embeddings/text-embedding/text-embedding", &Method::POST) => {
            Some(Endpoint::TextEmbedding)
        }
        ("services/embeddings/multimodal-embedding/multimodal-embedding", &Method::POST) => {
            Some(Endpoint::MultimodalEmbedding)
        }
        ("services/aigc/multimodal-generation/generation", &Method::POST) => {
            Some(Endpoint::MultimodalGeneration)
        }
        ("services/aigc/image-generation/generation", &Method::POST) => Some(Endpoint::ImageTask),
        ("services/aigc/text2image/image-synthesis", &Method::POST) => {
            Some(Endpoint::PromptImageTask)
        }
        ("services/audio/tts/SpeechSynthesizer", &Method::POST) => Some(Endpoint::CosyvoiceSpeech),
        ("services/audio/asr/transcription", &Method::POST) => Some(Endpoint::TranscriptionTask),
        ("services/rerank/text-rerank/text-rerank", &Method::POST) => Some(Endpoint::Rerank),
        ("tasks" | "tasks/", &Method::GET) => Some(Endpoint::Tasks),
        ("uploads", &Method::GET) => Some(Endpoint::Uploads),
        (_, &Method::GET) => {
            let id = path.strip_prefix("tasks/")?;
            (!id.contains('/')).then_some(Endpoint::Task)
        }
        (_, &Method::POST) => {
            let id = path.strip_prefix("tasks/")?.strip_suffix("/cancel")?;
            (!id.is_empty() && !id.contains('/')).then_some(Endpoint::CancelTask)
        }
        _ => None,
    }
}

fn find(exchange: &Exchange) -> Option<Endpoint> {
    if let Some(path) = native_path(exchange) {
        return find_native(path, &exchange.method);
    }
    if let Some(path) = anthropic_path(exchange) {
        let is_asked = (path, &exchange.method) == ("messages", &Method::POST);
        return is_asked.then_some(Endpoint::Messages);
    }
    let path = open_ai_path(exchange)?;
    let keeps_responses = matches!(exchange.host.plan, Plan::Standard | Plan::Token);
    let is_standard = exchange.host.plan == Plan::Standard;
    match (path, &exchange.method) {
        ("embeddings", &Method::POST) if is_standard => Some(Endpoint::Embeddings),
        ("/reranks", &Method::POST) if is_standard => Some(Endpoint::FlatRerank),
        ("models", &Method::GET) if exchange.host.plan != Plan::Coding => Some(Endpoint::Models),
        ("responses", &Method::POST) if keeps_responses => Some(Endpoint::Responses),
        ("chat/completions", &Method::POST) => Some(Endpoint::ChatCompletions),
        _ => None,
    }
}

fn find_identity(exchange: &Exchange) -> Option<Endpoint> {
    match (exchange.path.as_str(), &exchange.method) {
        ("/api/v1/oauth2/device/code", &Method::POST) => Some(Endpoint::DeviceCode),
        ("/api/v1/oauth2/token", &Method::POST) => Some(Endpoint::Token),
        _ => None,
    }
}
