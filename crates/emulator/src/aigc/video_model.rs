//! What each video model takes, and what it says to a request that it does not take.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::task::{Failure, Product};
use crate::error::Error;

/// Longest negative prompt, in characters.
const NEGATIVE_CHARS_MAX: usize = 500;
/// Most references of a request, and most videos among them.
const REFERENCES_MAX: usize = 5;
const REFERENCE_VIDEOS_MAX: usize = 3;
/// Endings of image files; everything else that is referred to counts as a video.
const IMAGE_ENDINGS: [&str; 5] = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];
/// Parameters that are true or false on every model.
const FLAGS: [&str; 3] = ["prompt_extend", "watermark", "audio"];

/// Where a model finds what it works from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Takes {
    /// `prompt` alone.
    Text,
    /// `img_url`.
    Image,
    /// `reference_urls`, or the older `reference_video_urls`.
    References,
    /// `media` with first and last frame, first clip, driving audio.
    Frames,
    /// `media` with reference images and videos.
    Media,
}

/// How a request names the picture's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Picture {
    /// `size`, width and height.
    Size,
    /// `resolution`, a tier.
    Resolution,
    /// `resolution` and `ratio`.
    ResolutionAndRatio,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VideoModel {
    id: String,
    takes: Takes,
    picture: Picture,
    tiers: Vec<String>,
    /// Shortest and longest, in seconds.
    duration: (u64, u64),
    /// The only durations there are, in seconds; empty when all between the limits are.
    #[serde(default)]
    durations: Vec<u64>,
    /// Longest with a reference video, in seconds.
    duration_with_video_max: Option<u64>,
    prompt_chars_max: usize,
    /// Whether `usage` is that of the generation 2.5 and older.
    #[serde(default)]
    classic_usage: bool,
}

/// The video models there are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VideoModels {
    sizes: BTreeMap<String, Vec<String>>,
    ratios: Vec<String>,
    models: Vec<VideoModel>,
}

/// A request that was accepted.
pub(crate) struct VideoWish {
    pub(crate) prompt: String,
    pub(crate) product: Product,
    /// What was accepted although it cannot work.
    pub(crate) failure: Option<Failure>,
    /// Keys of temporary uploads that it refers to.
    pub(crate) uploads: Vec<String>,
}

/// The references of one request.
#[derive(Default)]
struct References {
    urls: Vec<String>,
    failure: Option<Failure>,
    n_videos: usize,
    n_images: usize,
}

impl VideoModels {
    pub(crate) fn built_in() -> Result<Self, Error> {
        serde_json::from_str(include_str!("../../data/videos.json")).map_err(Error::ModelTable)
    }

    /// Says whether `id` makes videos.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.models.iter().any(|model| model.id == id)
    }

    /// Checks a request as the service does; the error is the message for the client.
    pub(crate) fn read(&self, id: &str, body: &Value) -> Result<VideoWish, String> {
        let model = self.models.iter().find(|model| model.id == id);
        let model = model.ok_or("Model not exist.")?;
        let nothing = Map::new();
        let input = body.get("input").and_then(Value::as_object);
        let input = input.ok_or("Field required: input")?;
        let parameters = match body.get("parameters") {
            None | Some(Value::Null) => &nothing,
            Some(Value::Object(parameters)) => parameters,
            Some(_) => return Err("parameters must be an object".to_owned()),
        };
        let prompt = text(input, "prompt")?.unwrap_or_default();
        check_texts(model, input, prompt)?;
        let references = model.references(input)?;
        check_parameters(parameters)?;
        let duration_s = model.duration(parameters, references.n_videos > 0)?;
        let (tier, form) = self.picture(model, parameters)?;
        let usage = model.usage(duration_s, tier, form, references.n_videos);
        let uploads = references
            .urls
            .iter()
            .filter_map(|url| url.strip_prefix("oss://"));
        Ok(VideoWish {
            prompt: prompt.to_owned(),
            uploads: uploads.map(str::to_owned).collect(),
            product: Product {
                duration_s: u32::try_from(duration_s).unwrap_or(u32::MAX),
                usage,
                output: None,
            },
            failure: references.failure,
        })
    }

    /// Returns the tier and the size or ratio.
    fn picture<'a>(
        &'a self,
        model: &VideoModel,
        parameters: &'a Map<String, Value>,
    ) -> Result<(&'a str, &'a str), String> {
        if model.picture == Picture::Size {
            let size = text(parameters, "size")?.unwrap_or("1920*1080");
            let mut tiers = self
                .sizes
                .iter()
                .filter(|(tier, _)| model.tiers.contains(tier));
            let found = tiers.find(|(_, sizes)| sizes.iter().any(|known| known == size));
            let (tier, _) = found.ok_or_else(|| format!("size is not supported: {size}"))?;
            return Ok((tier, size));
        }
        let tier = text(parameters, "resolution")?.unwrap_or("1080P");
        if !model.tiers.iter().any(|known| known == tier) {
            return Err(format!(
                "resolution must be one of {}: {tier}",
                model.tiers.join(", ")
            ));
        }
        let ratio = text(parameters, "ratio")?.unwrap_or("16:9");
        if model.picture == Picture::ResolutionAndRatio
            && !self.ratios.iter().any(|known| known == ratio)
        {
            return Err(format!(
                "ratio must be one of {}: {ratio}",
                self.ratios.join(", ")
            ));
        }
        Ok((tier, ratio))
    }
}

