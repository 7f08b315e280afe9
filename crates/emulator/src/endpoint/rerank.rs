//! Orders documents by how near they are to a query: the service's own form, and the flat one.

use http::StatusCode;
use serde_json::{Value, json};

use crate::chat::token_count;
use crate::refusal::{Refusal, Surface};
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};
use crate::vectors::{self, RerankModel, Takes};

/// What is to be ordered.
struct Wish<'a> {
    query: String,
    documents: Vec<(String, &'a Value)>,
    top_n: usize,
    return_documents: bool,
}

/// Answers `text-rerank`.
pub(crate) fn native(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let surface = Surface::Native;
    let (body, model) = read(studio, exchange, surface)?;
    let nothing = Value::Null;
    let input = body.get("input").unwrap_or(&nothing);
    let parameters = body.get("parameters").unwrap_or(&nothing);
    let wish = Wish::read(model, input, parameters).map_err(|said| invalid(surface, &said))?;
    let total_tokens = wish.tokens();
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "output": {"results": wish.results()},
            "usage": {"total_tokens": total_tokens},
            "request_id": exchange.request_id,
        }),
    ))
}

/// Answers `reranks`.
pub(crate) fn flat(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let surface = Surface::OpenAi;
    let (body, model) = read(studio, exchange, surface)?;
    if !model.flat {
        return Err(invalid(surface, "Model not exist."));
    }
    let wish = Wish::read(model, body, body).map_err(|said| invalid(surface, &said))?;
    let total_tokens = wish.tokens();
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "object": "list",
            "results": wish.results(),
            "model": model.id,
            "id": exchange.request_id,
            "usage": {"total_tokens": total_tokens},
        }),
    ))
}

fn read<'a>(
    studio: &'a Studio,
    exchange: &'a Exchange,
    surface: Surface,
) -> Result<(&'a Value, &'a RerankModel), Refusal> {
    let body = exchange.json.as_ref().filter(|body| body.is_object());
    let body = body.ok_or_else(|| {
        let text = "Required body invalid, please check the request body format.";
        invalid(surface, text)
    })?;
    let id = body.get("model").and_then(Value::as_str);
    let model = studio.vector_models.rerank(id.unwrap_or_default());
    Ok((
        body,
        model.ok_or_else(|| invalid(surface, "Model not exist."))?,
    ))
}

impl<'a> Wish<'a> {
    fn read(model: &RerankModel, input: &'a Value, options: &Value) -> Result<Self, String> {
        let query = input.get("query").ok_or("Field required: input.query")?;
        let query = text_of(query, model.takes).ok_or("input.query is invalid")?;
        let documents = input.get("documents").and_then(Value::as_array);
        let documents = documents.ok_or("Field required: input.documents")?;
        let most = model.documents_max;
        if documents.is_empty() || documents.len() > most {
            return Err(format!("The number of documents should be in [1, {most}]"));
        }
        let read = |document: &'a Value| Some((text_of(document, model.takes)?, document));
        let documents: Option<Vec<_>> = documents.iter().map(read).collect();
        let documents = documents.ok_or("input.documents is invalid")?;
        let top_n = match options.get("top_n") {
            None | Some(Value::Null) => documents.len(),
            Some(value) => {
                let top_n = value.as_u64().filter(|top_n| *top_n > 0);
                let top_n = top_n.ok_or("top_n must be a positive integer")?;
                usize::try_from(top_n).unwrap_or(usize::MAX)
            }
        };
        let wish = Self {
            query,
            documents,
            top_n,
            return_documents: flag(options, "return_documents")?,
        };
        wish.check_length(model)?;
        Ok(wish)
    }

    fn check_length(&self, model: &RerankModel) -> Result<(), String> {
        let longest = self
            .documents
            .iter()
            .map(|(text, _)| text)
            .chain([&self.query]);
        let longest = longest.map(|text| token_count::of(text)).max();
        if longest.unwrap_or_default() > model.tokens_max {
            let most = model.tokens_max;
            return Err(format!("Range of input length should be [1, {most}]"));
        }
        if self.tokens() > model.request_tokens_max {
            let most = model.request_tokens_max;
            return Err(format!("Total tokens should not be larger than {most}"));
        }
        Ok(())
    }

    fn tokens(&self) -> u64 {
        let documents = self.documents.iter().map(|(text, _)| token_count::of(text));
        token_count::of(&self.query) + documents.sum::<u64>()
    }

    /// Returns the best documents, best first.
    fn results(self) -> Vec<Value> {
        let scored = self.documents.iter().enumerate();
        let mut scored: Vec<(usize, f64)> = scored
            .map(|(index, (text, _))| (index, vectors::likeness(&self.query, text)))
            .collect();
        scored.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        scored.truncate(self.top_n);
        let row = |(index, score): (usize, f64)| {
            let mut row = json!({"index": index, "relevance_score": score});
            let document = self.documents.get(index).filter(|_| self.return_documents);
            if let (Some((text, written)), Some(row)) = (document, row.as_object_mut()) {
                let shown = if written.is_object() {
                    (*written).clone()
                } else {
                    json!({"text": text})
                };
                row.insert("document".to_owned(), shown);
            }
            row
        };
        scored.into_iter().map(row).collect()
    }
}

/// Returns what is compared of a document: its text, or the name of its image or video.
fn text_of(value: &Value, takes: Takes) -> Option<String> {
    match (value, takes) {
        (Value::String(text), _) => Some(text.clone()),
        (Value::Object(fields), Takes::Media) => ["text", "image", "video"]
            .iter()
            .find_map(|kind| fields.get(*kind)?.as_str().map(str::to_owned)),
        _ => None,
    }
}

fn flag(options: &Value, name: &str) -> Result<bool, String> {
    match options.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("'{name}' must be Boolean")),
    }
}

fn invalid(surface: Surface, message: &str) -> Refusal {
    let code = if surface == Surface::Native {
        "InvalidParameter"
    } else {
        "invalid_parameter_error"
    };
    Refusal::on(surface, StatusCode::BAD_REQUEST, code, message)
}
