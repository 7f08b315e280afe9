//! Turns what somebody wishes to see into the request that the model takes, or says which limit stands in the way and
//! what would be nearest. Pure: the limits are the catalog's, nothing is sent.
//!
//! What only has another spelling is put into the model's own (`1280x720`, a resolution and a ratio instead of a size) and
//! reported. What the model cannot do is refused before anything is paid for.

use catalog::{PictureForm, ReferenceShape, VideoModel, VideoSize, VideoSound};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

mod picture;
mod references;

/// Largest seed.
const SEED_MAX: u64 = 2_147_483_647;

/// What somebody wishes to see. What is left out is the service's choice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VideoWish {
    /// What happens in it.
    pub prompt: String,
    /// What must not be in it.
    pub negative_prompt: Option<String>,
    /// What it is made from, in order.
    pub references: Vec<Reference>,
    /// URL of the sound to use.
    pub audio_url: Option<String>,
    /// Width and height in pixels, such as `1280*720` or `1280x720`.
    pub size: Option<String>,
    /// Such as `16:9`.
    pub aspect_ratio: Option<String>,
    /// Such as `720P`.
    pub resolution: Option<String>,
    /// Length in seconds.
    pub duration_s: Option<f64>,
    /// Whether it has sound.
    pub audio: Option<bool>,
    /// Whether it carries the service's mark.
    pub watermark: Option<bool>,
    /// Makes the same request give the same video.
    pub seed: Option<u64>,
    /// Whether the service may embellish the prompt.
    pub prompt_extend: Option<bool>,
    /// `single` or `multi`.
    pub shot_type: Option<String>,
}

/// One thing to work from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What it is.
    pub kind: ReferenceKind,
    /// Where it is: `https`, `http`, or `oss` after an upload.
    pub url: String,
}

/// What a reference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReferenceKind {
    /// An image.
    Image,
    /// A video.
    Video,
}

/// A request that keeps to the model's limits.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoRequest {
    /// The body to send.
    pub body: Value,
    /// What was put into the model's own terms.
    pub notes: Vec<Normalised>,
    /// How long the video will be, in seconds.
    pub duration_s: u32,
    /// Its size in pixels, when that is known beforehand.
    pub pixels: Option<String>,
}

/// A wish that was put into other terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Normalised {
    /// Which part of the wish.
    pub field: String,
    /// What was wished for.
    pub wished: String,
    /// What is sent instead; none when it is left out.
    pub sent: Option<String>,
    /// Why, when that does not show.
    pub reason: Option<String>,
}

/// A wish that the model cannot fulfil.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{model}` cannot do {field} {wished}: {allowed}")]
pub struct VideoLimit {
    /// The model.
    pub model: String,
    /// Which part of the wish.
    pub field: &'static str,
    /// What was wished for.
    pub wished: String,
    /// What there is instead.
    pub allowed: String,
    /// The nearest that can be done.
    pub nearest: Option<String>,
}

impl VideoLimit {
    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        let nearest = self.nearest.as_ref()?;
        Some(format!("the nearest is `{nearest}`"))
    }
}

impl Normalised {
    /// Returns one line for people.
    pub fn line(&self) -> String {
        let sent = match &self.sent {
            Some(sent) => format!("sent as {sent}"),
            None => "left out".to_owned(),
        };
        let why = self.reason.as_ref();
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        format!("{} {}: {sent}{why}", self.field, self.wished)
    }
}

/// Builds the request.
struct Builder<'a> {
    model: &'a VideoModel,
    wish: &'a VideoWish,
    input: Map<String, Value>,
    parameters: Map<String, Value>,
    notes: Vec<Normalised>,
}

/// Turns `wish` into the request that `model` takes.
///
/// # Errors
/// [`VideoLimit`] for the first wish that the model cannot fulfil.
///
/// ```
/// let catalog = catalog::Catalog::builtin()?;
/// let model = catalog.video_model("wan2.6-t2v").unwrap();
/// let wish = providers::video_request::VideoWish {
///     prompt: "a cat".into(),
///     size: Some("1280x720".into()),
///     ..Default::default()
/// };
/// let request = providers::video_request::build(model, &wish).unwrap();
/// assert_eq!(request.body["parameters"]["size"], "1280*720");
/// # Ok::<(), catalog::Error>(())
/// ```
pub fn build(model: &VideoModel, wish: &VideoWish) -> Result<VideoRequest, VideoLimit> {
    let mut builder = Builder {
        model,
        wish,
        input: Map::new(),
        parameters: Map::new(),
        notes: Vec::new(),
    };
    builder.texts()?;
    builder.references()?;
    let pixels = builder.picture()?;
    let duration_s = builder.duration()?;
    builder.sound()?;
    builder.switches()?;
    let body = json!({"model": model.id, "input": builder.input, "parameters": builder.parameters});
    Ok(VideoRequest {
        body,
        notes: builder.notes,
        duration_s,
        pixels,
    })
}

