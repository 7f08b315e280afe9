//! Requests to models that do something else than chat: read from a client in its form, checked against what the
//! catalog says of the model, sent in the form that the model's host needs.

use bytes::Bytes;
use catalog::{FailureKind, MediaModel, Surface};
pub use catalog::{InputKind, ModelKind};
use http::HeaderMap;
use serde_json::Value;

use crate::attempt::Upstream;
use crate::deadline::Deadline;
use crate::directory::Route;
use crate::failure::Failure;
use crate::json_call::{JsonCall, JsonRequest};
use crate::media_fetch::FetchError;

pub mod embedding;
pub mod image;
mod job;
pub mod rerank;
pub mod sight;
pub mod speech;
pub mod transcription;
mod wave;

/// A mistake in a request, found before anything was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// What is wrong.
    pub message: String,
    /// The member at fault.
    pub param: Option<&'static str>,
}

impl BadRequest {
    /// Creates an error about `param`.
    pub fn new(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: Some(param),
        }
    }

    /// Creates an error about the body as a whole.
    pub(crate) fn body(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: None,
        }
    }
}

/// How a media request is sent, whatever it asks.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// When the reply must be complete, all candidates together.
    pub deadline: Deadline,
}

impl<'a> Sending<'a> {
    fn call(self) -> JsonCall<'a> {
        JsonCall {
            headers: self.headers,
            deadline: self.deadline,
        }
    }
}

/// Where a model is asked.
enum Place<'a> {
    /// Where the catalog says.
    Known(&'a MediaModel),
    /// A model that the catalog does not know: at this path beside chat.
    Unknown(&'static str),
}

impl Upstream {
    /// Creates a `POST` to where a media model is asked.
    fn post_to(
        &self,
        route: &Route,
        place: &Place<'_>,
        body: impl Into<Bytes>,
    ) -> Result<JsonRequest, Box<Failure>> {
        let url = match place {
            Place::Known(model) => route.url(model.surface, &model.path),
            Place::Unknown(path) => route.url(Surface::Compatible, path),
        };
        let url = url
            .map_err(|error| self.of_connection(route, FailureKind::Response, error.to_string()))?;
        Ok(JsonRequest::post(url, body.into()))
    }

    /// Makes a failure of something that was made and cannot be had.
    fn not_fetched(&self, route: &Route, error: &FetchError) -> Failure {
        let message = format!("what the service made could not be fetched: {error}");
        self.of_connection(route, FailureKind::Network, message)
    }

    /// Makes a failure of a request that the model of `route` does not take, though another may.
    fn refused_here(&self, route: &Route, error: &BadRequest) -> Failure {
        self.of_connection(route, FailureKind::Response, error.to_string())
    }
}

/// Returns a link of the service's storage with encryption; it gives some without, for the same files.
fn secured(url: String) -> String {
    /// Where the service keeps what it made.
    const STORAGE: &str = ".aliyuncs.com";
    let Some(rest) = url.strip_prefix("http://") else {
        return url;
    };
    let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
    if host.ends_with(STORAGE) {
        format!("https://{rest}")
    } else {
        url
    }
}

/// Adds a member to an object.
fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}
