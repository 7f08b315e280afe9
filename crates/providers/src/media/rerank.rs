//! Reranking: the request that Jina's and Cohere's clients send, in the form that each model needs.

use catalog::{Catalog, MediaShape};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{BadRequest, Place, Sending, put};
use crate::attempt::Upstream;
use crate::directory::Route;
use crate::failover::Ask;
use crate::failure::Failure;
use crate::json_call::JsonReply;

/// Largest request body, in bytes.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most documents of a request to a model that the catalog does not know.
const DOCUMENTS_MAX: usize = 1000;
/// Where such a model is asked.
const PATH: &str = "/rerank";

/// A request to order documents.
#[derive(Debug, Clone, Deserialize)]
pub struct RerankRequest {
    /// The model the client asked for.
    #[serde(default)]
    pub model: Option<String>,
    /// What the documents are compared with.
    pub query: Value,
    /// The documents: texts, or objects with a text, image or video.
    pub documents: Vec<Value>,
    /// How many are wanted.
    #[serde(default)]
    pub top_n: Option<u64>,
    /// Whether the reply repeats the documents.
    #[serde(default)]
    pub return_documents: Option<bool>,
    /// What "near" means, in words.
    #[serde(default)]
    pub instruct: Option<String>,
}

/// Asks for an order.
#[derive(Clone, Copy)]
pub struct RerankAsk<'a> {
    /// What to ask.
    pub request: &'a RerankRequest,
    /// How it is sent.
    pub sending: Sending<'a>,
}

impl RerankRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`BadRequest`]: the client's mistake.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| BadRequest::body(format!("the request is malformed: {error}")))?;
        if request.query.as_str().is_some_and(str::is_empty) || request.query.is_null() {
            return Err(BadRequest::new("query", "`query` is empty"));
        }
        if request.documents.is_empty() {
            return Err(BadRequest::new("documents", "`documents` is empty"));
        }
        if request.top_n == Some(0) {
            return Err(BadRequest::new("top_n", "`top_n` must be above 0"));
        }
        Ok(request)
    }

    /// Checks the request against the limits of the model of `route`.
    ///
    /// # Errors
    /// [`BadRequest`] with what the model takes.
    pub fn check(&self, catalog: &Catalog, route: &Route) -> Result<(), BadRequest> {
        let known = catalog.media_model(&route.model);
        let most = known
            .and_then(|known| known.items_max)
            .unwrap_or(DOCUMENTS_MAX);
        if self.documents.len() <= most {
            return Ok(());
        }
        let (count, model) = (self.documents.len(), &route.model);
        let message = format!("there are {count} documents, {model} takes at most {most}");
        Err(BadRequest::new("documents", message))
    }

    /// Returns the query or a document as the text it is; media stay what they are.
    fn plain(value: &Value) -> Value {
        match value.get("text") {
            Some(text) if value.as_object().is_some_and(|all| all.len() == 1) => text.clone(),
            _ => value.clone(),
        }
    }

    fn body(&self, model: &str, shape: Option<MediaShape>) -> Value {
        let documents: Vec<Value> = self.documents.iter().map(Self::plain).collect();
        let query = Self::plain(&self.query);
        let mut options = Map::new();
        // Without a number the service returns all, as the clients expect.
        options.extend(self.top_n.map(|top_n| ("top_n".to_owned(), json!(top_n))));
        let instruct = self.instruct.as_ref();
        options.extend(instruct.map(|text| ("instruct".to_owned(), json!(text))));
        if shape == Some(MediaShape::NestedRerank) {
            let input = json!({"query": query, "documents": documents});
            return json!({"model": model, "input": input, "parameters": options});
        }
        let mut body = json!({"model": model, "query": query, "documents": documents});
        if let Some(body) = body.as_object_mut() {
            body.extend(options);
        }
        body
    }

    /// Makes the reply for the client: results best first, with the documents when they were asked for.
    fn reply(&self, model: &str, said: &Value) -> Value {
        let results = said
            .get("results")
            .or_else(|| said.pointer("/output/results"));
        let rows = results.and_then(Value::as_array).into_iter().flatten();
        let row = |row: &Value| {
            let index = row.get("index").cloned().unwrap_or_default();
            let mut shown = json!({
                "index": index,
                "relevance_score": row.get("relevance_score").cloned().unwrap_or_default(),
            });
            let place = index.as_u64().and_then(|index| usize::try_from(index).ok());
            let document = place.and_then(|place| self.documents.get(place));
            if let (true, Some(document)) = (self.return_documents == Some(true), document) {
                let document = match document {
                    Value::String(text) => json!({"text": text}),
                    other => other.clone(),
                };
                put(&mut shown, "document", document);
            }
            shown
        };
        let tokens = said.pointer("/usage/total_tokens").and_then(Value::as_u64);
        let id = said.get("id").or_else(|| said.get("request_id"));
        json!({
            "object": "list",
            "id": id,
            "model": model,
            "results": rows.map(row).collect::<Vec<_>>(),
            "usage": {"total_tokens": tokens.unwrap_or_default()},
        })
    }
}

impl Ask for RerankAsk<'_> {
    type Reply = JsonReply;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<JsonReply, Failure> {
        let known = upstream.catalog().media_model(&route.model);
        let body = self
            .request
            .body(&route.model, known.map(|known| known.shape));
        let place = known.map_or(Place::Unknown(PATH), Place::Known);
        let request = upstream.post_to(route, &place, body.to_string());
        let request = request.map_err(|fault| *fault)?;
        let reply = upstream.json(route, &request, self.sending.call()).await?;
        let shown = self.request.reply(&route.model, &reply.value());
        Ok(reply.with_body(&shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &Value) -> RerankRequest {
        RerankRequest::parse(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn each_model_is_asked_in_its_form() {
        let request = parse(&json!({
            "model": "x", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "return_documents": true,
        }));
        assert_eq!(
            request.body("qwen3-rerank", Some(MediaShape::FlatRerank)),
            json!({"model": "qwen3-rerank", "query": "q", "documents": ["a", "b"], "top_n": 1})
        );
        assert_eq!(
            request.body("gte-rerank-v2", Some(MediaShape::NestedRerank)),
            json!({"model": "gte-rerank-v2", "input": {"query": "q", "documents": ["a", "b"]}, "parameters": {"top_n": 1}})
        );
    }

    #[test]
    fn replies_of_both_forms_become_the_same() {
        let request =
            parse(&json!({"query": "q", "documents": ["a", "b"], "return_documents": true}));
        let results = json!([{"index": 1, "relevance_score": 0.9}]);
        let expected = json!({
            "object": "list", "id": "r", "model": "m",
            "results": [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}],
            "usage": {"total_tokens": 7},
        });
        let flat = json!({"results": results, "id": "r", "usage": {"total_tokens": 7}});
        assert_eq!(request.reply("m", &flat), expected);
        let nested = json!({"output": {"results": results}, "request_id": "r", "usage": {"total_tokens": 7}});
        assert_eq!(request.reply("m", &nested), expected);
    }

    #[test]
    fn mistakes_are_named() {
        for (body, param) in [
            (json!({"documents": ["a"]}), None),
            (json!({"query": "", "documents": ["a"]}), Some("query")),
            (json!({"query": "q", "documents": []}), Some("documents")),
            (
                json!({"query": "q", "documents": ["a"], "top_n": 0}),
                Some("top_n"),
            ),
            (json!({"query": "q", "documents": "a"}), None),
        ] {
            let error = RerankRequest::parse(body.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.param, param, "{body}");
        }
    }
}
