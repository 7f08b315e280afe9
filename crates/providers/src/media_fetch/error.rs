//! Why a medium was not fetched.

use crate::http_client::{BoxError, SendError};
use crate::media_type::MediaKind;

use super::guard::InnerAddress;

/// Why a medium was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The text is not a URL.
    #[error("`{0}` is not a URL")]
    NotAUrl(String),
    /// The scheme is neither `http` nor `https`.
    #[error("`{0}` URLs are not fetched, only http and https")]
    Scheme(String),
    /// The URL carries a user name or password.
    #[error("a URL with a user name or password is not fetched")]
    UserInfo,
    /// The name belongs to a local network.
    #[error("{0} is a name of this machine or its network")]
    InnerName(String),
    /// The address is not on the public internet.
    #[error(transparent)]
    InnerAddress(InnerAddress),
    /// A redirect leads from https to http.
    #[error("a redirect of {0} leads from https to http")]
    Downgrade(String),
    /// A redirect leads nowhere, or there are too many.
    #[error("{host} redirects {what}")]
    Redirect {
        /// The host.
        host: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The host answered with an error.
    #[error("{host} answered {status}")]
    Status {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// The file is over the limit.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The bytes are not of a wanted kind.
    #[error("the file is {found}, not {wanted}")]
    WrongKind {
        /// What it is.
        found: &'static str,
        /// What was wanted.
        wanted: String,
    },
    /// The deadline passed.
    #[error("{0} did not deliver the file in time")]
    Late(String),
    /// The host could not be reached.
    #[error("cannot connect to {host}: {cause}")]
    Connect {
        /// The host.
        host: String,
        /// Why.
        cause: String,
    },
    /// The connection broke.
    #[error("the connection to {host} broke: {cause}")]
    Broken {
        /// The host.
        host: String,
        /// Why.
        cause: String,
    },
}

impl FetchError {
    /// Says whether the URL itself is refused, whoever answers there.
    pub fn is_refused(&self) -> bool {
        matches!(
            self,
            Self::NotAUrl(_)
                | Self::Scheme(_)
                | Self::UserInfo
                | Self::InnerName(_)
                | Self::InnerAddress(_)
                | Self::Downgrade(_)
        )
    }

    pub(super) fn of_send(host: &str, error: &SendError) -> Self {
        let host = host.to_owned();
        match error {
            SendError::Connect(cause) => match inner_address(cause) {
                Some(inner) => Self::InnerAddress(inner.clone()),
                None => Self::Connect {
                    host,
                    cause: error.to_string(),
                },
            },
            SendError::Tls(_) | SendError::NoHost => Self::Connect {
                host,
                cause: error.to_string(),
            },
            SendError::Transport(_) => Self::Broken {
                host,
                cause: error.to_string(),
            },
        }
    }

    pub(super) fn wrong_kind(found: Option<MediaKind>, wanted: &[MediaKind]) -> Self {
        Self::WrongKind {
            found: found.map_or("of no known format", MediaKind::name),
            wanted: MediaKind::list(wanted),
        }
    }
}

/// Finds a refusal of the guard below the layers of TLS and proxy.
fn inner_address(error: &BoxError) -> Option<&InnerAddress> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&**error);
    while let Some(error) = cause {
        if let Some(inner) = error.downcast_ref() {
            return Some(inner);
        }
        cause = error.source();
    }
    None
}
