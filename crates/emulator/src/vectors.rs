//! Vectors of texts and the models that make them. Texts that share words get vectors that are near each other.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// What a model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Takes {
    /// Texts.
    Text,
    /// Texts, images and videos.
    Media,
}

/// A model that makes vectors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbeddingModel {
    pub(crate) id: String,
    pub(crate) takes: Takes,
    /// Most items of a request.
    pub(crate) items_max: usize,
    /// Longest item, in tokens.
    pub(crate) tokens_max: u64,
    /// Lengths a vector can have; the first is the usual one.
    pub(crate) dimensions: Vec<u64>,
}

/// A model that orders documents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerankModel {
    pub(crate) id: String,
    pub(crate) takes: Takes,
    /// Most documents of a request.
    pub(crate) documents_max: usize,
    /// Longest document or query, in tokens.
    pub(crate) tokens_max: u64,
    /// Most tokens of a request.
    pub(crate) request_tokens_max: u64,
    /// Whether the flat form below `/compatible-api` is offered.
    pub(crate) flat: bool,
}

/// All models that make vectors or order documents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorModels {
    embeddings: Vec<EmbeddingModel>,
    reranks: Vec<RerankModel>,
}

impl VectorModels {
    pub(crate) fn built_in() -> Result<Self, Error> {
        serde_json::from_str(include_str!("../data/vectors.json")).map_err(Error::ModelTable)
    }

    pub(crate) fn embedding(&self, id: &str) -> Option<&EmbeddingModel> {
        self.embeddings.iter().find(|model| model.id == id)
    }

    pub(crate) fn rerank(&self, id: &str) -> Option<&RerankModel> {
        self.reranks.iter().find(|model| model.id == id)
    }
}

impl EmbeddingModel {
    /// Returns the length of the vectors of a request; the error is what the service says.
    pub(crate) fn length(&self, wanted: Option<u64>) -> Result<usize, String> {
        let usual = self.dimensions.first().copied().unwrap_or(1024);
        let length = wanted.unwrap_or(usual);
        if self.dimensions.contains(&length) {
            return usize::try_from(length).map_err(|error| error.to_string());
        }
        let known: Vec<String> = self.dimensions.iter().map(u64::to_string).collect();
        Err(format!(
            "Value error, dimension is invalid, it should be in [{}]",
            known.join(", ")
        ))
    }
}

/// Returns the vector of `text`: the sum of its words' directions, with length one.
pub(crate) fn embed(text: &str, length: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; length];
    for word in words(text) {
        let mut state = seed(&word);
        for place in &mut sum {
            *place += direction(&mut state);
        }
    }
    let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        for place in &mut sum {
            *place /= norm;
        }
    }
    sum
}

/// Returns how much two texts have in common, from 0 to 1.
pub(crate) fn likeness(one: &str, other: &str) -> f64 {
    /// Enough to tell texts apart.
    const LENGTH: usize = 64;
    let (one, other) = (embed(one, LENGTH), embed(other, LENGTH));
    let cosine: f32 = one.iter().zip(&other).map(|(a, b)| a * b).sum();
    f64::from(cosine).clamp(0.0, 1.0)
}

fn words(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = split
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    // A text of signs alone has a vector too.
    if words.is_empty() {
        vec![text.to_owned()]
    } else {
        words
    }
}

fn seed(word: &str) -> u64 {
    let digest = Sha256::digest(word.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(1, |seed, byte| (seed << 8 | u64::from(*byte)) | 1)
}

/// Returns the next number from -1 to 1 (xorshift).
fn direction(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let [high, low, ..] = state.to_be_bytes();
    f32::from(i16::from_be_bytes([high, low])) / f32::from(i16::MAX)
}

/// Writes numbers as base64 of little-endian floats.
pub(crate) fn base64(vector: &[f32]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = [0_u8; 4];
        for (place, byte) in bits.iter_mut().skip(1).zip(group) {
            *place = *byte;
        }
        let bits = u32::from_be_bytes(bits);
        for place in 0..4 {
            let sign = (bits >> (18 - 6 * place)) & 0x3f;
            let known = usize::try_from(sign).ok().and_then(|sign| SIGNS.get(sign));
            let padding = place > group.len();
            text.push(if padding {
                '='
            } else {
                char::from(*known.unwrap_or(&b'='))
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_repeat_have_length_one_and_show_what_is_alike() {
        let vector = embed("the quick fox", 256);
        assert_eq!(vector, embed("The quick fox!", 256));
        let norm: f32 = vector.iter().map(|value| value * value).sum();
        assert!((norm - 1.0).abs() < 1e-4, "{norm}");
        assert!(likeness("cats and dogs", "dogs and cats") > 0.99);
        assert!(likeness("cats and dogs", "cats and mice") > likeness("cats and dogs", "tax law"));
        assert!(embed("", 64).iter().any(|value| *value != 0.0));
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        assert_eq!(base64(&[]), "");
        assert_eq!(base64(&[1.0]), "AACAPw==");
        assert_eq!(base64(&[1.0, -2.0]), "AACAPwAAAMA=");
        assert_eq!(base64(&[1.0, -2.0, 0.5]), "AACAPwAAAMAAAAA/");
    }
}
