//! Images: `multimodal-generation` at once, `image-generation` and `text2image` as tasks.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::media_request::{self as shared, invalid};
use crate::aigc::{Product, Task};
use crate::chat::media;
use crate::media::{ImageModel, ImagePath, png};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

const SEED_MAX: u64 = 2_147_483_647;

/// A request that was accepted.
struct Wish {
    prompt: String,
    size: (u64, u64),
    n: u64,
    seed: u64,
}

/// Answers at once; the model was found already.
pub(super) fn at_once(
    studio: &Studio,
    exchange: &Exchange,
    model: &ImageModel,
    body: &Value,
) -> Result<Reply, Refusal> {
    if !model.paths.contains(&ImagePath::Messages) {
        return Err(shared::no_such_model(true));
    }
    shared::check_async(exchange, false)?;
    let wish = Wish::of_messages(model, body).map_err(|said| invalid(&said))?;
    let content: Vec<Value> = wish
        .draw(studio, exchange)
        .into_iter()
        .map(|url| json!({"image": url}))
        .collect();
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "output": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": content}}]},
            "usage": {"image_count": wish.n, "width": wish.size.0, "height": wish.size.1},
            "request_id": exchange.request_id,
        }),
    ))
}

/// Takes a task of `image-generation` or `text2image`.
pub(crate) fn task(
    studio: &Studio,
    exchange: &Exchange,
    path: ImagePath,
) -> Result<Reply, Refusal> {
    shared::check_async(exchange, true)?;
    let (body, id) = shared::body(exchange)?;
    let known = studio.media_models.image(id);
    let model = known.filter(|model| model.paths.contains(&path));
    let model = model.ok_or_else(|| shared::no_such_model(known.is_some()))?;
    let wish = match path {
        ImagePath::Prompt => Wish::of_prompt(model, body),
        ImagePath::Messages | ImagePath::MessageJobs => Wish::of_messages(model, body),
    };
    let wish = wish.map_err(|said| invalid(&said))?;
    let urls = wish.draw(studio, exchange);
    let metrics = json!({"TOTAL": wish.n, "SUCCEEDED": wish.n, "FAILED": 0});
    let output = if path == ImagePath::Prompt {
        let row = |url: String| json!({"orig_prompt": wish.prompt, "url": url});
        json!({"results": urls.into_iter().map(row).collect::<Vec<_>>(), "task_metrics": metrics})
    } else {
        let row = |url: String| json!({"type": "image", "image": url});
        let content: Vec<Value> = urls.into_iter().map(row).collect();
        json!({
            "finished": true,
            "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        })
    };
    let usage = json!({"image_count": wish.n});
    Ok(submit(studio, exchange, (id, &wish.prompt), output, usage))
}

/// Submits a task whose outcome is known, and answers with its id.
pub(super) fn submit(
    studio: &Studio,
    exchange: &Exchange,
    (model, prompt): (&str, &str),
    output: Value,
    usage: Value,
) -> Reply {
    let id = studio.ids.uuid();
    let region = exchange.host.region;
    let mut task = Task::new(id.clone(), exchange.request_id.clone(), model, region);
    prompt.clone_into(&mut task.prompt);
    task.product = Product {
        usage,
        output: Some(output),
        ..task.product
    };
    studio.aigc.submit(task);
    Reply::json(
        StatusCode::OK,
        &json!({
            "request_id": exchange.request_id,
            "output": {"task_id": id, "task_status": "PENDING"},
        }),
    )
}

impl Wish {
    fn of_messages(model: &ImageModel, body: &Value) -> Result<Self, String> {
        let messages = body.pointer("/input/messages").and_then(Value::as_array);
        let [message] = messages.map_or(&[][..], Vec::as_slice) else {
            return Err("input.messages must hold exactly one message".to_owned());
        };
        if message.get("role").and_then(Value::as_str) != Some("user") {
            return Err("input.messages[0].role must be user".to_owned());
        }
        let content = message.get("content").and_then(Value::as_array);
        let (mut texts, mut images) = (Vec::new(), 0);
        for part in content.ok_or("Field required: input.messages.content")? {
            match (part.get("text"), part.get("image")) {
                (Some(Value::String(text)), None) => texts.push(text.as_str()),
                (None, Some(Value::String(url))) => {
                    media::look(url).map_err(|refused| refused.message().to_owned())?;
                    images += 1;
                }
                _ => return Err("a part of content holds one text or one image".to_owned()),
            }
        }
        let [prompt] = texts.as_slice() else {
            return Err("content must hold exactly one text".to_owned());
        };
        let (least, most) = model.inputs;
        if !(least..=most).contains(&images) {
            return Err(format!("num of images should be in [{least}, {most}]"));
        }
        Self::read(model, prompt, body)
    }

    fn of_prompt(model: &ImageModel, body: &Value) -> Result<Self, String> {
        let prompt = body.pointer("/input/prompt").and_then(Value::as_str);
        Self::read(model, prompt.ok_or("Field required: input.prompt")?, body)
    }

    fn read(model: &ImageModel, prompt: &str, body: &Value) -> Result<Self, String> {
        if prompt.trim().is_empty() {
            return Err("prompt is empty".to_owned());
        }
        let nothing = Map::new();
        let parameters = match body.get("parameters") {
            None | Some(Value::Null) => &nothing,
            Some(Value::Object(parameters)) => parameters,
            Some(_) => return Err("parameters must be an object".to_owned()),
        };
        for name in ["prompt_extend", "watermark"] {
            if parameters
                .get(name)
                .is_some_and(|value| !value.is_boolean())
            {
                return Err(format!("parameters.{name} must be Boolean"));
            }
        }
        let n = match parameters.get("n").filter(|n| !n.is_null()) {
            None => model.default_n,
            Some(n) => match n.as_u64().filter(|n| (1..=model.n_max).contains(n)) {
                Some(n) => n,
                None if model.n_max == 1 => {
                    return Err("num_images_per_prompt must be 1".to_owned());
                }
                None => return Err(format!("parameters.n should be in [1, {}]", model.n_max)),
            },
        };
        let seed = match parameters.get("seed").filter(|seed| !seed.is_null()) {
            None => shared::seed(prompt),
            Some(seed) => seed
                .as_u64()
                .filter(|seed| *seed <= SEED_MAX)
                .ok_or_else(|| format!("parameters.seed should be in [0, {SEED_MAX}]"))?,
        };
        Ok(Self {
            prompt: prompt.to_owned(),
            size: size(model, parameters.get("size"))?,
            n,
            seed,
        })
    }

    /// Makes the files and returns links to them.
    fn draw(&self, studio: &Studio, exchange: &Exchange) -> Vec<String> {
        let file = |number: u64| {
            let seed = shared::seed(&format!("{} {} {number}", self.prompt, self.seed));
            let bytes = png::picture(self.size.0, self.size.1, seed);
            let name = format!("{}-{number}.png", exchange.request_id);
            shared::keep(studio, exchange, &name, "image/png", bytes)
        };
        (0..self.n).map(file).collect()
    }
}

fn size(model: &ImageModel, written: Option<&Value>) -> Result<(u64, u64), String> {
    let Some(written) = written.filter(|size| !size.is_null()) else {
        return Ok(model.default_size);
    };
    let wrong = || format!("parameters.size {written} is invalid");
    let text = written.as_str().ok_or_else(wrong)?;
    if model.names.iter().any(|name| name == text) {
        return Ok(model.default_size);
    }
    let (width, height) = text.split_once('*').ok_or_else(wrong)?;
    let side = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let size = (side(width)?, side(height)?);
    let listed = model.sizes.is_empty() || model.sizes.contains(&size);
    let pixels = size.0.saturating_mul(size.1);
    let fits = model
        .pixels
        .is_none_or(|(least, most)| (least..=most).contains(&pixels));
    if listed && fits {
        Ok(size)
    } else {
        Err(wrong())
    }
}
