//! The agent's `models.json`: the list of providers that the original program generates and reads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::Catalog;
use config::{FILE_MODE_SECRET, LockFile};
use serde_json::{Map, Value, json};

use super::super::login_config;
use crate::failed::Failed;

/// The name of the file in the agent's folder.
const FILE: &str = "models.json";
/// The largest file that is read, in bytes; real ones have some 100 KiB.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How long another writer is waited for.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// Adds the portal's entry, or replaces it; everything else in the file stays.
pub(super) fn write(folder: &Path, catalog: &Catalog, base_url: &str) -> Result<PathBuf, Failed> {
    let path = folder.join(FILE);
    let _lock = LockFile::acquire(&path, LOCK_WAIT_MAX)?;
    let mut root = read(&path)?;
    let providers = root
        .entry("providers")
        .or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(providers) = providers else {
        return Err(not_understood(&path));
    };
    let block = login_config::block(catalog, base_url);
    if providers.get(super::PROVIDER) == Some(&block) {
        return Ok(path);
    }
    providers.insert(super::PROVIDER.to_owned(), block);
    let text = format!("{:#}\n", json!(root));
    config::write_atomic(&path, text.as_bytes(), FILE_MODE_SECRET)?;
    Ok(path)
}

/// Reads the file; a missing one is empty, and one that is not understood is left alone.
fn read(path: &Path) -> Result<Map<String, Value>, Failed> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Ok(metadata) if metadata.is_file() && metadata.len() <= FILE_BYTES_MAX => {}
        Ok(_) | Err(_) => return Err(not_understood(path)),
    }
    let bytes = std::fs::read(path).map_err(|_| not_understood(path))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(root)) => Ok(root),
        Ok(_) | Err(_) => Err(not_understood(path)),
    }
}

fn not_understood(path: &Path) -> Failed {
    Failed::new(format!(
        "{} is not readable as a list of models and was left as it is; only OpenClaw reads it",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(before: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, before).unwrap();
        let catalog = Catalog::builtin().unwrap();
        write(folder.path(), &catalog, "https://portal.qwen.ai/v1").unwrap();
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn other_entries_stay() {
        let value = written(
            r#"{"x": 1, "providers": {"qwen": {"baseUrl": "u"}, "qwen-portal": {"baseUrl": "old"}}}"#,
        );
        assert_eq!(
            (&value["x"], &value["providers"]["qwen"]["baseUrl"]),
            (&json!(1), &json!("u"))
        );
        let portal = &value["providers"]["qwen-portal"];
        assert_eq!(portal["baseUrl"], "https://portal.qwen.ai/v1");
        assert_eq!(portal["apiKey"], "qwen-oauth");
        assert_eq!(portal["models"][0]["id"], "coder-model");
    }

    #[test]
    fn a_broken_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let catalog = Catalog::builtin().unwrap();
        for broken in ["{", "[]", r#"{"providers": []}"#] {
            std::fs::write(&path, broken).unwrap();
            assert!(write(folder.path(), &catalog, "u").is_err(), "{broken}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), broken);
        }
    }
}
