//! Images: `OpenAI`'s request, checked against what the model draws, in the form that the model needs.

use catalog::{Catalog, ImageLimits, ImageSize, MediaModel, MediaShape};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{BadRequest, Place, Sending, secured};
use crate::attempt::Upstream;
use crate::directory::Route;
use crate::failover::Ask;
use crate::failure::Failure;

/// Most images of a request to a model that the catalog does not know.
const IMAGES_MAX: u64 = 10;
/// Where such a model is asked.
const PATH: &str = "/images/generations";
/// Sides of a suggested size are multiples of this, in pixels.
const SIDE_STEP: u64 = 16;

/// A wish for images.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ImageRequest {
    /// The model the client asked for.
    #[serde(default)]
    pub model: Option<String>,
    /// What to draw, or how to change the images.
    #[serde(default)]
    pub prompt: String,
    /// How many.
    #[serde(default)]
    pub n: Option<u64>,
    /// Pixels as `WxH` or `W*H`, a name such as `2K`, or `auto`.
    #[serde(default)]
    pub size: Option<String>,
    /// What must not be in it.
    #[serde(default)]
    pub negative_prompt: Option<String>,
    /// Makes the result repeatable.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether the service may put its mark on it.
    #[serde(default)]
    pub watermark: Option<bool>,
    /// Whether the service may make the prompt longer.
    #[serde(default)]
    pub prompt_extend: Option<bool>,
    /// `url` or `b64_json`.
    #[serde(default)]
    pub response_format: Option<String>,
    /// Images to start from: web URLs or data URLs.
    #[serde(default, deserialize_with = "one_or_more")]
    pub image: Vec<String>,
}

/// Reads one text or a list of texts.
fn one_or_more<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        More(Vec<String>),
    }
    Ok(match Written::deserialize(value)? {
        Written::One(one) => vec![one],
        Written::More(more) => more,
    })
}

/// Asks for images.
#[derive(Clone, Copy)]
pub struct ImageAsk<'a> {
    /// What to ask.
    pub request: &'a ImageRequest,
    /// How it is sent.
    pub sending: Sending<'a>,
}

/// Images that were made.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Where each is: a link that expires, or a data URL.
    pub urls: Vec<String>,
    /// What was used, as the service says.
    pub usage: Value,
    /// The upstream's request id.
    pub upstream_request_id: Option<String>,
}

