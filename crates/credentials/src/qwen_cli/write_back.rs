//! Gives renewed tokens back to Qwen Code, whose login they come from.

use std::path::Path;

use secrecy::zeroize::Zeroizing;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::profile::Login;
use crate::secret::Secret;
use crate::store_file;

/// Writes the tokens into the file at `path`, in Qwen Code's form: whatever else the file holds stays, and a reader sees
/// the old file or the new one. Only call it while holding Qwen Code's lock.
pub(crate) fn write_login(
    path: &Path,
    login: &Login,
    resource_url: Option<&str>,
) -> Result<(), Error> {
    let mut fields = match store_file::read(path)? {
        Some(file) => match serde_json::from_str(&file.text) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        },
        None => Map::new(),
    };
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(mut old) = value.and_then(|value| fields.insert(name.to_owned(), value)) {
            crate::document::wipe(&mut old);
        }
    };
    let text = |secret: &Option<Secret>| secret.as_ref().map(|text| Value::from(text.expose()));
    put("access_token", text(&login.access));
    put("refresh_token", text(&login.refresh));
    put("expiry_date", login.expiry.at_ms().map(Value::from));
    put("resource_url", resource_url.map(Value::from));
    if !fields.contains_key("token_type") {
        fields.insert("token_type".to_owned(), Value::from("Bearer"));
    }
    let encoded = serde_json::to_string_pretty(&fields).map(Zeroizing::new);
    fields.values_mut().for_each(crate::document::wipe);
    let encoded = encoded.map_err(|source| Error::EncodeStore {
        path: path.to_owned(),
        source,
    })?;
    config::write_atomic(path, encoded.as_bytes(), config::FILE_MODE_SECRET).map_err(|source| {
        Error::WriteStore {
            path: path.to_owned(),
            source: Box::new(source),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Expiry;

    #[test]
    fn qwen_code_reads_what_was_written_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("oauth_creds.json");
        let before = r#"{"access_token":"a0","refresh_token":"r0","token_type":"bearer","resource_url":"portal.qwen.ai","expiry_date":1,"scope":"openid"}"#;
        std::fs::write(&path, before).unwrap();
        let login = Login {
            access: Some(Secret::new("a1".to_owned())),
            refresh: Some(Secret::new("r1".to_owned())),
            expiry: Expiry::AtMs(1_800_000_000_000),
        };
        write_login(&path, &login, None).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "{\n  \"access_token\": \"a1\",\n  \"refresh_token\": \"r1\",\n  \"token_type\": \"bearer\",\n  \
             \"resource_url\": \"portal.qwen.ai\",\n  \"expiry_date\": 1800000000000,\n  \"scope\": \"openid\"\n}"
        );
        let read = super::super::read_login(&path).unwrap().unwrap();
        assert_eq!(read.login, login);
        assert_eq!(read.warning, None, "mode 0600");
    }
}
