//! Embeddings: `OpenAI`'s request, split where it is larger than the host takes, and joined again.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use catalog::{Catalog, MediaShape};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{BadRequest, Place, Sending, put};
use crate::attempt::Upstream;
use crate::directory::Route;
use crate::failover::Ask;
use crate::failure::Failure;
use crate::json_call::JsonReply;
use crate::json_span::{Change, Object, Outline, decode_string, splice};

/// Largest request body, in bytes.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most items of a client's request, as `OpenAI` has it.
pub const ITEMS_MAX: usize = 2048;
/// Where a model is asked that the catalog does not know.
const PATH: &str = "/embeddings";

/// A request for embeddings, as the client wrote it.
#[derive(Debug, Clone)]
pub struct EmbeddingRequest {
    body: Bytes,
    outline: Outline,
    model: Option<String>,
    items: Items,
    dimensions: Option<u64>,
    is_base64: bool,
}

/// What is to be embedded.
#[derive(Debug, Clone)]
enum Items {
    /// One text, or one list of tokens.
    One,
    /// Several, each as raw JSON.
    Several(Vec<String>),
}

/// Asks for embeddings.
#[derive(Clone, Copy)]
pub struct EmbeddingAsk<'a> {
    /// What to ask.
    pub request: &'a EmbeddingRequest,
    /// How it is sent.
    pub sending: Sending<'a>,
}

impl EmbeddingRequest {
    /// Reads the top level of `body`.
    ///
    /// # Errors
    /// [`BadRequest`]: the client's mistake.
    pub fn parse(body: Bytes) -> Result<Self, BadRequest> {
        let text = std::str::from_utf8(&body)
            .map_err(|_| BadRequest::body("the body is not valid UTF-8"))?;
        let outline = Outline::scan(text).map_err(|error| BadRequest::body(error.to_string()))?;
        let model = match outline.raw(text, "model") {
            Some(raw) => {
                let name = decode_string(raw).filter(|_| raw.starts_with('"'));
                let name = name.ok_or_else(|| BadRequest::new("model", "`model` must be a string"));
                Some(name?.into_owned())
            }
            None => None,
        };
        let Some(raw) = outline.raw(text, "input") else {
            return Err(BadRequest::new("input", "you must provide an `input`"));
        };
        let items = items(raw)?;
        let dimensions = match outline.raw(text, "dimensions") {
            None | Some("null") => None,
            Some(raw) => {
                let number = raw.parse().ok().filter(|number| *number > 0);
                let wrong =
                    || BadRequest::new("dimensions", "`dimensions` must be a number above 0");
                Some(number.ok_or_else(wrong)?)
            }
        };
        let is_base64 = match outline.raw(text, "encoding_format") {
            None | Some("null" | "\"float\"") => false,
            Some("\"base64\"") => true,
            Some(_) => {
                let message = "`encoding_format` must be `float` or `base64`";
                return Err(BadRequest::new("encoding_format", message));
            }
        };
        Ok(Self {
            body,
            outline,
            model,
            items,
            dimensions,
            is_base64,
        })
    }

    /// Returns the model the client asked for.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Checks the request against the limits of the model of `route`.
    ///
    /// # Errors
    /// [`BadRequest`] with what the model takes.
    pub fn check(&self, catalog: &Catalog, route: &Route) -> Result<(), BadRequest> {
        let Some(known) = catalog.media_model(&route.model) else {
            return Ok(());
        };
        let Some(wanted) = self
            .dimensions
            .filter(|wanted| !known.dimensions.contains(wanted))
        else {
            return Ok(());
        };
        let mut lengths = known.dimensions.clone();
        lengths.sort_unstable();
        let nearest = lengths.iter().min_by_key(|length| length.abs_diff(wanted));
        let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
        let message = format!(
            "{} has no vectors of {wanted} dimensions, only of {} (the nearest is {})",
            route.model,
            lengths.join(", "),
            nearest.copied().unwrap_or_default(),
        );
        Err(BadRequest::new("dimensions", message))
    }

    /// Returns the body for `model`, with `input` replaced when it is given.
    fn patched(&self, model: &str, input: Option<String>) -> Bytes {
        let mut changes = Vec::with_capacity(2);
        if self.model() != Some(model) {
            let name = Value::from(model).to_string();
            changes.push((Cow::Borrowed("model"), Change::Set(name)));
        }
        changes.extend(input.map(|input| (Cow::Borrowed("input"), Change::Set(input))));
        if changes.is_empty() {
            return self.body.clone();
        }
        // It was checked when the request was parsed.
        let text = std::str::from_utf8(&self.body).unwrap_or_default();
        Bytes::from(self.outline.edited(text, &changes))
    }

    /// Returns the bodies to send to a model that takes `items_max` items at once.
    fn batches(&self, model: &str, items_max: usize) -> Vec<Bytes> {
        match &self.items {
            Items::Several(items) if items.len() > items_max => items
                .chunks(items_max)
                .map(|batch| self.patched(model, Some(format!("[{}]", batch.join(",")))))
                .collect(),
            Items::One | Items::Several(_) => vec![self.patched(model, None)],
        }
    }

