//! What the endpoints of media models share: who asks, which model, what is recorded, what an answer looks like.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use providers::failover::Ask;
use providers::media::{BadRequest, ModelKind, Sending};
use providers::{Answered, Chain, Deadline, JsonReply, Route};

use super::completion::{self, Asked};
use super::{audio, embeddings, images, rerank};
use crate::auth::Caller;
use crate::openai_error::OpenAiError;
use crate::request_log::RequestRecord;
use crate::state::Shared;

/// The endpoints of media models that have a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Embeddings,
    Rerank,
    ImageGenerations,
    ImageEdits,
    Speech,
    Transcriptions,
}

impl Endpoint {
    /// Returns the endpoint at `path`.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            embeddings::PATH => Some(Self::Embeddings),
            rerank::PATH => Some(Self::Rerank),
            images::GENERATIONS => Some(Self::ImageGenerations),
            images::EDITS => Some(Self::ImageEdits),
            audio::SPEECH => Some(Self::Speech),
            audio::TRANSCRIPTIONS => Some(Self::Transcriptions),
            _ => None,
        }
    }
}

/// Answers a request to an endpoint.
pub(crate) async fn answer(shared: &Shared, endpoint: Endpoint, asked: Asked<'_>) -> Response {
    let answered = match Request::begin(shared, asked).await {
        Err(error) => Err(error),
        Ok((request, body)) => match endpoint {
            Endpoint::Embeddings => embeddings::answer(&request, body).await,
            Endpoint::Rerank => rerank::answer(&request, &body).await,
            Endpoint::ImageGenerations => images::generations(&request, &body).await,
            Endpoint::ImageEdits => images::edits(&request, &body).await,
            Endpoint::Speech => audio::speech(&request, &body).await,
            Endpoint::Transcriptions => audio::transcriptions(&request, &body).await,
        },
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// A request whose caller is known and whose body was read.
pub(crate) struct Request<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) headers: &'a HeaderMap,
    /// Our id of it.
    id: &'a str,
    caller: Caller,
}

/// The model that a request is for.
pub(crate) struct Chosen {
    pub(crate) chain: Arc<Chain>,
    requested: String,
    deadline: Deadline,
}

impl<'a> Request<'a> {
    async fn begin(shared: &'a Shared, asked: Asked<'a>) -> Result<(Self, Bytes), OpenAiError> {
        let Asked {
            request_id,
            headers,
            body,
        } = asked;
        let (caller, body) = completion::authorized_body(shared, headers, body).await?;
        let request = Self {
            shared,
            headers,
            id: request_id,
            caller,
        };
        Ok((request, body))
    }

    /// Finds the model: the one of the header or the body, else the one this home uses for `kind`.
    pub(crate) fn choose(
        &self,
        in_body: Option<&str>,
        kind: ModelKind,
    ) -> Result<Chosen, OpenAiError> {
        let by_header = self.headers.get(completion::MODEL_OVERRIDE);
        let by_header = by_header.and_then(|value| value.to_str().ok());
        let named = by_header.or(in_body).filter(|name| !name.trim().is_empty());
        let chain = self.shared.directory.media_chain(named, kind);
        let chain = chain.map_err(|error| completion::unroutable(&error))?;
        Ok(Chosen {
            requested: named.map_or_else(|| format!("default {kind}"), str::to_owned),
            deadline: Deadline::after(chain.first().timeout),
            chain,
        })
    }

    /// Returns how a request for `chosen` is sent.
    pub(crate) fn sending<'s>(&'s self, chosen: &Chosen) -> Sending<'s> {
        Sending {
            headers: self.headers,
            deadline: chosen.deadline,
        }
    }

    /// Asks the candidates; the record is open until it is closed.
    pub(crate) async fn ask<A: Ask>(
        &self,
        chosen: Chosen,
        ask: &A,
    ) -> Result<(Answered<A::Reply>, RequestRecord), OpenAiError> {
        let Chosen {
            chain,
            requested,
            deadline,
        } = chosen;
        let first = chain.first();
        let record = RequestRecord::open(self.shared, self.id, self.caller, requested, first);
        let terms = completion::terms(self.shared, self.headers, deadline);
        completion::first_answer(self.shared, &chain, ask, (terms, record)).await
    }

    /// Asks the candidates and hands on the JSON that the first one answers.
    pub(crate) async fn ask_json<A: Ask<Reply = JsonReply>>(
        &self,
        chosen: Chosen,
        ask: &A,
    ) -> Result<Response, OpenAiError> {
        let (answered, mut record) = self.ask(chosen, ask).await?;
        let Answered { route, reply, .. } = answered;
        let id = reply.upstream_request_id();
        record.answered(reply.status.as_u16(), id);
        record.close("complete", reply.usage());
        let mut response = whole(&route, "application/json", reply.body.clone());
        if let Some(id) = id.and_then(|id| HeaderValue::from_str(id).ok()) {
            let headers = response.headers_mut();
            headers.insert(completion::UPSTREAM_REQUEST_ID, id);
        }
        Ok(response)
    }
}

/// Makes the answer to a request that `route` answered.
pub(crate) fn whole(route: &Route, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(model) = HeaderValue::try_from(route.reference()) {
        headers.insert(completion::ROUTED_MODEL, model);
    }
    response
}

impl From<BadRequest> for OpenAiError {
    fn from(error: BadRequest) -> Self {
        Self::bad_request(error.to_string())
            .param(error.param)
            .code("invalid_request_body")
            .class("invalid_parameter")
    }
}