impl ImageRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`BadRequest`]: the client's mistake.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| BadRequest::body(format!("the request is malformed: {error}")))?;
        request.check_form()?;
        Ok(request)
    }

    /// Checks what holds for every model.
    ///
    /// # Errors
    /// [`BadRequest`]: the client's mistake.
    pub fn check_form(&self) -> Result<(), BadRequest> {
        if self.prompt.trim().is_empty() {
            return Err(BadRequest::new("prompt", "you must provide a `prompt`"));
        }
        let format = self.response_format.as_deref();
        if !matches!(format, None | Some("url" | "b64_json")) {
            let message = "`response_format` must be `url` or `b64_json`";
            return Err(BadRequest::new("response_format", message));
        }
        let is_url = |url: &String| {
            ["https://", "http://", "data:image/", "oss://"]
                .iter()
                .any(|start| url.starts_with(start))
        };
        if !self.image.iter().all(is_url) {
            let message = "`image` must be a web URL or a data URL of an image";
            return Err(BadRequest::new("image", message));
        }
        Ok(())
    }

    /// Checks the request against the limits of the model of `route`.
    ///
    /// # Errors
    /// [`BadRequest`] with the nearest that the model can do.
    pub fn check(&self, catalog: &Catalog, route: &Route) -> Result<(), BadRequest> {
        let Some(model) = catalog.media_model(&route.model) else {
            return Ok(());
        };
        let Some(limits) = &model.image else {
            return Ok(());
        };
        let id = &model.id;
        if let Some(most) = model.text_chars_max {
            let count = self.prompt.chars().count();
            if count > most {
                let message = format!("the prompt has {count} characters, {id} takes {most}");
                return Err(BadRequest::new("prompt", message));
            }
        }
        let most = limits.images_max;
        if let Some(n) = self.n.filter(|n| !(1..=most).contains(n)) {
            let message = format!("{id} makes 1 to {most} images at once, not {n}");
            return Err(BadRequest::new("n", message));
        }
        let (least, most) = limits.inputs;
        let count = self.image.len();
        if !(least..=most).contains(&count) {
            let message = match most {
                0 => format!(
                    "{id} draws from text alone; a model whose name holds `edit` changes images"
                ),
                _ => format!("{id} starts from {least} to {most} images, not from {count}"),
            };
            return Err(BadRequest::new("image", message));
        }
        self.size_for(limits, id).map(drop)
    }

    /// Returns the size as the service writes it; none when it is left to the service.
    fn size_for(&self, limits: &ImageLimits, id: &str) -> Result<Option<String>, BadRequest> {
        let written = |(width, height): ImageSize| format!("{width}*{height}");
        let wish = self.size.as_deref().filter(|size| *size != "auto");
        let Some(wish) = wish else {
            return Ok(limits.default_size.map(written));
        };
        let by_name = limits
            .size_names
            .iter()
            .find(|name| name.eq_ignore_ascii_case(wish));
        if let Some(name) = by_name {
            return Ok(Some(name.clone()));
        }
        let Some(size) = pixels(wish) else {
            let message = format!("`{wish}` is no size: write it as 1024x1024");
            return Err(BadRequest::new("size", message));
        };
        let nearest = nearest(limits, size);
        if nearest == size {
            return Ok(Some(written(size)));
        }
        let message = format!(
            "{id} does not draw {}x{}; the nearest it draws is {}x{}",
            size.0, size.1, nearest.0, nearest.1
        );
        Err(BadRequest::new("size", message))
    }

    /// Returns the body for a model.
    ///
    /// # Errors
    /// [`BadRequest`] when the size is not one of the model's.
    pub fn body(&self, model: &MediaModel) -> Result<Value, BadRequest> {
        let mut parameters = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            parameters.extend(value.map(|value| (name.to_owned(), value)));
        };
        let size = match &model.image {
            Some(limits) => self.size_for(limits, &model.id)?,
            None => None,
        };
        put("size", size.map(Value::from));
        // Some models make four when nobody says how many, and bill four.
        put("n", Some(json!(self.n.unwrap_or(1))));
        put("prompt_extend", self.prompt_extend.map(Value::from));
        put("watermark", self.watermark.map(Value::from));
        put("seed", self.seed.map(Value::from));
        let negative = self.negative_prompt.clone().map(Value::from);
        let input = if model.shape == MediaShape::ImagePrompt {
            let mut input = json!({"prompt": self.prompt});
            if let Some(negative) = negative {
                super::put(&mut input, "negative_prompt", negative);
            }
            input
        } else {
            put("negative_prompt", negative);
            let images = self.image.iter().map(|url| json!({"image": url}));
            let content: Vec<Value> = images.chain([json!({"text": self.prompt})]).collect();
            json!({"messages": [{"role": "user", "content": content}]})
        };
        Ok(json!({"model": model.id, "input": input, "parameters": parameters}))
    }

    /// Returns the body in `OpenAI`'s form, for models that the catalog does not know.
    fn open_ai_body(&self, model: &str) -> Value {
        let mut body = json!({"model": model, "prompt": self.prompt});
        let n = self.n.unwrap_or(1).min(IMAGES_MAX);
        super::put(&mut body, "n", n);
        if let Some(size) = &self.size {
            super::put(&mut body, "size", size.as_str());
        }
        body
    }
}