impl Builder<'_> {
    fn texts(&mut self) -> Result<(), VideoLimit> {
        let wish = self.wish;
        if wish.prompt.trim().is_empty() && !self.model.prompt_optional {
            return Err(self.limit("prompt", "that is empty", "say what happens in the video"));
        }
        if !wish.prompt.is_empty() {
            self.text("prompt", &wish.prompt, self.model.prompt_chars_max)?;
        }
        match &wish.negative_prompt {
            Some(text) => self.text("negative_prompt", text, self.model.negative_chars_max),
            None => Ok(()),
        }
    }

    fn text(&mut self, field: &'static str, text: &str, max: usize) -> Result<(), VideoLimit> {
        let n_chars = text.chars().count();
        if n_chars > max {
            let wished = format!("of {n_chars} characters");
            return Err(self.limit(field, wished, format!("at most {max} characters")));
        }
        self.input.insert(field.to_owned(), json!(text));
        Ok(())
    }

    fn duration(&mut self) -> Result<u32, VideoLimit> {
        let rule = &self.model.duration;
        let Some(wished) = self.wish.duration_s else {
            return Ok(rule.default);
        };
        let has_video = self.wish.references.iter();
        let has_video = has_video
            .clone()
            .any(|one| one.kind == ReferenceKind::Video);
        let longest = rule
            .with_video_max
            .filter(|_| has_video)
            .unwrap_or(rule.max);
        let rounded = wished.round();
        let nearest = (rule.min..=longest)
            .filter(|value| rule.only.is_empty() || rule.only.contains(value))
            .min_by(|one, other| distance(*one, wished).total_cmp(&distance(*other, wished)))
            .unwrap_or(rule.default);
        if !wished.is_finite() || distance(nearest, rounded) > 0.0 {
            let allowed = if rule.only.is_empty() {
                format!("{} to {longest} seconds", rule.min)
            } else {
                let only: Vec<String> = rule.only.iter().map(u32::to_string).collect();
                format!("{} seconds", only.join(" or "))
            };
            let limit = self.limit("duration", wished.to_string(), allowed);
            return Err(VideoLimit {
                nearest: Some(nearest.to_string()),
                ..limit
            });
        }
        if distance(nearest, wished) > 0.0 {
            self.note(
                "duration",
                wished.to_string(),
                Some(nearest.to_string()),
                "whole seconds only",
            );
        }
        self.parameters
            .insert("duration".to_owned(), json!(nearest));
        Ok(nearest)
    }

    fn sound(&mut self) -> Result<(), VideoLimit> {
        if let Some(url) = &self.wish.audio_url {
            if !self.model.audio_url {
                return Err(self.limit("audio-url", url.clone(), "it makes its own sound"));
            }
            check_url(url).map_err(|allowed| self.limit("audio-url", url.clone(), allowed))?;
            if self.model.references.shape != ReferenceShape::Frames {
                self.input.insert("audio_url".to_owned(), json!(url));
            }
        }
        match (self.wish.audio, self.model.sound) {
            (Some(audio), VideoSound::Choice) => {
                self.parameters.insert("audio".to_owned(), json!(audio));
            }
            (Some(true), VideoSound::Always) => {
                self.note("audio", "true", None, "its videos always have sound");
            }
            (Some(false), VideoSound::Always) => {
                return Err(self.limit("audio", "false", "its videos always have sound"));
            }
            (None, _) => {}
        }
        Ok(())
    }

    fn switches(&mut self) -> Result<(), VideoLimit> {
        let wish = self.wish;
        if let Some(extend) = wish.prompt_extend {
            if self.model.prompt_extend {
                self.parameters
                    .insert("prompt_extend".to_owned(), json!(extend));
            } else {
                self.note(
                    "prompt_extend",
                    extend.to_string(),
                    None,
                    "the model has no such switch",
                );
            }
        }
        if let Some(watermark) = wish.watermark {
            self.parameters
                .insert("watermark".to_owned(), json!(watermark));
        }
        match wish.shot_type.as_deref() {
            None => {}
            Some(shot @ ("single" | "multi")) if self.model.shot_type => {
                self.parameters.insert("shot_type".to_owned(), json!(shot));
            }
            Some(shot @ ("single" | "multi")) => {
                return Err(self.limit("shot-type", shot, "the model chooses its shots by itself"));
            }
            Some(other) => return Err(self.limit("shot-type", other, "`single` or `multi`")),
        }
        if let Some(seed) = wish.seed {
            if seed > SEED_MAX {
                let limit = self.limit("seed", seed.to_string(), format!("0 to {SEED_MAX}"));
                return Err(VideoLimit {
                    nearest: Some(SEED_MAX.to_string()),
                    ..limit
                });
            }
            self.parameters.insert("seed".to_owned(), json!(seed));
        }
        Ok(())
    }

    fn limit(
        &self,
        field: &'static str,
        wished: impl Into<String>,
        allowed: impl Into<String>,
    ) -> VideoLimit {
        VideoLimit {
            model: self.model.id.clone(),
            field,
            wished: wished.into(),
            allowed: allowed.into(),
            nearest: None,
        }
    }

    fn note(&mut self, field: &str, wished: impl Into<String>, sent: Option<String>, reason: &str) {
        self.notes.push(Normalised {
            field: field.to_owned(),
            wished: wished.into(),
            sent,
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
        });
    }
}

fn distance(value: u32, wished: f64) -> f64 {
    (f64::from(value) - wished).abs()
}

/// Checks that the service can fetch a URL by itself.
fn check_url(url: &str) -> Result<(), &'static str> {
    let known = ["https://", "http://", "oss://"];
    if known.iter().any(|scheme| url.starts_with(scheme)) {
        Ok(())
    } else {
        Err("only http and https URLs; a local file has to be uploaded first")
    }
}

/// Returns the size whose shape and area are nearest.
fn nearest_size(sizes: &[VideoSize], (width, height): (u32, u32)) -> Option<&VideoSize> {
    let measure = |(width, height): (u32, u32)| {
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        ((width / height).ln(), (width * height).ln())
    };
    let (shape, area) = measure((width, height));
    let off = |size: &VideoSize| {
        let (own_shape, own_area) = measure(size.dimensions().unwrap_or((1, 1)));
        // Shape counts more: a wrong one shows in every picture.
        4.0 * (own_shape - shape).abs() + (own_area - area).abs()
    };
    sizes
        .iter()
        .min_by(|one, other| off(one).total_cmp(&off(other)))
}

#[cfg(test)]
mod tests;
