//! What each video model takes: the shape of its request, and its limits.

use serde::Deserialize;

text_enum! {
    /// Where a request carries its references.
    pub enum ReferenceShape {
        /// Nowhere: text alone.
        None => "none",
        /// `input.img_url`, one image.
        ImgUrl => "img-url",
        /// `input.reference_urls`, images and videos.
        ReferenceUrls => "reference-urls",
        /// `input.media` with first frame, last frame and first clip.
        Frames => "frames",
        /// `input.media` with reference images and videos.
        Media => "media",
    }
}

text_enum! {
    /// How a request names the size of the picture.
    pub enum PictureForm {
        /// `size` in pixels.
        Size => "size",
        /// `resolution`; the shape follows the image.
        Resolution => "resolution",
        /// `resolution` and `ratio`.
        ResolutionRatio => "resolution-ratio",
    }
}

text_enum! {
    /// Whether a video has sound.
    pub enum VideoSound {
        /// Always.
        Always => "always",
        /// As `audio` says.
        Choice => "choice",
    }
}

/// One video model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoModel {
    /// Id of the model.
    pub id: String,
    /// What it can work from.
    pub references: ReferenceLimits,
    /// How the size is named.
    pub picture: PictureForm,
    /// Every size it makes.
    pub sizes: Vec<VideoSize>,
    /// Tier of the service when none is named.
    pub default_tier: String,
    /// How long its videos are.
    pub duration: VideoDuration,
    /// Longest prompt, in characters.
    pub prompt_chars_max: usize,
    /// Longest negative prompt, in characters.
    #[serde(default = "negative_chars_max")]
    pub negative_chars_max: usize,
    /// Whether references alone are enough.
    #[serde(default)]
    pub prompt_optional: bool,
    /// Whether it takes `prompt_extend`.
    #[serde(default)]
    pub prompt_extend: bool,
    /// Whether it takes `shot_type`.
    #[serde(default)]
    pub shot_type: bool,
    /// Whether it takes the sound to use, as a URL.
    #[serde(default)]
    pub audio_url: bool,
    /// Whether its videos have sound.
    pub sound: VideoSound,
}

/// How many references a request may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceLimits {
    /// Where they go.
    pub shape: ReferenceShape,
    /// Fewest.
    #[serde(default)]
    pub min: usize,
    /// Most, images and videos together.
    #[serde(default)]
    pub total_max: usize,
    /// Most images.
    #[serde(default)]
    pub images_max: usize,
    /// Most videos.
    #[serde(default)]
    pub videos_max: usize,
}

/// One size.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoSize {
    /// Such as `720P`.
    pub tier: String,
    /// Such as `16:9`.
    pub ratio: String,
    /// Such as `1280*720`.
    pub pixels: String,
}

/// How long a video can be, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoDuration {
    /// Shortest.
    pub min: u32,
    /// Longest.
    pub max: u32,
    /// Longest with a video among the references.
    #[serde(default)]
    pub with_video_max: Option<u32>,
    /// The only values there are; empty when all between the limits are.
    #[serde(default)]
    pub only: Vec<u32>,
    /// What the service makes when none is named.
    pub default: u32,
}

impl VideoSize {
    /// Returns width and height in pixels.
    pub fn dimensions(&self) -> Option<(u32, u32)> {
        let (width, height) = self.pixels.split_once('*')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    }
}

const fn negative_chars_max() -> usize {
    500
}
