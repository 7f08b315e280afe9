//! What a file is, told from its first bytes and never from what somebody says about it.

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound.
    Audio,
    /// A JSON document, such as a transcript.
    Json,
}

/// One file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType {
    /// What it is for.
    pub kind: MediaKind,
    /// MIME type.
    pub mime: &'static str,
    /// Usual ending of a file name, without the dot.
    pub extension: &'static str,
}

/// First bytes that are needed to tell every format.
pub const SNIFF_BYTES: usize = 64;

/// A format and the bytes it begins with, from an offset.
struct Signature(usize, &'static [u8], MediaType);

const fn kind(kind: MediaKind, mime: &'static str, extension: &'static str) -> MediaType {
    MediaType {
        kind,
        mime,
        extension,
    }
}

const WAV: MediaType = kind(MediaKind::Audio, "audio/wav", "wav");
const WEBP: MediaType = kind(MediaKind::Image, "image/webp", "webp");
const AVI: MediaType = kind(MediaKind::Video, "video/x-msvideo", "avi");
const MP4: MediaType = kind(MediaKind::Video, "video/mp4", "mp4");
const MOV: MediaType = kind(MediaKind::Video, "video/quicktime", "mov");
const M4A: MediaType = kind(MediaKind::Audio, "audio/mp4", "m4a");
const HEIC: MediaType = kind(MediaKind::Image, "image/heic", "heic");
const AVIF: MediaType = kind(MediaKind::Image, "image/avif", "avif");
const MP3: MediaType = kind(MediaKind::Audio, "audio/mpeg", "mp3");
const AAC: MediaType = kind(MediaKind::Audio, "audio/aac", "aac");
const JSON: MediaType = kind(MediaKind::Json, "application/json", "json");

const SIGNATURES: &[Signature] = &[
    Signature(
        0,
        b"\x89PNG\r\n\x1a\n",
        kind(MediaKind::Image, "image/png", "png"),
    ),
    Signature(
        0,
        b"\xff\xd8\xff",
        kind(MediaKind::Image, "image/jpeg", "jpg"),
    ),
    Signature(0, b"GIF87a", kind(MediaKind::Image, "image/gif", "gif")),
    Signature(0, b"GIF89a", kind(MediaKind::Image, "image/gif", "gif")),
    Signature(0, b"II*\0", kind(MediaKind::Image, "image/tiff", "tiff")),
    Signature(0, b"MM\0*", kind(MediaKind::Image, "image/tiff", "tiff")),
    Signature(
        0,
        b"\x1a\x45\xdf\xa3",
        kind(MediaKind::Video, "video/webm", "webm"),
    ),
    Signature(0, b"OggS", kind(MediaKind::Audio, "audio/ogg", "ogg")),
    Signature(0, b"fLaC", kind(MediaKind::Audio, "audio/flac", "flac")),
    Signature(0, b"#!AMR", kind(MediaKind::Audio, "audio/amr", "amr")),
    Signature(0, b"ID3", MP3),
];

impl MediaType {
    /// Tells the format of a file that begins with `head`; none for anything that is no medium, such as a web page.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let signature = SIGNATURES
            .iter()
            .find(|Signature(at, bytes, _)| head.get(*at..).is_some_and(|h| h.starts_with(bytes)));
        if let Some(Signature(_, _, found)) = signature {
            return Some(*found);
        }
        let tag = |at: usize| head.get(at..at + 4).unwrap_or_default();
        match (tag(0), tag(4), tag(8)) {
            (b"RIFF", _, b"WAVE") => Some(WAV),
            (b"RIFF", _, b"WEBP") => Some(WEBP),
            (b"RIFF", _, b"AVI ") => Some(AVI),
            (_, b"ftyp", brand) => Some(iso_media(brand)),
            (_, b"moov" | b"mdat" | b"wide", _) => Some(MOV),
            _ => bitmap(head)
                .or_else(|| mpeg_audio(head))
                .or_else(|| json(head)),
        }
    }
}

/// The ISO base media brands (ISO/IEC 14496-12, 4.3) that are not plain MP4.
fn iso_media(brand: &[u8]) -> MediaType {
    match brand {
        b"qt  " => MOV,
        b"M4A " | b"M4B " => M4A,
        b"heic" | b"heix" | b"mif1" | b"msf1" => HEIC,
        b"avif" | b"avis" => AVIF,
        _ => MP4,
    }
}

/// BMP: `BM`, the file size, and two reserved words that are zero.
fn bitmap(head: &[u8]) -> Option<MediaType> {
    let is_bitmap = head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]);
    is_bitmap.then_some(kind(MediaKind::Image, "image/bmp", "bmp"))
}

/// A frame of MPEG audio: eleven bits set, then version and layer; layer zero is AAC in ADTS.
fn mpeg_audio(head: &[u8]) -> Option<MediaType> {
    match head {
        [0xff, second, third, ..] if second & 0xe0 == 0xe0 && second & 0x18 != 0x08 => {
            match second & 0x06 {
                0 if second & 0xf0 == 0xf0 => Some(AAC),
                0 => None,
                _ if third & 0xf0 != 0xf0 => Some(MP3),
                _ => None,
            }
        }
        _ => None,
    }
}

fn json(head: &[u8]) -> Option<MediaType> {
    let text = head.trim_ascii_start();
    let opens = matches!(text.first(), Some(b'{' | b'['));
    (opens && std::str::from_utf8(text.get(..1).unwrap_or_default()).is_ok()).then_some(JSON)
}

impl MediaKind {
    /// Returns several names as they stand in a sentence.
    pub fn list(kinds: &[Self]) -> String {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        names.join(" or ")
    }

    /// Returns the name in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "sound",
            Self::Json => "JSON document",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_formats_by_their_first_bytes() {
        for (head, mime) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some("image/jpeg")),
            (b"GIF89a\x01\0", Some("image/gif")),
            (b"RIFF\x24\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x20ftypisom\0\0\x02\0", Some("video/mp4")),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", Some("video/quicktime")),
            (b"\0\0\0\x20ftypM4A \0\0\0\0", Some("audio/mp4")),
            (b"\x1a\x45\xdf\xa3\x9f", Some("video/webm")),
            (b"ID3\x04\0", Some("audio/mpeg")),
            (b"\xff\xfb\x90\x64", Some("audio/mpeg")),
            (b"\xff\xf1\x50\x80", Some("audio/aac")),
            (b"OggS\0\x02", Some("audio/ogg")),
            (b"BM\x46\0\0\0\0\0\0\0\x36", Some("image/bmp")),
            (b" {\"a\":1}", Some("application/json")),
            (b"<!DOCTYPE html>", None),
            (b"<svg xmlns=", None),
            (b"#!/bin/sh", None),
            (b"\x7fELF", None),
            (b"MZ\x90\0", None),
            (b"BMW is a car", None),
            (b"", None),
        ] {
            assert_eq!(
                MediaType::sniff(head).map(|found| found.mime),
                mime,
                "{}",
                head.escape_ascii()
            );
        }
    }
}
