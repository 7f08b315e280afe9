//! Why there is no access token at the moment.

use std::sync::Arc;

use config::{ProfileId, ProviderId};
use thiserror::Error;

use crate::error::Error;

use super::transport::CauseClass;

/// Why a login gives no access token; it goes to everybody who waits for the same flight.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// No store of the agent holds the profile.
    #[error("no store holds the login `{id}`")]
    NotFound {
        /// The profile.
        id: ProfileId,
    },
    /// The profile is a key or a token.
    #[error("the profile `{id}` is not a login")]
    NotALogin {
        /// The profile.
        id: ProfileId,
    },
    /// The catalog knows no identity server for the provider.
    #[error("no identity server is known for provider `{provider}`")]
    NoIdentityServer {
        /// The provider of the profile.
        provider: ProviderId,
    },
    /// The access token has ended and nothing can renew it.
    #[error("the login `{id}` has expired and cannot be renewed")]
    Expired {
        /// The profile.
        id: ProfileId,
        /// What a person must do.
        repair: String,
    },
    /// The identity server does not accept the refresh token any more.
    #[error("the identity server no longer accepts the login `{id}`")]
    Revoked {
        /// The profile.
        id: ProfileId,
        /// What a person must do.
        repair: String,
        /// When it said so, in milliseconds since 1970 UTC.
        at_ms: u64,
        /// When a refresh was cut off after which the token may have been spent already, if so; in the same unit.
        interrupted_at_ms: Option<u64>,
    },
    /// The identity server could not be asked, or could not answer; a later try may succeed.
    #[error("oauth refresh of `{id}` failed: {cause}{}", status.map_or_else(String::new, |status| format!(" (HTTP {status})")))]
    Passing {
        /// The profile.
        id: ProfileId,
        /// The kind of the failure.
        cause: CauseClass,
        /// The status of the answer, if there was one.
        status: Option<u16>,
    },
    /// Another process kept the lock of the refresh for too long.
    #[error("another process has been refreshing `{id}` for too long")]
    Busy {
        /// The profile.
        id: ProfileId,
    },
    /// A store could not be read or written. Before a call this means that nothing was spent; after it, that the new
    /// tokens are kept in memory and written with the next try.
    #[error("oauth refresh of `{id}` cannot use its store")]
    Store {
        /// The profile.
        id: ProfileId,
        /// What went wrong.
        source: Arc<Error>,
    },
    /// The new access token is the very one that the service has rejected.
    #[error("the service rejects the login `{id}` even after a refresh")]
    StillRejected {
        /// The profile.
        id: ProfileId,
    },
    /// The task that did the refresh ended without a result.
    #[error("the refresh of `{id}` was cut off")]
    CutOff {
        /// The profile.
        id: ProfileId,
    },
}

impl RefreshError {
    /// Tells whether a later try may succeed without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Passing { .. }
            | Self::Busy { .. }
            | Self::Store { .. }
            | Self::StillRejected { .. }
            | Self::CutOff { .. } => true,
            Self::NotFound { .. }
            | Self::NotALogin { .. }
            | Self::NoIdentityServer { .. }
            | Self::Expired { .. }
            | Self::Revoked { .. } => false,
        }
    }

    /// Returns the kind of the failure at the identity server; `None` when the server had no part in it.
    pub fn cause(&self) -> Option<CauseClass> {
        match self {
            Self::Passing { cause, .. } => Some(*cause),
            Self::Revoked { .. } => Some(CauseClass::Refused),
            _ => None,
        }
    }

    /// Returns what a person can do, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Expired { repair, .. } | Self::Revoked { repair, .. } => Some(repair.clone()),
            Self::Store { source, .. } => source.hint(),
            _ => None,
        }
    }
}