    /// Returns the bodies of the form that takes texts and media.
    fn content_batches(&self, model: &str, items_max: usize) -> Vec<Bytes> {
        let one = || {
            let text = std::str::from_utf8(&self.body).ok()?;
            Some(vec![self.outline.raw(text, "input")?.to_owned()])
        };
        let items = match &self.items {
            Items::Several(items) => items.clone(),
            Items::One => one().unwrap_or_default(),
        };
        let content = |item: &String| match serde_json::from_str(item).unwrap_or_default() {
            Value::String(text) => json!({"text": text}),
            other => other,
        };
        let body = |batch: &[String]| {
            let contents: Vec<Value> = batch.iter().map(content).collect();
            let mut body = json!({"model": model, "input": {"contents": contents}});
            if let Some(dimension) = self.dimensions {
                put(&mut body, "parameters", json!({"dimension": dimension}));
            }
            Bytes::from(body.to_string())
        };
        items.chunks(items_max.max(1)).map(body).collect()
    }

    /// Turns a reply of that form into `OpenAI`'s.
    fn of_contents(&self, reply: &JsonReply, model: &str) -> Value {
        let value = reply.value();
        let rows = value
            .pointer("/output/embeddings")
            .and_then(Value::as_array);
        let data = rows.into_iter().flatten().enumerate().map(|(index, row)| {
            let vector = row.get("embedding").cloned().unwrap_or_default();
            let embedding = if self.is_base64 {
                base64_of(&vector)
            } else {
                vector
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        });
        let usage = value.get("usage");
        let count = |name: &str| {
            usage
                .and_then(|usage| usage.get(name)?.as_u64())
                .unwrap_or(0)
        };
        let tokens = count("input_tokens") + count("image_tokens") + count("video_tokens");
        json!({
            "object": "list",
            "data": data.collect::<Vec<_>>(),
            "model": model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "id": value.get("request_id"),
        })
    }
}

fn items(raw: &str) -> Result<Items, BadRequest> {
    let wrong = || BadRequest::new("input", "`input` must be a text or a list of texts");
    if raw.starts_with('"') {
        return Ok(Items::One);
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| wrong())?;
    match items.first().map(|item| item.get().as_bytes()) {
        None => Err(BadRequest::new("input", "`input` is an empty list")),
        // A list of numbers is one list of tokens.
        Some([b'0'..=b'9', ..]) => Ok(Items::One),
        Some([b'"' | b'[' | b'{', ..]) if items.len() <= ITEMS_MAX => {
            let owned = |item: &&RawValue| item.get().to_owned();
            Ok(Items::Several(items.iter().map(owned).collect()))
        }
        Some([b'"' | b'[' | b'{', ..]) => {
            let message = format!(
                "`input` has {} items, the most are {ITEMS_MAX}",
                items.len()
            );
            Err(BadRequest::new("input", message))
        }
        Some(_) => Err(wrong()),
    }
}

impl Ask for EmbeddingAsk<'_> {
    type Reply = JsonReply;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<JsonReply, Failure> {
        let known = upstream.catalog().media_model(&route.model);
        let most = known.and_then(|model| model.items_max).unwrap_or(ITEMS_MAX);
        let is_contents = known.is_some_and(|model| model.shape == MediaShape::EmbeddingContents);
        let bodies = if is_contents {
            self.request.content_batches(&route.model, most)
        } else {
            self.request.batches(&route.model, most)
        };
        let is_split = bodies.len() > 1;
        let place = known.map_or(Place::Unknown(PATH), Place::Known);
        let mut joined = Joined::default();
        let mut last = None;
        for body in bodies {
            let request = upstream.post_to(route, &place, body);
            let request = request.map_err(|fault| *fault)?;
            let mut reply = upstream.json(route, &request, self.sending.call()).await?;
            if is_contents {
                let value = self.request.of_contents(&reply, &route.model);
                reply = reply.with_body(&value);
            }
            if is_split {
                joined
                    .add(&reply.body)
                    .ok_or_else(|| upstream.garbage(route))?;
            }
            last = Some(reply);
        }
        let mut reply = last.ok_or_else(|| upstream.garbage(route))?;
        if is_split {
            reply.body = joined.whole().ok_or_else(|| upstream.garbage(route))?;
        }
        Ok(reply)
    }
}

/// Several replies made one. Numbers stay as the service wrote them.
#[derive(Debug, Default)]
struct Joined {
    first: Option<Bytes>,
    rows: Vec<String>,
    prompt_tokens: u64,
    total_tokens: u64,
}

