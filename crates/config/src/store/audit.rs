//! One line per config write in `logs/config-audit.jsonl`, in the form `OpenClaw` uses.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::WriteOrigin;
use crate::error::Error;
use crate::file;
use crate::text::ConfigText;

/// Appends the line about a write that has been done.
pub(super) fn append(
    log_dir: &Path,
    base: &ConfigText,
    new: &ConfigText,
    origin: &WriteOrigin,
) -> Result<(), Error> {
    file::create_private_folder(log_dir)?;
    let path = log_dir.join("config-audit.jsonl");
    let previous = base.is_on_disk().then(|| hash(base.bytes()));
    let mut argv = vec!["openclaw".to_owned()];
    argv.extend(origin.command.iter().cloned());
    let line: Value = json!({
        "ts": origin.at,
        "source": "config-io",
        "event": "config.write",
        "configPath": new.path().display().to_string(),
        "pid": std::process::id(),
        "argv": argv,
        "existsBefore": base.is_on_disk(),
        "previousHash": previous,
        "nextHash": hash(new.bytes()),
        "previousBytes": base.is_on_disk().then(|| base.bytes().len()),
        "nextBytes": new.bytes().len(),
        "result": "rename",
    });
    // One write call, so that lines of two processes do not mix.
    file::open_append(&path)?
        .write_all(format!("{line}\n").as_bytes())
        .map_err(Error::io("append to", &path))
}

/// Returns the SHA-256 of `bytes` in lower-case hex.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_as_hex() {
        assert_eq!(
            super::hash(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