/// Reads `1024x1024` or `1024*1024`.
fn pixels(text: &str) -> Option<ImageSize> {
    let (width, height) = text.split_once(['x', '*', 'X', '\u{d7}'])?;
    let side = |text: &str| text.trim().parse().ok().filter(|side| *side > 0);
    Some((side(width)?, side(height)?))
}

/// Returns the size nearest to `size` that a model draws: of the same shape as far as possible.
fn nearest(limits: &ImageLimits, size: ImageSize) -> ImageSize {
    /// Widths of a shape whose height is this are compared.
    const SCALE: u64 = 10_000;
    let area = |(width, height): ImageSize| width.saturating_mul(height);
    if !limits.sizes.is_empty() {
        let shape = |(width, height): ImageSize| width.saturating_mul(SCALE) / height.max(1);
        let difference = |other: &&ImageSize| {
            (
                shape(size).abs_diff(shape(**other)),
                area(size).abs_diff(area(**other)),
            )
        };
        let nearest = limits.sizes.iter().min_by_key(difference);
        return nearest.copied().unwrap_or(size);
    }
    let Some((least, most)) = limits.pixels else {
        return size;
    };
    let target = area(size).clamp(least, most);
    if target == area(size) {
        return size;
    }
    // The same shape with another area; rounded inwards.
    let width = (target.saturating_mul(size.0) / size.1).isqrt();
    let rounded = |side: u64| {
        let side = side.max(SIDE_STEP);
        if target == least {
            side.next_multiple_of(SIDE_STEP)
        } else {
            side - side % SIDE_STEP
        }
    };
    let width = rounded(width);
    (width, rounded(target / width))
}

/// Reads the links out of a reply of any form.
fn links(reply: &Value) -> Vec<String> {
    let list = |pointer: &str| reply.pointer(pointer).and_then(Value::as_array);
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let mut urls = Vec::new();
    for choice in list("/output/choices").into_iter().flatten() {
        let content = choice.pointer("/message/content").and_then(Value::as_array);
        urls.extend(
            content
                .into_iter()
                .flatten()
                .filter_map(|part| text(part, "image")),
        );
    }
    for row in list("/output/results").into_iter().flatten() {
        urls.extend(text(row, "url"));
    }
    for row in list("/data").into_iter().flatten() {
        let inline = text(row, "b64_json").map(|data| format!("data:image/png;base64,{data}"));
        urls.extend(text(row, "url").or(inline));
    }
    urls.into_iter().map(secured).collect()
}

