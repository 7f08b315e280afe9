//! The JSON form of a profile: tolerant when reading, exact when writing, unknown fields untouched.

use config::{ProfileId, ProviderId, SecretInput, SecretRef};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Credential, Expiry, HeldSecret, Kind, Login, Profile, UnknownFields};
use crate::secret::Secret;

/// Fields with a meaning of their own; all others are unknown fields.
const KNOWN_FIELDS: &[&str] = &[
    "type", "mode", "provider", "key", "apiKey", "keyRef", "token", "tokenRef", "access",
    "refresh", "expires",
];

/// Why an entry of a store is not a usable profile; such entries are skipped, counted, and left where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryProblem {
    /// The entry is not an object.
    #[error("not an object")]
    NotAnObject,
    /// The name of the entry cannot be the id of a profile.
    #[error("not a usable profile id")]
    BadId,
    /// The entry has no kind, or one that is not known.
    #[error("unknown `type`")]
    BadType,
    /// The entry names no provider.
    #[error("missing `provider`")]
    NoProvider,
}

impl Profile {
    /// Reads the entry called `id`.
    pub(crate) fn from_entry(id: &str, entry: &Value) -> Result<Self, EntryProblem> {
        let fields = entry.as_object().ok_or(EntryProblem::NotAnObject)?;
        let id = ProfileId::new(id).map_err(|_| EntryProblem::BadId)?;
        let kind = text(fields, "type")
            .or_else(|| text(fields, "mode"))
            .and_then(Kind::from_name)
            .ok_or(EntryProblem::BadType)?;
        let provider = text(fields, "provider")
            .and_then(|provider| ProviderId::new(provider).ok())
            .ok_or(EntryProblem::NoProvider)?;
        let credential = match kind {
            Kind::ApiKey => Credential::ApiKey {
                key: held_secret(fields, &["key", "apiKey"], "keyRef"),
            },
            Kind::Token => Credential::Token {
                token: held_secret(fields, &["token"], "tokenRef"),
                expiry: expiry(fields),
            },
            Kind::OAuth => Credential::OAuth(Login {
                access: secret(fields, "access"),
                refresh: secret(fields, "refresh"),
                expiry: expiry(fields),
            }),
        };
        Ok(Self {
            id,
            provider,
            credential,
            unknown: unknown_fields(fields),
        })
    }

    /// Writes the profile over `entry`, which keeps its unknown fields and the order of its fields.
    ///
    /// Fields of another kind, tolerated spellings, and a secret that a reference replaces are removed.
    pub(crate) fn merge_into(&self, entry: &mut Map<String, Value>) {
        let fields = self.known_fields();
        for stale in KNOWN_FIELDS
            .iter()
            .filter(|name| !fields.iter().any(|(known, _)| known == *name))
        {
            if let Some(mut value) = entry.shift_remove(*stale) {
                crate::document::wipe(&mut value);
            }
        }
        for (name, value) in fields {
            if let Some(mut old) = entry.insert(name.to_owned(), value) {
                crate::document::wipe(&mut old);
            }
        }
        for (name, value) in &self.unknown.0 {
            entry.insert(name.clone(), value.clone());
        }
    }

    fn known_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("type", Value::from(self.kind().as_str())),
            ("provider", Value::from(self.provider.as_str())),
        ];
        match &self.credential {
            Credential::ApiKey { key } => fields.extend(held_field(key, "key", "keyRef")),
            Credential::Token { token, expiry } => {
                fields.extend(held_field(token, "token", "tokenRef"));
                fields.extend(expiry_field(*expiry));
            }
            Credential::OAuth(login) => {
                fields.extend(
                    login
                        .access
                        .as_ref()
                        .map(|access| ("access", Value::from(access.expose()))),
                );
                fields.extend(
                    login
                        .refresh
                        .as_ref()
                        .map(|refresh| ("refresh", Value::from(refresh.expose()))),
                );
                fields.extend(expiry_field(login.expiry));
            }
        }
        fields
    }
}

fn held_field(
    held: &HeldSecret,
    inline: &'static str,
    reference: &'static str,
) -> Option<(&'static str, Value)> {
    match held {
        HeldSecret::Inline(secret) => Some((inline, Value::from(secret.expose()))),
        HeldSecret::Reference(key_reference) => Some((reference, reference_value(key_reference))),
        HeldSecret::Missing => None,
    }
}

fn expiry_field(expiry: Expiry) -> Option<(&'static str, Value)> {
    match expiry {
        Expiry::AtMs(at_ms) => Some(("expires", Value::from(at_ms))),
        Expiry::Never => None,
        // An end that is no time is written as one, so that a rewrite does not make the credential endless.
        Expiry::Invalid => Some(("expires", Value::from(0))),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

fn secret(fields: &Map<String, Value>, name: &str) -> Option<Secret> {
    text(fields, name)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| Secret::new(text.to_owned()))
}

/// Reads a reference before an inline secret, because a save would drop the inline one.
fn held_secret(fields: &Map<String, Value>, inline: &[&str], reference: &str) -> HeldSecret {
    if let Some(reference) = fields.get(reference).and_then(read_reference) {
        return HeldSecret::Reference(reference);
    }
    inline
        .iter()
        .find_map(|name| secret(fields, name))
        .map_or(HeldSecret::Missing, HeldSecret::Inline)
}

fn read_reference(value: &Value) -> Option<SecretRef> {
    match SecretInput::read(value) {
        Ok(SecretInput::Ref(reference)) => Some(reference),
        Ok(SecretInput::Plain(_) | SecretInput::EnvTemplate(_)) | Err(_) => None,
    }
}

fn reference_value(reference: &SecretRef) -> Value {
    serde_json::json!({
        "source": reference.source.as_str(),
        "provider": reference.provider,
        "id": reference.id,
    })
}

fn expiry(fields: &Map<String, Value>) -> Expiry {
    match fields.get("expires") {
        None | Some(Value::Null) => Expiry::Never,
        Some(value) => whole_ms(value)
            .filter(|at_ms| *at_ms > 0)
            .map_or(Expiry::Invalid, Expiry::AtMs),
    }
}

/// Reads a time in milliseconds, which `JavaScript` may have written with a fraction.
pub(crate) fn whole_ms(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value
            .as_f64()
            .filter(|number| number.is_finite() && *number >= 0.0)?;
        format!("{:.0}", number.trunc()).parse().ok()
    })
}

fn unknown_fields(fields: &Map<String, Value>) -> UnknownFields {
    UnknownFields(
        fields
            .iter()
            .filter(|(name, _)| !KNOWN_FIELDS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}