impl VideoModel {
    fn duration(&self, parameters: &Map<String, Value>, has_video: bool) -> Result<u64, String> {
        let Some(value) = parameters.get("duration") else {
            return Ok(5);
        };
        let (shortest, mut longest) = self.duration;
        if has_video {
            longest = self.duration_with_video_max.unwrap_or(longest);
        }
        let fits = |seconds: &u64| {
            (shortest..=longest).contains(seconds)
                && (self.durations.is_empty() || self.durations.contains(seconds))
        };
        value.as_u64().filter(fits).ok_or_else(|| {
            if self.durations.is_empty() {
                format!("duration must be an integer between {shortest} and {longest}")
            } else {
                format!("duration must be one of {:?}", self.durations)
            }
        })
    }

    fn references(&self, input: &Map<String, Value>) -> Result<References, String> {
        let mut found = References::default();
        match self.takes {
            Takes::Text => {}
            Takes::Image => {
                let url = text(input, "img_url")?.ok_or("Field required: input.img_url")?;
                found.add(url, true)?;
                found.n_images = 1;
            }
            Takes::References => {
                let name = ["reference_urls", "reference_video_urls"];
                let urls = name.iter().find_map(|name| input.get(*name));
                let urls = urls.ok_or("Field required: input.reference_urls")?;
                let urls = urls
                    .as_array()
                    .ok_or("input.reference_urls must be an array")?;
                for url in urls {
                    let url = url
                        .as_str()
                        .ok_or("input.reference_urls must hold strings")?;
                    found.add(url, is_image(url))?;
                }
            }
            Takes::Frames => Self::media(input, &mut found, check_frames)?,
            Takes::Media => Self::media(input, &mut found, check_media)?,
        }
        let total = found.n_images + found.n_videos;
        if found.n_videos > REFERENCE_VIDEOS_MAX && self.takes == Takes::References {
            return Err(format!(
                "at most {REFERENCE_VIDEOS_MAX} reference videos are allowed"
            ));
        }
        let needs_some = self.takes == Takes::References;
        if total > REFERENCES_MAX || (needs_some && total == 0) {
            return Err(format!(
                "between 1 and {REFERENCES_MAX} references are required"
            ));
        }
        Ok(found)
    }

    fn media(
        input: &Map<String, Value>,
        found: &mut References,
        check: impl Fn(&[&str]) -> Result<(), String>,
    ) -> Result<(), String> {
        let Some(media) = input.get("media") else {
            // Accepted, and found missing only when the task runs.
            found.failure = Some(Failure {
                code: "InvalidParameter".to_owned(),
                message: "Field required: input.media".to_owned(),
            });
            return Ok(());
        };
        let media = media.as_array().ok_or("input.media must be an array")?;
        let mut kinds = Vec::new();
        for item in media {
            let item = item.as_object().ok_or("input.media must hold objects")?;
            let kind = text(item, "type")?.ok_or("Field required: input.media.type")?;
            let url = text(item, "url")?.ok_or("Field required: input.media.url")?;
            kinds.push(kind);
            if kind == "driving_audio" {
                References::check(url)?;
            } else {
                found.add(url, !matches!(kind, "reference_video" | "first_clip"))?;
            }
        }
        check(&kinds)
    }

