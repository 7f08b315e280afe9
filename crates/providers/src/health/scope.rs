//! What a failure is about: the branches of the breaker tree.

use std::fmt;
use std::sync::Arc;

use catalog::ErrorScope;
use serde::{Deserialize, Serialize};

/// What a breaker is about. A request meets four of them: its host, its account, its key on the host, and its model with
/// that key there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum Scope {
    /// Everything on a host.
    Host {
        /// Host and port.
        host: Arc<str>,
    },
    /// Everything of the account behind a key, wherever it is used.
    Account {
        /// The key's [identity](Branches::key).
        key: Arc<str>,
    },
    /// Everything a key does on a host.
    Key {
        /// The key's identity.
        key: Arc<str>,
        /// Host and port.
        host: Arc<str>,
    },
    /// One model with one key on one host.
    Model {
        /// The key's identity.
        key: Arc<str>,
        /// Host and port.
        host: Arc<str>,
        /// Model id as the host knows it.
        model: Arc<str>,
    },
}

/// The branches of the tree that a candidate is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branches {
    /// Host and port.
    pub host: Arc<str>,
    /// What tells one key from another: a part of its hash, or the name of a login. A key that is replaced is another one,
    /// and starts without a past.
    pub key: Arc<str>,
    /// Model id as the host knows it.
    pub model: Arc<str>,
}

impl Branches {
    /// Returns all of them, the widest first.
    pub fn scopes(&self) -> [Scope; 4] {
        [
            self.host_scope(),
            self.account_scope(),
            self.key_scope(),
            self.model_scope(),
        ]
    }

    /// Returns the branch that a failure of this reach is about; none when it is about the request alone.
    pub fn scope(&self, reach: ErrorScope) -> Option<Scope> {
        match reach {
            ErrorScope::Host => Some(self.host_scope()),
            ErrorScope::Account => Some(self.account_scope()),
            ErrorScope::Key => Some(self.key_scope()),
            ErrorScope::Model => Some(self.model_scope()),
            ErrorScope::Request => None,
        }
    }

    fn host_scope(&self) -> Scope {
        Scope::Host {
            host: Arc::clone(&self.host),
        }
    }

    fn account_scope(&self) -> Scope {
        Scope::Account {
            key: Arc::clone(&self.key),
        }
    }

    fn key_scope(&self) -> Scope {
        Scope::Key {
            key: Arc::clone(&self.key),
            host: Arc::clone(&self.host),
        }
    }

    fn model_scope(&self) -> Scope {
        Scope::Model {
            key: Arc::clone(&self.key),
            host: Arc::clone(&self.host),
            model: Arc::clone(&self.model),
        }
    }
}

impl Scope {
    /// Returns the host and port it is about; none for an account.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Host { host } | Self::Key { host, .. } | Self::Model { host, .. } => Some(host),
            Self::Account { .. } => None,
        }
    }

    /// Returns the word for the kind of branch.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Host { .. } => ErrorScope::Host.as_str(),
            Self::Account { .. } => ErrorScope::Account.as_str(),
            Self::Key { .. } => ErrorScope::Key.as_str(),
            Self::Model { .. } => ErrorScope::Model.as_str(),
        }
    }
}

/// A name that no other branch has, such as `model:3f2a…@dashscope-intl.aliyuncs.com/qwen3.5-plus`.
impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Host { host } => write!(formatter, "{kind}:{host}"),
            Self::Account { key } => write!(formatter, "{kind}:{key}"),
            Self::Key { key, host } => write!(formatter, "{kind}:{key}@{host}"),
            Self::Model { key, host, model } => write!(formatter, "{kind}:{key}@{host}/{model}"),
        }
    }
}