impl Joined {
    /// Adds a reply; none when it is not what it should be.
    fn add(&mut self, reply: &Bytes) -> Option<()> {
        let text = std::str::from_utf8(reply).ok()?;
        let object = Object::scan(text).ok()?;
        let rows: Vec<&RawValue> = serde_json::from_str(object.raw("data")?).ok()?;
        for row in rows {
            let row = row.get();
            let span = Object::scan(row).ok()?.span("index")?;
            let (head, tail) = (row.get(..span.start)?, row.get(span.end..)?);
            self.rows.push(format!("{head}{}{tail}", self.rows.len()));
        }
        let usage: Value = serde_json::from_str(object.raw("usage").unwrap_or("{}")).ok()?;
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        self.prompt_tokens += count("prompt_tokens");
        self.total_tokens += count("total_tokens");
        self.first.get_or_insert_with(|| reply.clone());
        Some(())
    }

    fn whole(self) -> Option<Bytes> {
        let first = self.first?;
        let (data, usage) = {
            let object = Object::scan(std::str::from_utf8(&first).ok()?).ok()?;
            (object.span("data")?, object.span("usage"))
        };
        let mut splices = vec![(data, format!("[{}]", self.rows.join(",")))];
        let counts = format!(
            r#"{{"prompt_tokens":{},"total_tokens":{}}}"#,
            self.prompt_tokens, self.total_tokens
        );
        splices.extend(usage.map(|usage| (usage, counts)));
        Some(Bytes::from(splice(&first, splices)))
    }
}

/// Writes a list of numbers as base64 of little-endian floats.
fn base64_of(vector: &Value) -> Value {
    let numbers = vector.as_array().into_iter().flatten();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "vectors are made of 32-bit floats; JSON writes them longer"
    )]
    let bytes: Vec<u8> = numbers
        .filter_map(Value::as_f64)
        .flat_map(|number| (number as f32).to_le_bytes())
        .collect();
    Value::from(BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<EmbeddingRequest, BadRequest> {
        EmbeddingRequest::parse(Bytes::from(body.to_owned()))
    }

    #[test]
    fn a_request_within_the_limit_keeps_its_bytes() {
        let request = parse(r#"{"input": ["a",  "b"], "model":"qwen/x", "user":"u"}"#).unwrap();
        let bodies = request.batches("x", 10);
        assert_eq!(
            bodies,
            [r#"{"input": ["a",  "b"], "model":"x", "user":"u"}"#]
        );
        let request = parse(r#"{"input":"a"}"#).unwrap();
        assert_eq!(request.batches("x", 10), [r#"{"input":"a","model":"x"}"#]);
    }

    #[test]
    fn a_larger_request_is_split_and_joined_in_order() {
        let request = parse(r#"{"model":"x","input":["a","b","c"],"dimensions":64}"#).unwrap();
        let bodies = request.batches("x", 2);
        assert_eq!(
            bodies,
            [
                r#"{"model":"x","input":["a","b"],"dimensions":64}"#,
                r#"{"model":"x","input":["c"],"dimensions":64}"#
            ]
        );
        let mut joined = Joined::default();
        for reply in [
            r#"{"object":"list","data":[{"index":0,"embedding":[0.10]},{"embedding":[2e-1],"index":1}],"usage":{"prompt_tokens":2,"total_tokens":2},"id":"1"}"#,
            r#"{"object":"list","data":[{"index":0,"embedding":[3]}],"usage":{"prompt_tokens":1,"total_tokens":1},"id":"2"}"#,
        ] {
            joined.add(&Bytes::from_static(reply.as_bytes())).unwrap();
        }
        assert_eq!(
            joined.whole().unwrap(),
            r#"{"object":"list","data":[{"index":0,"embedding":[0.10]},{"embedding":[2e-1],"index":1},{"index":2,"embedding":[3]}],"usage":{"prompt_tokens":3,"total_tokens":3},"id":"1"}"#
        );
    }

    #[test]
    fn texts_and_media_go_out_as_contents() {
        let request =
            parse(r#"{"model":"x","input":["a",{"image":"https://b"}],"dimensions":256}"#);
        let bodies = request.unwrap().content_batches("m", 20);
        assert_eq!(
            bodies,
            [
                r#"{"model":"m","input":{"contents":[{"text":"a"},{"image":"https://b"}]},"parameters":{"dimension":256}}"#
            ]
        );
        assert_eq!(base64_of(&json!([1.0, -2.0])), json!("AACAPwAAAMA="));
    }

    #[test]
    fn mistakes_are_named() {
        for (body, param) in [
            (r#"{"model":"x"}"#, Some("input")),
            (r#"{"model":"x","input":[]}"#, Some("input")),
            (r#"{"model":"x","input":7}"#, Some("input")),
            (r#"{"model":"x","input":[true]}"#, Some("input")),
            (r#"{"model":7,"input":"a"}"#, Some("model")),
            (r#"{"input":"a","dimensions":"many"}"#, Some("dimensions")),
            (r#"{"input":"a","dimensions":0}"#, Some("dimensions")),
            (
                r#"{"input":"a","encoding_format":"hex"}"#,
                Some("encoding_format"),
            ),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(parse(body).unwrap_err().param, param, "{body}");
        }
        assert!(parse(r#"{"input":[1,2,3]}"#).is_ok());
        assert!(parse(r#"{"input":[[1,2],[3]]}"#).is_ok());
    }
}