impl Ask for ImageAsk<'_> {
    type Reply = Drawn;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<Drawn, Failure> {
        let known = upstream.catalog().media_model(&route.model);
        let body = match known {
            Some(model) => self
                .request
                .body(model)
                .map_err(|error| upstream.refused_here(route, &error))?,
            None => self.request.open_ai_body(&route.model),
        };
        let place = known.map_or(Place::Unknown(PATH), Place::Known);
        let request = upstream.post_to(route, &place, body.to_string());
        let request = request.map_err(|fault| *fault)?;
        let reply = if known.is_some_and(|model| model.is_job) {
            upstream.finish_job(route, request, self.sending).await?
        } else {
            upstream.json(route, &request, self.sending.call()).await?
        };
        let value = reply.value();
        let urls = links(&value);
        if urls.is_empty() {
            return Err(upstream.garbage(route));
        }
        Ok(Drawn {
            urls,
            usage: value.get("usage").cloned().unwrap_or_default(),
            upstream_request_id: reply.upstream_request_id().map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str) -> MediaModel {
        let catalog = Catalog::builtin().unwrap();
        catalog.media_model(id).unwrap().clone()
    }

    fn wish(extra: &Value) -> ImageRequest {
        let mut body = json!({"prompt": "a cat"});
        for (name, value) in extra.as_object().unwrap() {
            super::super::put(&mut body, name, value.clone());
        }
        ImageRequest::parse(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn each_model_is_asked_as_its_own_client_asks() {
        // What the official client sends for the same wishes.
        let asked = wish(
            &json!({"size": "1328x1328", "watermark": false, "prompt_extend": true, "negative_prompt": ""}),
        );
        assert_eq!(
            asked.body(&model("qwen-image-2.0")).unwrap(),
            json!({"model": "qwen-image-2.0", "input": {"messages": [{"role": "user", "content": [{"text": "a cat"}]}]}, "parameters": {"size": "1328*1328", "n": 1, "prompt_extend": true, "watermark": false, "negative_prompt": ""}})
        );
        let asked =
            wish(&json!({"size": "1024*1024", "n": 1, "prompt_extend": true, "watermark": false}));
        assert_eq!(
            asked.body(&model("wan2.5-t2i-preview")).unwrap(),
            json!({"model": "wan2.5-t2i-preview", "input": {"prompt": "a cat"}, "parameters": {"size": "1024*1024", "n": 1, "prompt_extend": true, "watermark": false}})
        );
        let asked = wish(&json!({"image": "https://example.com/a.png", "seed": 7}));
        assert_eq!(
            asked.body(&model("qwen-image-edit")).unwrap(),
            json!({"model": "qwen-image-edit", "input": {"messages": [{"role": "user", "content": [{"image": "https://example.com/a.png"}, {"text": "a cat"}]}]}, "parameters": {"n": 1, "seed": 7}})
        );
    }

    #[test]
    fn a_size_that_is_not_drawn_is_answered_with_the_nearest() {
        for (id, size, nearest) in [
            ("qwen-image-max", "1024x1024", "1328x1328"),
            ("qwen-image-max", "1920x1080", "1664x928"),
            ("qwen-image-2.0", "4096x4096", "2048x2048"),
            ("qwen-image-2.0", "256x256", "512x512"),
            ("wan2.6-t2i", "1024x1024", "1280x1280"),
        ] {
            let error = wish(&json!({"size": size})).body(&model(id)).unwrap_err();
            assert!(error.message.ends_with(nearest), "{id} {size}: {error}");
            assert_eq!(error.param, Some("size"));
            assert!(wish(&json!({"size": nearest})).body(&model(id)).is_ok());
        }
        let auto = wish(&json!({"size": "auto"})).body(&model("qwen-image-max"));
        assert_eq!(auto.unwrap()["parameters"]["size"], "1664*928");
        let named = wish(&json!({"size": "2k"})).body(&model("wan2.7-image"));
        assert_eq!(named.unwrap()["parameters"]["size"], "2K");
    }

    #[test]
    fn links_are_found_in_every_form() {
        for reply in [
            json!({"output": {"choices": [{"message": {"content": [{"text": "x"}, {"image": "http://a.oss-cn-beijing.aliyuncs.com/b"}]}}]}}),
            json!({"output": {"results": [{"url": "http://a.oss-cn-beijing.aliyuncs.com/b"}, {"code": "x", "message": "y"}]}}),
            json!({"data": [{"url": "https://a.oss-cn-beijing.aliyuncs.com/b"}]}),
        ] {
            assert_eq!(links(&reply), ["https://a.oss-cn-beijing.aliyuncs.com/b"]);
        }
        assert_eq!(
            links(&json!({"data": [{"b64_json": "AA=="}]})),
            ["data:image/png;base64,AA=="]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (body, param) in [
            (json!({}), Some("prompt")),
            (json!({"prompt": " "}), Some("prompt")),
            (
                json!({"prompt": "a", "response_format": "png"}),
                Some("response_format"),
            ),
            (
                json!({"prompt": "a", "image": "/etc/passwd"}),
                Some("image"),
            ),
            (
                json!({"prompt": "a", "image": ["file:///etc/passwd"]}),
                Some("image"),
            ),
            (json!({"prompt": "a", "n": "two"}), None),
        ] {
            let error = ImageRequest::parse(body.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.param, param, "{body}");
        }
    }
}
