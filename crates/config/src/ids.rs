//! Identifiers: parsed once at the edge, valid from then on.

use std::fmt;

use crate::error::Error;

macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }
    };
}

/// The name of a provider, such as `qwen`: trimmed and lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(String);

/// The name of a model at its provider, such as `qwen3.5-plus` or `MiniMax-M2.5`: trimmed, case kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(String);

/// The name of a credential, such as `qwen:default`: trimmed, case kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(String);

/// The name of an agent, such as `main`. It is part of folder names, so only `[a-z0-9_-]`, at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(String);

text_id!(ProviderId);
text_id!(ModelId);
text_id!(ProfileId);
text_id!(AgentId);

impl ProviderId {
    /// Normalises and checks a provider name.
    ///
    /// # Errors
    /// [`Error::InvalidId`] when it is empty or contains `/`, blanks or control characters.
    pub fn new(text: &str) -> Result<Self, Error> {
        let id = text.trim().to_lowercase();
        let rule = "a name without blanks and `/`";
        check(&id, "provider id", rule, |id| !id.contains('/'))?;
        Ok(Self(id))
    }
}

impl ModelId {
    /// Trims and checks a model name.
    ///
    /// # Errors
    /// [`Error::InvalidId`] when it is empty or contains blanks or control characters.
    pub fn new(text: &str) -> Result<Self, Error> {
        let id = text.trim();
        check(id, "model id", "a name without blanks", |_| true)?;
        Ok(Self(id.to_owned()))
    }
}

impl ProfileId {
    /// Trims and checks a profile name.
    ///
    /// # Errors
    /// [`Error::InvalidId`] when it is empty or contains blanks or control characters.
    pub fn new(text: &str) -> Result<Self, Error> {
        let id = text.trim();
        check(
            id,
            "profile id",
            "a name without blanks, usually `provider:name`",
            |_| true,
        )?;
        Ok(Self(id.to_owned()))
    }

    /// Returns the id of the profile that onboarding writes for a provider: `<provider>:default`.
    pub fn default_of(provider: &ProviderId) -> Self {
        Self(format!("{provider}:default"))
    }
}

impl AgentId {
    /// Normalises and checks an agent name.
    ///
    /// # Errors
    /// [`Error::InvalidId`] when it does not consist of 1 to 64 of `[a-z0-9_-]`, the first a letter or digit.
    pub fn new(text: &str) -> Result<Self, Error> {
        let id = text.trim().to_ascii_lowercase();
        let rule = "1 to 64 letters, digits, `-` or `_`, not starting with `-` or `_`";
        check(&id, "agent id", rule, |id| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            id.len() <= 64
                && id.bytes().next().is_some_and(plain)
                && id
                    .bytes()
                    .all(|byte| plain(byte) || matches!(byte, b'-' | b'_'))
        })?;
        Ok(Self(id))
    }

    /// Returns the id of the agent that exists without configuration: `main`.
    pub fn main() -> Self {
        Self("main".to_owned())
    }
}

/// A model at a provider, written `provider/model`.
///
/// The model part may contain slashes itself (`openrouter/qwen/qwen3-coder`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelRef {
    /// The provider.
    pub provider: ProviderId,
    /// The model, as the provider calls it.
    pub model: ModelId,
}

impl ModelRef {
    /// Joins a provider and a model.
    pub fn new(provider: ProviderId, model: ModelId) -> Self {
        Self { provider, model }
    }

    /// Splits `text` where the longest known provider name ends, or at the first `/` when none is known.
    ///
    /// `known` is asked with normalised names, which may contain slashes here: custom providers are sometimes named
    /// like a path, and cutting such a name would send the request elsewhere.
    ///
    /// # Errors
    /// [`Error::InvalidId`] when there is no `/`, or a side is empty or malformed.
    pub fn split_with(text: &str, known: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let text = text.trim();
        let slashes = text.rmatch_indices('/').map(|(offset, _)| offset);
        let longest = slashes.into_iter().find(|offset| {
            let prefix = text.get(..*offset).unwrap_or_default();
            known(&prefix.trim().to_lowercase())
        });
        let Some(offset) = longest else {
            return text.parse();
        };
        let (provider, model) = text.split_at(offset);
        let provider = provider.trim().to_lowercase();
        check(&provider, "provider id", "a name without blanks", |_| true)?;
        Ok(Self {
            provider: ProviderId(provider),
            model: ModelId::new(model.get(1..).unwrap_or_default())?,
        })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

impl std::str::FromStr for ModelRef {
    type Err = Error;

    /// Splits at the first `/`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let rule = "`provider/model`";
        let invalid = || Error::InvalidId {
            kind: "model reference",
            value: text.to_owned(),
            rule,
        };
        let (provider, model) = text.split_once('/').ok_or_else(invalid)?;
        Ok(Self {
            provider: ProviderId::new(provider)?,
            model: ModelId::new(model)?,
        })
    }
}

fn check(
    id: &str,
    kind: &'static str,
    rule: &'static str,
    more: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    let printable = |c: char| !c.is_whitespace() && !c.is_control();
    if !id.is_empty() && id.chars().all(printable) && more(id) {
        return Ok(());
    }
    Err(Error::InvalidId {
        kind,
        value: id.to_owned(),
        rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises() {
        assert_eq!(ProviderId::new(" Qwen ").unwrap().as_str(), "qwen");
        assert_eq!(
            ModelId::new(" MiniMax-M2.5 ").unwrap().as_str(),
            "MiniMax-M2.5"
        );
        assert_eq!(AgentId::new("Main").unwrap(), AgentId::main());
        assert_eq!(
            "Qwen/GLM/x".parse::<ModelRef>().unwrap().to_string(),
            "qwen/GLM/x"
        );
    }

    #[test]
    fn refuses_what_is_unsafe() {
        for bad in ["", "..", "a/b", "a b", "-a", "é", &"a".repeat(65)] {
            assert!(AgentId::new(bad).is_err(), "{bad}");
        }
        for bad in ["", "a/b", "a b", "a\nb"] {
            assert!(ProviderId::new(bad).is_err(), "{bad}");
        }
        for bad in ["", "qwen", "/x", "x/", "x/ "] {
            assert!(bad.parse::<ModelRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_longest_known_provider_wins() {
        let known = |id: &str| matches!(id, "a" | "a/b");
        let split = |text: &str| {
            let reference = ModelRef::split_with(text, known).unwrap();
            (reference.provider.to_string(), reference.model.to_string())
        };
        let pair = |provider: &str, model: &str| (provider.to_owned(), model.to_owned());
        assert_eq!(split("A/B/c"), pair("a/b", "c"));
        assert_eq!(split("a/c/d"), pair("a", "c/d"));
        assert_eq!(split("x/y/z"), pair("x", "y/z"));
        assert!(ModelRef::split_with("a/b/", known).is_err());
    }
}
