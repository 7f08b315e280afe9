//! What a person names as a medium: a file of this machine or a web URL.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use providers::media_fetch::{MediaFetcher, Medium};
use providers::media_file;
use providers::media_type::MediaKind;

use crate::failed::Failed;

/// A medium that was named.
#[derive(Debug)]
pub(crate) enum MediaInput {
    /// A file, read.
    File(Medium),
    /// A URL, which the service fetches by itself.
    Url(String),
}

impl MediaInput {
    /// Reads what `text` names. A URL is checked without the network, so that an inner address is refused here already.
    pub(crate) fn read(
        text: &str,
        kinds: &[MediaKind],
        bytes_max: u64,
        fetcher: &MediaFetcher,
    ) -> Result<Self, Failed> {
        if text.contains("://") {
            fetcher.check(text).map_err(|error| Failed::of(&error))?;
            return Ok(Self::Url(text.to_owned()));
        }
        let medium = media_file::read(Path::new(text), kinds, bytes_max);
        Ok(Self::File(medium.map_err(|error| Failed::of(&error))?))
    }

    /// Returns it as a URL: its own, or one that holds the file.
    pub(crate) fn into_url(self) -> String {
        match self {
            Self::Url(url) => url,
            Self::File(medium) => {
                let data = BASE64_STANDARD.encode(&medium.bytes);
                format!("data:{};base64,{data}", medium.kind.mime)
            }
        }
    }
}
