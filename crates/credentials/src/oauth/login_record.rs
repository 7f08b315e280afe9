//! The record of one login: what was spent, what came back, and whether the server has refused it.
//!
//! It stands beside the store, in `oauth-refresh/<profile>.json`, and is written under the lock of the refresh. It is
//! what makes a refresh survive a kill, and another program that puts old tokens back into the store: the last answer
//! of the server stays here until the next one. Losing the record loses nothing but that safety, so a broken one counts
//! as none.

use std::path::{Path, PathBuf};

use config::{AgentId, Home, ProfileId};
use secrecy::zeroize::Zeroizing;
use serde_json::{Map, Value, json};

use crate::document::wipe;
use crate::error::Error;
use crate::profile::{Expiry, Login};
use crate::secret::Secret;
use crate::store_file;

use super::token_hash::TokenHash;

/// The name of the folder beside the store.
const FOLDER: &str = "oauth-refresh";

/// How many spent tokens are remembered.
const SPENT_MAX: usize = 16;

/// The longest file name made from a profile id, in bytes; longer ids end in a hash.
const NAME_BYTES_MAX: usize = 120;

/// What is known about one login beside its tokens.
#[derive(Debug, Default)]
pub(super) struct LoginRecord {
    /// The refresh that was begun and not ended.
    pub(super) attempt: Option<Attempt>,
    /// What the last refresh, or the login itself, brought.
    pub(super) rotation: Option<Rotation>,
    /// Refresh tokens that were exchanged for others, oldest first.
    pub(super) spent: Vec<TokenHash>,
    /// The refusal of the identity server.
    pub(super) revoked: Option<(TokenHash, Revocation)>,
}

/// A refresh that was begun.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// The token that it spends.
    pub(super) spends: TokenHash,
    /// When it began, in milliseconds since 1970 UTC.
    pub(super) started_at_ms: u64,
}

/// Tokens as the server gave them.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// The tokens.
    pub(super) login: Login,
    /// How long the access token lives, in milliseconds.
    pub(super) lifetime_ms: u64,
    /// The host that it is for.
    pub(super) resource_url: Option<String>,
}

/// The refusal of a refresh token by the identity server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When the server refused it, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The status of the answer.
    pub status: u16,
    /// The error code in it, such as `invalid_grant`.
    pub code: Option<String>,
    /// When a refresh was cut off after which the token may have been spent already, in milliseconds since 1970 UTC.
    pub interrupted_at_ms: Option<u64>,
}

/// Returns where the record of a login is.
pub(super) fn path(home: &Home, owner: &AgentId, id: &ProfileId) -> PathBuf {
    let name = format!("{}.json", file_name(id));
    home.agent_dir(owner).join(FOLDER).join(name)
}

/// Returns a name for files that belong to a profile: letters, digits and `.-_` stay, the rest is `%xx`.
pub(super) fn file_name(id: &ProfileId) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let name: String = id
        .as_str()
        .bytes()
        .map(|byte| {
            if is_plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02x}")
            }
        })
        .collect();
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let hash = TokenHash::of(&Secret::new(name.clone()));
    format!(
        "{}-{}",
        name.get(..NAME_BYTES_MAX / 2).unwrap_or_default(),
        hash.as_str().get(..32).unwrap_or_default()
    )
}

impl LoginRecord {
    /// Reads a record; one that is missing or broken is empty.
    pub(super) fn load(path: &Path) -> Self {
        let Ok(Some(file)) = store_file::read(path) else {
            return Self::default();
        };
        let Ok(mut value) = serde_json::from_str::<Value>(&file.text) else {
            return Self::default();
        };
        let record = value.as_object().map(Self::from_root).unwrap_or_default();
        wipe(&mut value);
        record
    }

    /// Writes the record; it is on disk when this returns.
    pub(super) fn save(&self, path: &Path) -> Result<(), Error> {
        let write_error = |source| Error::WriteStore {
            path: path.to_owned(),
            source: Box::new(source),
        };
        if let Some(folder) = path.parent() {
            config::create_private_folder(folder).map_err(write_error)?;
        }
        let mut value = self.to_value();
        let text = serde_json::to_string_pretty(&value).map(Zeroizing::new);
        wipe(&mut value);
        let text = text.map_err(|source| Error::EncodeStore {
            path: path.to_owned(),
            source,
        })?;
        config::write_atomic(path, text.as_bytes(), config::FILE_MODE_SECRET).map_err(write_error)
    }

