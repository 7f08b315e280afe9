//! The one place that joins a base URL and a path.
//!
//! Users paste base URLs with and without a trailing slash, with a full endpoint path, or with a stray query; every
//! part of the product that calls an upstream goes through [`BaseUrl`], so that text, vision and probes cannot differ.

use http::Uri;

/// A validated `http` or `https` base URL, kept without trailing slash, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: String,
    https: bool,
}

/// Why a text cannot be used as a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The text is not a URL with a host.
    #[error("`{0}` is not a URL with a host")]
    Unparsable(String),
    /// The scheme is neither `http` nor `https`.
    #[error("`{0}` must start with `https://` or `http://`")]
    Scheme(String),
    /// The URL carries a user name or password, which would end up in logs.
    #[error("a base URL must not carry a user name or password")]
    UserInfo,
    /// The host has no such surface.
    #[error("{host} does not offer the vendor's own interface, only the OpenAI-compatible one")]
    NoSuchSurface {
        /// The host.
        host: String,
    },
}

/// Paths of the OpenAI-compatible surface, relative to a base URL.
pub mod path {
    /// Chat completions.
    pub const CHAT_COMPLETIONS: &str = "/chat/completions";
    /// The model list.
    pub const MODELS: &str = "/models";
    /// Anthropic Messages, relative to that surface.
    pub const MESSAGES: &str = "/v1/messages";
}

impl BaseUrl {
    /// Parses what a person or a config gives as base URL. A missing scheme means `https`; a trailing endpoint path
    /// such as `/chat/completions` is dropped.
    ///
    /// # Errors
    /// [`UrlError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let uri: Uri = with_scheme
            .parse()
            .map_err(|_| UrlError::Unparsable(text.to_owned()))?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(UrlError::Scheme(text.to_owned())),
        };
        let authority = uri
            .authority()
            .ok_or_else(|| UrlError::Unparsable(text.to_owned()))?;
        if authority.as_str().contains('@') {
            return Err(UrlError::UserInfo);
        }
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() {
            return Err(UrlError::Unparsable(text.to_owned()));
        }
        let port = authority
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let path = uri.path().trim_end_matches('/');
        let path = path
            .strip_suffix(path::CHAT_COMPLETIONS)
            .unwrap_or(path)
            .trim_end_matches('/');
        let scheme = if https { "https" } else { "http" };
        Ok(Self {
            text: format!("{scheme}://{host}{port}{path}"),
            host,
            https,
        })
    }

    /// Returns the normalised text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host name in lower case, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Says whether calls are encrypted.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Returns the URL without its final `suffix`; none when it does not end like that.
    pub fn without_suffix(&self, suffix: &str) -> Option<Self> {
        let text = self.text.strip_suffix(suffix)?;
        Some(Self {
            text: text.to_owned(),
            ..self.clone()
        })
    }

    /// Returns the URL of `path`, which starts with a slash.
    ///
    /// # Errors
    /// [`UrlError::Unparsable`] when the path holds characters a URL cannot.
    pub fn join(&self, path: &str) -> Result<Uri, UrlError> {
        let joined = format!("{}{path}", self.text);
        joined.parse().map_err(|_| UrlError::Unparsable(joined))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_every_spelling_to_the_same_url() {
        let expected = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions";
        for text in [
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1//",
            " https://DASHSCOPE-intl.aliyuncs.com./compatible-mode/v1#x ",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1?a=b",
            "dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions",
        ] {
            let url = BaseUrl::parse(text)
                .unwrap()
                .join(path::CHAT_COMPLETIONS)
                .unwrap();
            assert_eq!(url.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_web_address() {
        assert_eq!(
            BaseUrl::parse("ftp://x/v1"),
            Err(UrlError::Scheme("ftp://x/v1".into()))
        );
        assert_eq!(BaseUrl::parse("https://a:b@x/v1"), Err(UrlError::UserInfo));
        assert!(matches!(
            BaseUrl::parse("https://"),
            Err(UrlError::Unparsable(_))
        ));
        assert!(matches!(BaseUrl::parse(""), Err(UrlError::Unparsable(_))));
    }

    #[test]
    fn keeps_ports_and_plain_http() {
        let base = BaseUrl::parse("http://127.0.0.1:9100/v1").unwrap();
        assert_eq!(
            (base.as_str(), base.host(), base.is_https()),
            ("http://127.0.0.1:9100/v1", "127.0.0.1", false)
        );
    }
}