    fn usage(&self, duration_s: u64, tier: &str, form: &str, n_videos: usize) -> Value {
        let pixels: u64 = tier.trim_end_matches('P').parse().unwrap_or_default();
        if self.classic_usage {
            let ratio = format!("{pixels}P");
            return json!({"video_duration": duration_s, "video_ratio": ratio, "video_count": 1});
        }
        let input_s = u64::try_from(n_videos).unwrap_or_default() * 5;
        let mut usage = json!({
            "duration": duration_s + input_s, "input_video_duration": input_s,
            "output_video_duration": duration_s, "video_count": 1, "SR": pixels,
        });
        let name = match self.picture {
            Picture::Size => "size",
            Picture::ResolutionAndRatio => "ratio",
            Picture::Resolution => return usage,
        };
        if let Some(members) = usage.as_object_mut() {
            members.insert(name.to_owned(), json!(form));
        }
        usage
    }
}

impl References {
    fn add(&mut self, url: &str, is_image: bool) -> Result<(), String> {
        Self::check(url)?;
        self.urls.push(url.to_owned());
        if is_image {
            self.n_images += 1;
        } else {
            self.n_videos += 1;
        }
        Ok(())
    }

    fn check(url: &str) -> Result<(), String> {
        let known = ["http://", "https://", "oss://", "data:"];
        if known.iter().any(|scheme| url.starts_with(scheme)) {
            Ok(())
        } else {
            Err(
                "The request is missing a valid URL: only http, https and oss are supported"
                    .to_owned(),
            )
        }
    }
}

fn check_frames(kinds: &[&str]) -> Result<(), String> {
    let count = |kind: &str| kinds.iter().filter(|known| **known == kind).count();
    let known = ["first_frame", "last_frame", "driving_audio", "first_clip"];
    if let Some(other) = kinds.iter().find(|kind| !known.contains(kind)) {
        return Err(format!("input.media.type is not supported: {other}"));
    }
    if let Some(twice) = known.iter().find(|kind| count(kind) > 1) {
        return Err(format!("input.media holds more than one {twice}"));
    }
    let clip = count("first_clip") == 1;
    let frame = count("first_frame") == 1;
    if clip == frame || (clip && count("driving_audio") == 1) {
        return Err("input.media is not a supported combination".to_owned());
    }
    Ok(())
}

fn check_media(kinds: &[&str]) -> Result<(), String> {
    let known = ["reference_image", "reference_video", "first_frame"];
    if let Some(other) = kinds.iter().find(|kind| !known.contains(kind)) {
        return Err(format!("input.media.type is not supported: {other}"));
    }
    let frames = kinds.iter().filter(|kind| **kind == "first_frame").count();
    let references = kinds.len() - frames;
    if frames > 1 || !(1..=REFERENCES_MAX).contains(&references) {
        return Err(format!(
            "input.media must hold 1 to {REFERENCES_MAX} references and at most one first_frame"
        ));
    }
    Ok(())
}

fn check_texts(model: &VideoModel, input: &Map<String, Value>, prompt: &str) -> Result<(), String> {
    if prompt.is_empty() && matches!(model.takes, Takes::Text | Takes::References | Takes::Media) {
        return Err("Field required: input.prompt".to_owned());
    }
    let longest = model.prompt_chars_max;
    if prompt.chars().count() > longest {
        return Err(format!("prompt must be at most {longest} characters"));
    }
    let negative = text(input, "negative_prompt")?.unwrap_or_default();
    if negative.chars().count() > NEGATIVE_CHARS_MAX {
        return Err(format!(
            "negative_prompt must be at most {NEGATIVE_CHARS_MAX} characters"
        ));
    }
    Ok(())
}

fn check_parameters(parameters: &Map<String, Value>) -> Result<(), String> {
    for flag in FLAGS {
        if parameters
            .get(flag)
            .is_some_and(|value| !value.is_boolean())
        {
            return Err(format!("{flag} must be a boolean"));
        }
    }
    let seed = parameters.get("seed");
    if seed.is_some_and(|seed| seed.as_u64().is_none_or(|seed| seed > 2_147_483_647)) {
        return Err("seed must be an integer between 0 and 2147483647".to_owned());
    }
    match text(parameters, "shot_type")? {
        None | Some("single" | "multi") => Ok(()),
        Some(_) => Err("shot_type must be one of single, multi".to_owned()),
    }
}

fn is_image(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.to_ascii_lowercase();
    url.starts_with("data:image/") || IMAGE_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Returns a text field; one that is there but no text is an error.
fn text<'a>(of: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a string")),
    }
}