    /// Notes what came back for the token that was spent.
    pub(super) fn rotate(&mut self, spent: &Secret, rotation: Rotation) {
        let hash = TokenHash::of(spent);
        // A server that does not rotate gives the same token again: it is not spent.
        if rotation.login.refresh.as_ref() != Some(spent) {
            self.spent.retain(|known| *known != hash);
            self.spent.push(hash);
            let excess = self.spent.len().saturating_sub(SPENT_MAX);
            self.spent.drain(..excess);
        }
        self.attempt = None;
        self.revoked = None;
        self.rotation = Some(rotation);
    }

    /// Tells whether the token was exchanged for another one.
    pub(super) fn has_spent(&self, token: &Secret) -> bool {
        self.spent.contains(&TokenHash::of(token))
    }

    /// Returns the answer of the server that the store should hold instead of `stored`, if it does not.
    pub(super) fn newer_than(&self, stored: &Login) -> Option<&Rotation> {
        let rotation = self.rotation.as_ref()?;
        let held = stored.refresh.as_ref()?;
        let is_same_token = rotation.login.refresh.as_ref() == Some(held);
        let is_later = rotation.login.expiry.at_ms() > stored.expiry.at_ms();
        let is_behind = if is_same_token {
            is_later && rotation.login.access != stored.access
        } else {
            self.has_spent(held)
        };
        is_behind.then_some(rotation)
    }

    /// Returns the answer of the server that brought these tokens.
    pub(super) fn origin_of(&self, login: &Login) -> Option<&Rotation> {
        self.rotation
            .as_ref()
            .filter(|rotation| rotation.login == *login)
    }

    /// Returns the refusal of this token.
    pub(super) fn revocation_of(&self, token: Option<&Secret>) -> Option<&Revocation> {
        let (hash, revocation) = self.revoked.as_ref()?;
        (TokenHash::of(token?) == *hash).then_some(revocation)
    }

    /// Returns when a refresh with this token was begun and not ended.
    pub(super) fn interruption_of(&self, token: Option<&Secret>) -> Option<u64> {
        let attempt = self.attempt.as_ref()?;
        (TokenHash::of(token?) == attempt.spends).then_some(attempt.started_at_ms)
    }

    fn from_root(root: &Map<String, Value>) -> Self {
        let object = |name: &str| root.get(name).and_then(Value::as_object);
        let hashes = root.get("spent").and_then(Value::as_array);
        Self {
            attempt: object("attempt").and_then(attempt),
            rotation: object("rotation").and_then(rotation),
            spent: hashes
                .into_iter()
                .flatten()
                .filter_map(|hash| hash.as_str().map(TokenHash::from_text))
                .collect(),
            revoked: object("revoked").and_then(revocation),
        }
    }

    fn to_value(&self) -> Value {
        let spent: Vec<_> = self.spent.iter().map(TokenHash::as_str).collect();
        let attempt = self.attempt.as_ref().map(
            |attempt| json!({"spends": attempt.spends.as_str(), "startedAt": attempt.started_at_ms}),
        );
        let rotation = self.rotation.as_ref().map(|rotation| {
            let login = &rotation.login;
            json!({
                "access": login.access.as_ref().map(Secret::expose),
                "refresh": login.refresh.as_ref().map(Secret::expose),
                "expires": login.expiry.at_ms(),
                "lifetimeMs": rotation.lifetime_ms,
                "resourceUrl": rotation.resource_url,
            })
        });
        let revoked = self.revoked.as_ref().map(|(hash, revocation)| {
            json!({
                "refresh": hash.as_str(),
                "at": revocation.at_ms,
                "status": revocation.status,
                "code": revocation.code,
                "interruptedAt": revocation.interrupted_at_ms,
            })
        });
        json!({"version": 1, "attempt": attempt, "rotation": rotation, "spent": spent, "revoked": revoked})
    }
}

fn attempt(fields: &Map<String, Value>) -> Option<Attempt> {
    Some(Attempt {
        spends: TokenHash::from_text(text(fields, "spends")?),
        started_at_ms: number(fields, "startedAt")?,
    })
}

fn rotation(fields: &Map<String, Value>) -> Option<Rotation> {
    let secret = |name: &str| text(fields, name).map(|text| Secret::new(text.to_owned()));
    Some(Rotation {
        login: Login {
            access: Some(secret("access")?),
            refresh: Some(secret("refresh")?),
            expiry: Expiry::AtMs(number(fields, "expires").filter(|at_ms| *at_ms > 0)?),
        },
        lifetime_ms: number(fields, "lifetimeMs")?,
        resource_url: text(fields, "resourceUrl").map(str::to_owned),
    })
}

