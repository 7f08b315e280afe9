//! Looks at images: enough of a header to say kind and size.

use crate::refusal::Refusal;

/// Longest data URL of one content part, in bytes.
const DATA_URL_BYTES_MAX: usize = 10_485_760;

/// Pixels along one side of the patch that costs one token.
const PATCH_PIXELS: u64 = 28;

/// Tokens of an image whose size is not known because it is not fetched.
const UNSEEN_IMAGE_TOKENS: u64 = 256;

/// One image or video of a request, as far as it was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// Such as `png 2x3` or `url https://...`.
    pub(crate) description: String,
    pub(crate) tokens: u64,
}

/// Looks at what a URL holds; only data URLs are opened.
pub(crate) fn look(url: &str) -> Result<Media, Refusal> {
    let Some(data) = url.strip_prefix("data:") else {
        return unseen(url);
    };
    if url.len() > DATA_URL_BYTES_MAX {
        return Err(Refusal::invalid(format!(
            "Exceeded limit on max bytes per data-uri item : {DATA_URL_BYTES_MAX}"
        )));
    }
    let decoded = data
        .split_once(";base64,")
        .and_then(|(_, text)| decode_base64(text));
    let Some(bytes) = decoded else {
        return Err(invalid_url());
    };
    match png(&bytes).or_else(|| gif(&bytes)).or_else(|| jpeg(&bytes)) {
        Some((kind, width, height)) => {
            let patches = |side: u32| u64::from(side).div_ceil(PATCH_PIXELS);
            Ok(Media {
                description: format!("{kind} {width}x{height}"),
                tokens: patches(width) * patches(height) + 2,
            })
        }
        None if data.starts_with("video/") => Ok(Media {
            description: format!("{} bytes", bytes.len()),
            tokens: UNSEEN_IMAGE_TOKENS,
        }),
        None => Err(Refusal::invalid(
            "The image format is illegal and cannot be opened.",
        )),
    }
}

fn unseen(url: &str) -> Result<Media, Refusal> {
    let known = ["http://", "https://", "oss://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    if !known {
        return Err(invalid_url());
    }
    Ok(Media {
        description: format!("url {url}"),
        tokens: UNSEEN_IMAGE_TOKENS,
    })
}

fn invalid_url() -> Refusal {
    Refusal::invalid(
        "The provided URL does not appear to be valid. Ensure it is correctly formatted.",
    )
}

type Size = (&'static str, u32, u32);

fn big_endian(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// PNG: the IHDR chunk comes first, width at 16 and height at 20 (RFC 2083, 4.1.1).
fn png(bytes: &[u8]) -> Option<Size> {
    bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    Some((
        "png",
        big_endian(bytes.get(16..20)?),
        big_endian(bytes.get(20..24)?),
    ))
}

/// GIF: the logical screen follows the signature, little-endian.
fn gif(bytes: &[u8]) -> Option<Size> {
    let screen = bytes
        .strip_prefix(b"GIF89a")
        .or_else(|| bytes.strip_prefix(b"GIF87a"))?;
    match screen {
        [w0, w1, h0, h1, ..] => Some((
            "gif",
            u32::from(u16::from_le_bytes([*w0, *w1])),
            u32::from(u16::from_le_bytes([*h0, *h1])),
        )),
        _ => None,
    }
}

/// JPEG: walks the segments to the first start-of-frame (ITU T.81, B.2.2).
fn jpeg(bytes: &[u8]) -> Option<Size> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, tail @ ..] = rest else {
            return None;
        };
        if *marker == 0xff {
            rest = rest.get(1..)?;
            continue;
        }
        let length = usize::try_from(big_endian(tail.get(..2)?)).ok()?;
        // C4, C8 and CC lie in the range and are no frames.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((
                "jpeg",
                big_endian(tail.get(5..7)?),
                big_endian(tail.get(3..5)?),
            ));
        }
        rest = tail.get(length..)?;
    }
}

/// Returns the bytes of a data URL.
pub(crate) fn decode_data_url(url: &str) -> Option<Vec<u8>> {
    let (_, text) = url.strip_prefix("data:")?.split_once(";base64,")?;
    decode_base64(text)
}

/// Decodes standard or URL-safe base64, padded or not; line breaks are skipped.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut n_bits) = (0_u32, 0_u32);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\r' | b'\n' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            let [.., byte] = (bits >> n_bits).to_be_bytes();
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(url: &str) -> String {
        look(url).unwrap().description
    }

    #[test]
    fn reads_kind_and_size_from_data_urls() {
        let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAD0lEQVR4nGNkYGBgYEAAAABbAAGpLPGlAAAAAElFTkSuQmCC";
        assert_eq!(described(png), "png 2x3");
        assert_eq!(
            described("data:image/gif;base64,R0lGODlhAwAEAIAAAP///wAAACwAAAAAAwAEAAACAoRRADs="),
            "gif 3x4"
        );
        // SOI, an APP0 segment of 4 bytes, SOF0 with height 5 and width 7.
        assert_eq!(
            described("data:image/jpeg;base64,/9j/4AAEAAD/wAALCAAFAAcBAREA"),
            "jpeg 7x5"
        );
    }

    #[test]
    fn does_not_open_remote_urls_and_refuses_the_rest() {
        assert_eq!(
            described("https://example.com/a.png"),
            "url https://example.com/a.png"
        );
        for url in [
            "data:image/png;base64,%%%",
            "data:image/png;base64,AAAA",
            "ftp://x",
            "data:image/png,x",
            "",
        ] {
            assert!(look(url).is_err(), "{url}");
        }
    }
}
