//! Makes small valid sound files: a tone per word, with the text inside, so that writing it down gives it back.

/// Samples per second.
const RATE: u32 = 24_000;

/// Milliseconds of a word, and of the pause after it.
const WORD_MS: u32 = 120;
const PAUSE_MS: u32 = 30;

/// Longest sound, in milliseconds.
const LENGTH_MS_MAX: u32 = 8_000;

/// Bytes of a silent frame of MPEG audio: layer 3, 128 kbit/s, 44.1 kHz, mono (ISO/IEC 11172-3).
const MP3_FRAME_BYTES: usize = 417;
const MP3_FRAME_HEAD: [u8; 4] = [0xff, 0xfb, 0x90, 0xc4];

/// Milliseconds of such a frame, rounded up.
const MP3_FRAME_MS: u32 = 27;

/// Returns how long `text` takes, in milliseconds.
pub(crate) fn length_ms(text: &str) -> u32 {
    let words = u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX);
    words
        .max(1)
        .saturating_mul(WORD_MS + PAUSE_MS)
        .min(LENGTH_MS_MAX)
}

/// Returns the samples of `text`: 16 bits, mono, little-endian.
pub(crate) fn pcm(text: &str) -> Vec<u8> {
    let samples = |ms: u32| RATE / 1000 * ms;
    let period = samples(WORD_MS + PAUSE_MS);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut data = Vec::new();
    for at in 0..samples(length_ms(text)) {
        let word = usize::try_from(at / period)
            .ok()
            .and_then(|at| words.get(at));
        let letters = word.map_or(1, |word| u32::try_from(word.len()).unwrap_or(1));
        // A triangle is a tone that needs no sine.
        let wave = RATE / (200 + 40 * (letters % 16));
        let phase = at % wave;
        let height = i64::from(phase.min(wave - phase)) * 4 - i64::from(wave);
        let loud = at % period < samples(WORD_MS);
        let level = if loud {
            height * 8000 / i64::from(wave)
        } else {
            0
        };
        data.extend(i16::try_from(level).unwrap_or_default().to_le_bytes());
    }
    data
}

/// Returns a WAV file that says `text`.
pub(crate) fn wav(text: &str) -> Vec<u8> {
    let data = pcm(text);
    let mut comment = text.as_bytes().to_vec();
    comment.push(0);
    if comment.len() % 2 == 1 {
        comment.push(0);
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut format = Vec::new();
    format.extend(1_u16.to_le_bytes());
    format.extend(1_u16.to_le_bytes());
    format.extend(RATE.to_le_bytes());
    format.extend((RATE * 2).to_le_bytes());
    format.extend(2_u16.to_le_bytes());
    format.extend(16_u16.to_le_bytes());
    let info = [&b"INFOICMT"[..], &length(comment.len()), &comment].concat();
    let chunks: [(&[u8], &[u8]); 3] = [(b"fmt ", &format), (b"LIST", &info), (b"data", &data)];
    let mut body = b"WAVE".to_vec();
    for (name, data) in chunks {
        body.extend(name);
        body.extend(length(data.len()));
        body.extend(data);
    }
    [&b"RIFF"[..], &length(body.len()), &body].concat()
}

/// Returns an MP3 file as long as `text` takes; it is silent.
pub(crate) fn mp3(text: &str) -> Vec<u8> {
    let mut frame = vec![0; MP3_FRAME_BYTES];
    for (place, byte) in frame.iter_mut().zip(MP3_FRAME_HEAD) {
        *place = byte;
    }
    let frames = usize::try_from(length_ms(text).div_ceil(MP3_FRAME_MS)).unwrap_or(1);
    frame.repeat(frames)
}

/// Returns the text inside a WAV file of [`wav`].
pub(crate) fn text_in(file: &[u8]) -> Option<String> {
    let at = file.windows(8).position(|window| window == b"INFOICMT")?;
    let rest = file.get(at + 8..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let text = String::from_utf8_lossy(rest.get(..length)?);
    Some(text.trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_file_is_as_long_as_it_says_and_holds_its_text() {
        let file = wav("hello emulated world");
        let length = u32::from_le_bytes(file[4..8].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap() + 8, file.len());
        assert_eq!(text_in(&file).as_deref(), Some("hello emulated world"));
        assert_eq!(pcm("a b").len(), 300 * 24 * 2);
        assert_eq!(text_in(b"RIFF"), None);
        assert_eq!(mp3("a").len() % MP3_FRAME_BYTES, 0);
    }
}