fn revocation(fields: &Map<String, Value>) -> Option<(TokenHash, Revocation)> {
    let revocation = Revocation {
        at_ms: number(fields, "at")?,
        status: u16::try_from(number(fields, "status")?).ok()?,
        code: text(fields, "code").map(str::to_owned),
        interrupted_at_ms: number(fields, "interruptedAt"),
    };
    Some((TokenHash::from_text(text(fields, "refresh")?), revocation))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn number(fields: &Map<String, Value>, name: &str) -> Option<u64> {
    fields.get(name).and_then(Value::as_u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn login(access: &str, refresh: &str, at_ms: u64) -> Login {
        Login {
            access: Some(secret(access)),
            refresh: Some(secret(refresh)),
            expiry: Expiry::AtMs(at_ms),
        }
    }

    fn rotated() -> LoginRecord {
        let mut record = LoginRecord::default();
        let rotation = Rotation {
            login: login("a1", "r1", 100),
            lifetime_ms: 60,
            resource_url: Some("h".to_owned()),
        };
        record.rotate(&secret("r0"), rotation);
        record
    }

    #[test]
    fn a_record_is_read_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("a.json");
        let mut record = rotated();
        record.attempt = Some(Attempt {
            spends: TokenHash::of(&secret("r1")),
            started_at_ms: 7,
        });
        let revocation = Revocation {
            at_ms: 9,
            status: 400,
            code: Some("invalid_grant".to_owned()),
            interrupted_at_ms: Some(7),
        };
        record.revoked = Some((TokenHash::of(&secret("r1")), revocation.clone()));
        record.save(&path).unwrap();
        let read = LoginRecord::load(&path);
        assert_eq!(read.to_value(), record.to_value());
        assert_eq!(read.revocation_of(Some(&secret("r1"))), Some(&revocation));
        assert_eq!(read.revocation_of(Some(&secret("r2"))), None);
        assert_eq!(read.interruption_of(Some(&secret("r1"))), Some(7));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("r0"), "a spent token is only a hash");
    }

    #[test]
    fn broken_records_are_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for text in [
            "",
            "{",
            "[]",
            "null",
            r#"{"rotation":{"access":"a"},"spent":3,"revoked":[]}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            let record = LoginRecord::load(&path);
            assert_eq!(record.to_value(), LoginRecord::default().to_value());
        }
    }

    #[test]
    fn a_store_that_was_put_back_is_noticed() {
        let record = rotated();
        let is_behind = |stored: &Login| record.newer_than(stored).is_some();
        assert!(is_behind(&login("a0", "r0", 50)));
        assert!(is_behind(&login("a0", "r0", 500)), "whatever its end");
        assert!(is_behind(&login("a0", "r1", 50)), "half put back");
        assert!(!is_behind(&login("a1", "r1", 100)));
        assert!(!is_behind(&login("a2", "r1", 200)), "renewed by another");
        assert!(!is_behind(&login("b1", "s1", 50)), "a new login");
    }

    #[test]
    fn a_server_that_does_not_rotate_spends_nothing() {
        let mut record = LoginRecord::default();
        let rotation = Rotation {
            login: login("a1", "r0", 100),
            lifetime_ms: 60,
            resource_url: None,
        };
        record.rotate(&secret("r0"), rotation);
        assert!(!record.has_spent(&secret("r0")));
    }

    #[test]
    fn few_spent_tokens_are_remembered() {
        let mut record = LoginRecord::default();
        for generation in 0..40 {
            let rotation = Rotation {
                login: login("a", &format!("r{}", generation + 1), 100),
                lifetime_ms: 60,
                resource_url: None,
            };
            record.rotate(&secret(&format!("r{generation}")), rotation);
        }
        assert_eq!(record.spent.len(), SPENT_MAX);
        assert!(record.has_spent(&secret("r39")) && !record.has_spent(&secret("r3")));
    }

    #[test]
    fn file_names_are_plain_short_and_different() {
        let name = |id: &str| file_name(&ProfileId::new(id).unwrap());
        assert_eq!(name("qwen-portal:default"), "qwen-portal%3adefault");
        assert_eq!(name("../../x"), "..%2f..%2fx");
        let long = "é".repeat(300);
        assert!(name(&long).len() <= NAME_BYTES_MAX);
        assert_ne!(name(&long), name(&format!("{long}x")));
    }
}
