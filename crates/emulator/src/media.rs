//! Models that draw, speak and write down speech, and the small real files they make.

use serde::Deserialize;

use crate::error::Error;

pub(crate) mod png;
pub(crate) mod sound;

/// Paths under which an image model can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ImagePath {
    /// `multimodal-generation`, answered at once.
    Messages,
    /// `image-generation`, as a task.
    MessageJobs,
    /// `text2image`, as a task.
    Prompt,
}

/// A model that makes images.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageModel {
    pub(crate) id: String,
    pub(crate) paths: Vec<ImagePath>,
    /// Fewest and most images to start from.
    pub(crate) inputs: (usize, usize),
    pub(crate) n_max: u64,
    #[serde(default = "one")]
    pub(crate) default_n: u64,
    pub(crate) default_size: (u64, u64),
    #[serde(default)]
    pub(crate) sizes: Vec<(u64, u64)>,
    #[serde(default)]
    pub(crate) pixels: Option<(u64, u64)>,
    #[serde(default)]
    pub(crate) names: Vec<String>,
}

const fn one() -> u64 {
    1
}

/// Where the options of a speech model stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SpeechForm {
    Qwen,
    Cosyvoice,
}

/// A model that speaks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpeechModel {
    pub(crate) id: String,
    pub(crate) form: SpeechForm,
    pub(crate) chars_max: usize,
    pub(crate) voices: Vec<String>,
}

/// How a model is asked to write down speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TranscriptionForm {
    Chat,
    File,
    Files,
}

/// A model that writes down speech.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TranscriptionModel {
    pub(crate) id: String,
    pub(crate) form: TranscriptionForm,
}

/// All models of this module.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MediaModels {
    images: Vec<ImageModel>,
    speech: Vec<SpeechModel>,
    transcription: Vec<TranscriptionModel>,
}

impl MediaModels {
    pub(crate) fn built_in() -> Result<Self, Error> {
        serde_json::from_str(include_str!("../data/media.json")).map_err(Error::ModelTable)
    }

    pub(crate) fn image(&self, id: &str) -> Option<&ImageModel> {
        self.images.iter().find(|model| model.id == id)
    }

    pub(crate) fn speech(&self, id: &str) -> Option<&SpeechModel> {
        self.speech.iter().find(|model| model.id == id)
    }

    pub(crate) fn transcription(&self, id: &str) -> Option<&TranscriptionModel> {
        self.transcription.iter().find(|model| model.id == id)
    }
}
