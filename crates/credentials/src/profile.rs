//! A stored credential: what one entry of a profile store says.
//!
//! An entry has a kind (`api_key`, `token`, `oauth`), a provider, and the secret or a reference to it. Fields that this
//! program does not know are carried along, so that a rewrite never takes anything away from another program.

pub(crate) mod entry;

use std::fmt;

use config::{ProfileId, ProviderId, SecretRef};
use serde_json::{Map, Value};

pub use self::entry::EntryProblem;
use crate::secret::Secret;

/// The kind of a credential; the order is the order in which kinds are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A login that can be refreshed.
    OAuth,
    /// A bearer token that cannot be refreshed.
    Token,
    /// An API key.
    ApiKey,
}

impl Kind {
    /// Returns the name of the kind as stores and `auth.profiles` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OAuth => "oauth",
            Self::Token => "token",
            Self::ApiKey => "api_key",
        }
    }

    /// Returns the kind with this name, as stores and `auth.profiles` write it.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::OAuth, Self::Token, Self::ApiKey]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One entry of a profile store.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The name of the entry, unique in its store, by custom `provider:name`.
    pub id: ProfileId,
    /// The provider that the credential belongs to, as written in the entry.
    pub provider: ProviderId,
    /// The secret, or where it is.
    pub credential: Credential,
    /// What else the entry holds.
    pub unknown: UnknownFields,
}

impl Profile {
    /// Makes an API key profile without further fields.
    pub fn api_key(id: ProfileId, provider: ProviderId, key: HeldSecret) -> Self {
        Self {
            id,
            provider,
            credential: Credential::ApiKey { key },
            unknown: UnknownFields::default(),
        }
    }

    /// Returns the kind of the credential.
    pub fn kind(&self) -> Kind {
        match self.credential {
            Credential::ApiKey { .. } => Kind::ApiKey,
            Credential::Token { .. } => Kind::Token,
            Credential::OAuth(_) => Kind::OAuth,
        }
    }

    /// Returns when the credential ends.
    pub fn expiry(&self) -> Expiry {
        match &self.credential {
            Credential::ApiKey { .. } => Expiry::Never,
            Credential::Token { expiry, .. } => *expiry,
            Credential::OAuth(login) => login.expiry,
        }
    }
}

/// The secret part of a profile.
#[derive(Debug, Clone, PartialEq)]
pub enum Credential {
    /// A key without end.
    ApiKey {
        /// The key.
        key: HeldSecret,
    },
    /// A bearer token that cannot be refreshed.
    Token {
        /// The token.
        token: HeldSecret,
        /// When it ends.
        expiry: Expiry,
    },
    /// A login with an access token and usually a refresh token.
    OAuth(Login),
}

/// The tokens of an OAuth login.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// The token that requests carry.
    pub access: Option<Secret>,
    /// The token that buys the next access token.
    pub refresh: Option<Secret>,
    /// When the access token ends.
    pub expiry: Expiry,
}

/// A secret in the entry itself, or a reference to it.
#[derive(Debug, Clone, PartialEq)]
pub enum HeldSecret {
    /// The entry holds the secret in clear text.
    Inline(Secret),
    /// The entry says where the secret is.
    Reference(SecretRef),
    /// The entry holds neither.
    Missing,
}

/// When a credential ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// The entry names no end.
    Never,
    /// It ends at this time, in milliseconds since 1970 UTC, always above 0.
    AtMs(u64),
    /// The entry names an end that is no time: zero, negative or not a number.
    Invalid,
}

impl Expiry {
    /// Tells whether the end has come; an invalid end always has.
    pub fn is_past(self, now_ms: u64) -> bool {
        match self {
            Self::Never => false,
            Self::AtMs(at_ms) => now_ms >= at_ms,
            Self::Invalid => true,
        }
    }

    /// Returns the end in milliseconds since 1970 UTC, if there is a valid one.
    pub fn at_ms(self) -> Option<u64> {
        match self {
            Self::AtMs(at_ms) => Some(at_ms),
            Self::Never | Self::Invalid => None,
        }
    }
}

/// Fields of an entry that this program does not interpret; their values may be secret and are never shown.
#[derive(Clone, Default, PartialEq)]
pub struct UnknownFields(pub(crate) Map<String, Value>);

impl UnknownFields {
    /// Returns the text of a field, if there is a field of this name and it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}

impl fmt::Debug for UnknownFields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Drop for UnknownFields {
    fn drop(&mut self) {
        self.0.values_mut().for_each(crate::document::wipe);
    }
}
