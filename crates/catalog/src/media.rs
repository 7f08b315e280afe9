//! What models other than chat and video models take, and where they are asked.

use serde::Deserialize;

text_enum! {
    /// Which of a host's interfaces a path belongs to.
    pub enum Surface {
        /// Below the `OpenAI`-compatible base URL.
        Compatible => "compatible",
        /// Below the vendor's own `/api/v1`.
        Native => "native",
        /// Below the host itself.
        Root => "root",
    }
}

text_enum! {
    /// The shape of a request to a media model.
    pub enum MediaShape {
        /// `OpenAI`'s embeddings.
        OpenaiEmbeddings => "openai-embeddings",
        /// `input.contents` of texts, images and videos.
        EmbeddingContents => "embedding-contents",
        /// `query` and `documents` at the top level.
        FlatRerank => "flat-rerank",
        /// `query` and `documents` inside `input`.
        NestedRerank => "nested-rerank",
        /// `input.messages` with one text and images; images in the reply.
        ImageMessages => "image-messages",
        /// `input.prompt`; a job whose results are URLs.
        ImagePrompt => "image-prompt",
        /// `input.text` and `input.voice`; options in `parameters`.
        QwenSpeech => "qwen-speech",
        /// All options inside `input`.
        CosyvoiceSpeech => "cosyvoice-speech",
        /// A chat with an `input_audio` part.
        ChatTranscription => "chat-transcription",
        /// A job over `input.file_url`.
        FileTranscription => "file-transcription",
        /// A job over `input.file_urls`.
        FilesTranscription => "files-transcription",
    }
}

/// One media model: where it is asked, and its limits. Limits that do not concern its shape are left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaModel {
    /// Model id.
    pub id: String,
    /// Interface of the host.
    pub surface: Surface,
    /// Path below it.
    pub path: String,
    /// Shape of the request.
    pub shape: MediaShape,
    /// Whether the answer is a job that has to be looked at until it is done.
    #[serde(default)]
    pub is_job: bool,
    /// Most items of one request: texts, documents, or files.
    #[serde(default)]
    pub items_max: Option<usize>,
    /// Lengths that a vector can have; the first is the usual one.
    #[serde(default)]
    pub dimensions: Vec<u64>,
    /// Longest text, in characters.
    #[serde(default)]
    pub text_chars_max: Option<usize>,
    /// Largest file sent inside a request, in bytes.
    #[serde(default)]
    pub file_bytes_max: Option<u64>,
    /// What an image model draws.
    #[serde(default)]
    pub image: Option<ImageLimits>,
    /// What a speech model speaks.
    #[serde(default)]
    pub speech: Option<SpeechLimits>,
}

/// What an image model draws.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageLimits {
    /// Most images at once.
    pub images_max: u64,
    /// Fewest and most images to start from.
    #[serde(default)]
    pub inputs: (usize, usize),
    /// Size when none is named; none leaves it to the service.
    #[serde(default)]
    pub default_size: Option<ImageSize>,
    /// The only sizes there are; empty when any within `pixels` will do.
    #[serde(default)]
    pub sizes: Vec<ImageSize>,
    /// Fewest and most pixels of an image.
    #[serde(default)]
    pub pixels: Option<(u64, u64)>,
    /// Names of sizes besides pixels, such as `2K`.
    #[serde(default)]
    pub size_names: Vec<String>,
}

/// Width and height, in pixels.
pub type ImageSize = (u64, u64);

/// What a speech model speaks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechLimits {
    /// Its voices; the first is the usual one.
    pub voices: Vec<Voice>,
    /// Formats that it gives; the first is the usual one.
    pub formats: Vec<String>,
    /// Samples per second.
    pub sample_rate: u32,
    /// Languages that may be named.
    #[serde(default)]
    pub languages: Vec<String>,
}

/// One voice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// Its name, as the service spells it.
    pub id: String,
    /// What it sounds like.
    pub about: String,
    /// Voices of other vendors that clients may name instead.
    #[serde(default)]
    pub stands_for: Vec<String>,
}

impl SpeechLimits {
    /// Returns the voice that `name` means, upper and lower case aside; the usual one for no name.
    pub fn voice(&self, name: Option<&str>) -> Option<&Voice> {
        let Some(name) = name else {
            return self.voices.first();
        };
        let is_meant = |voice: &&Voice| {
            voice.id.eq_ignore_ascii_case(name)
                || voice
                    .stands_for
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(name))
        };
        self.voices.iter().find(is_meant)
    }
}
