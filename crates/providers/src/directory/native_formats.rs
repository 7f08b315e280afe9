//! Where a host speaks formats besides chat completions.

use catalog::EndpointMatch;
use http::Uri;

use crate::formats::Format;
use crate::upstream_url::{BaseUrl, UrlError, path};

/// The URLs of the formats that a host speaks itself.
#[derive(Debug, Clone, Default)]
pub(super) struct NativeFormats {
    responses: Option<Uri>,
    messages: Option<Uri>,
}

impl NativeFormats {
    /// Takes the URLs from what is known of the host; a host that is not known by name speaks chat completions only.
    pub(super) fn of(known: Option<&EndpointMatch<'_>>, base: &BaseUrl) -> Result<Self, UrlError> {
        let Some(known) = known.filter(|known| known.is_base_url) else {
            return Ok(Self::default());
        };
        let endpoint = known.endpoint;
        let root = base.without_suffix(endpoint.base_path());
        let responses = endpoint.responses_path.as_deref();
        let messages = endpoint.anthropic_path.as_deref().zip(root);
        Ok(Self {
            responses: responses.map(|path| base.join(path)).transpose()?,
            messages: messages
                .map(|(below, root)| root.join(&format!("{below}{}", path::MESSAGES)))
                .transpose()?,
        })
    }

    pub(super) fn url(&self, format: Format) -> Option<&Uri> {
        match format {
            Format::Chat => None,
            Format::Responses => self.responses.as_ref(),
            Format::Messages => self.messages.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::Catalog;

    use super::*;

    #[test]
    fn known_hosts_speak_what_their_rows_say() {
        let catalog = Catalog::builtin().unwrap();
        for (base, responses, messages) in [
            (
                "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/",
                Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1/responses"),
                Some("https://dashscope-intl.aliyuncs.com/apps/anthropic/v1/messages"),
            ),
            (
                "https://llm-1.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
                Some("https://llm-1.eu-central-1.maas.aliyuncs.com/compatible-mode/v1/responses"),
                Some("https://llm-1.eu-central-1.maas.aliyuncs.com/apps/anthropic/v1/messages"),
            ),
            (
                "https://coding-intl.dashscope.aliyuncs.com/v1",
                None,
                Some("https://coding-intl.dashscope.aliyuncs.com/apps/anthropic/v1/messages"),
            ),
            ("https://portal.qwen.ai/v1", None, None),
            ("http://127.0.0.1:9/compatible-mode/v1", None, None),
        ] {
            let parsed = BaseUrl::parse(base).unwrap();
            let known = catalog.endpoint_for_url(parsed.as_str());
            let formats = NativeFormats::of(known.as_ref(), &parsed).unwrap();
            let url = |format| formats.url(format).map(ToString::to_string);
            assert_eq!(url(Format::Responses).as_deref(), responses, "{base}");
            assert_eq!(url(Format::Messages).as_deref(), messages, "{base}");
            assert_eq!(url(Format::Chat), None);
        }
    }
}
