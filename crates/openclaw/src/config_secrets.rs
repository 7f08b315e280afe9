//! Which values of the config are secret, and how they are shown instead.

use config::{ConfigText, SecretInput, ValuePath};
use credentials::Secret;
use serde_json::Value;

/// What `config get` prints in place of a secret, as OpenClaw does.
pub(crate) const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// Ends of key names whose text is a secret; compared in lower case without `-` and `_`.
const SECRET_ENDS: [&str; 9] = [
    "token",
    "password",
    "apikey",
    "secret",
    "authorization",
    "cookie",
    "passphrase",
    "privatekey",
    "accesskey",
];
/// Whole key names whose text is a secret.
const SECRET_NAMES: [&str; 3] = ["key", "access", "refresh"];
/// Headers that carry nothing secret; every other header of the config might.
const OPEN_HEADERS: [&str; 6] = [
    "user-agent",
    "accept",
    "content-type",
    "referer",
    "http-referer",
    "x-title",
];

/// Returns the document with every secret replaced by [`REDACTED`].
pub(crate) fn redacted(root: &Value) -> Value {
    let mut shown = root.clone();
    for path in secret_paths(root) {
        if let Some(value) = shown.pointer_mut(&pointer(&path)) {
            *value = Value::String(REDACTED.to_owned());
        }
    }
    shown
}

/// Returns the text of a file in which every secret is replaced by its fingerprint; the number of lines stays.
pub(crate) fn masked_text(text: &ConfigText) -> String {
    let original = String::from_utf8_lossy(text.bytes());
    let original = original.strip_prefix('\u{feff}').unwrap_or(&original);
    let mut places: Vec<(usize, usize, String)> = secret_paths(text.value())
        .into_iter()
        .filter_map(|path| {
            let secret = text.get(&path)?.as_str()?;
            let range = text.locate(&path)?.range;
            let start = range.start + value_start(original.get(range.clone())?);
            Some((start, range.end, fingerprint(secret)))
        })
        .collect();
    places.sort_unstable();
    let mut masked = String::with_capacity(original.len());
    let mut at = 0;
    for (start, end, shown) in places {
        masked.push_str(original.get(at..start).unwrap_or_default());
        let hidden = original.get(start.max(at)..end).unwrap_or_default();
        masked.push_str(&Value::String(shown).to_string());
        masked.extend(hidden.chars().filter(|c| *c == '\n'));
        at = end;
    }
    masked.push_str(original.get(at..).unwrap_or_default());
    masked
}

/// Returns every secret of the document.
pub(crate) fn secrets(root: &Value) -> Vec<String> {
    secret_paths(root)
        .into_iter()
        .filter_map(|path| Some(path.look_up(root)?.as_str()?.to_owned()))
        .collect()
}

/// Says whether a value contains the mark that stands for a secret, and so must not be written.
pub(crate) fn contains_mark(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(REDACTED),
        Value::Array(items) => items.iter().any(contains_mark),
        Value::Object(members) => members.values().any(contains_mark),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns a fingerprint of a secret: its family and at most four characters.
fn fingerprint(secret: &str) -> String {
    Secret::new(secret.to_owned()).mask()
}

fn secret_paths(root: &Value) -> Vec<ValuePath> {
    let mut paths = Vec::new();
    visit(root, &ValuePath::root(), &mut Vec::new(), &mut paths);
    paths
}

/// Walks the document; its depth is bounded by the reader of the file.
fn visit<'v>(
    value: &'v Value,
    path: &ValuePath,
    names: &mut Vec<&'v str>,
    paths: &mut Vec<ValuePath>,
) {
    match value {
        Value::String(text) => {
            if is_secret(names, text) {
                paths.push(path.clone());
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(item, &path.index(index), names, paths);
            }
        }
        Value::Object(members) if !is_reference(names, value) => {
            for (key, member) in members {
                names.push(key);
                visit(member, &path.key(key), names, paths);
                names.pop();
            }
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A reference names where the secret is and holds nothing secret itself.
fn is_reference(names: &[&str], value: &Value) -> bool {
    names.last().is_some_and(|name| is_secret_name(name))
        && matches!(SecretInput::read(value), Ok(SecretInput::Ref(_)))
}

fn is_secret(names: &[&str], text: &str) -> bool {
    if text.is_empty() || is_variable(text) {
        return false;
    }
    let parent = names.len().checked_sub(2).and_then(|at| names.get(at));
    match names {
        [] | ["env", "shellEnv", ..] => false,
        ["env", ..] | ["secrets", "providers", _, "env", ..] => true,
        [.., name] if parent == Some(&"headers") => !OPEN_HEADERS
            .iter()
            .any(|open| name.eq_ignore_ascii_case(open)),
        [.., name] => is_secret_name(name) || has_password(text),
    }
}

fn is_secret_name(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let singular = name.strip_suffix('s').unwrap_or(&name);
    SECRET_NAMES.contains(&name.as_str())
        || SECRET_ENDS
            .iter()
            .any(|end| name.ends_with(end) || singular.ends_with(end))
}

/// `${NAME}` names a variable and is no secret.
fn is_variable(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| !name.contains(['{', '}', '$']))
}

/// Says whether a URL carries a password: `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    })
}

/// Returns where the value begins in the text of a member; a list item is all value.
fn value_start(member: &str) -> usize {
    let quote = member.chars().next().filter(|c| matches!(c, '"' | '\''));
    let key_end = match quote {
        Some(quote) => closing(member, quote),
        None => 0,
    };
    let rest = member.get(key_end..).unwrap_or_default();
    if quote.is_some() && !rest.contains(':') {
        return 0;
    }
    let after = rest.find(':').map_or(0, |colon| key_end + colon + 1);
    let value = member.get(after..).unwrap_or_default();
    after + (value.len() - value.trim_start().len())
}

fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return offset + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Returns the path as a JSON pointer.
fn pointer(path: &ValuePath) -> String {
    path.segments().iter().fold(String::new(), |text, segment| {
        let step = match segment {
            config::Segment::Key(key) => key.replace('~', "~0").replace('/', "~1"),
            config::Segment::Index(index) => index.to_string(),
        };
        text + "/" + &step
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn redacts_secrets_and_nothing_else() {
        let root = json!({
            "gateway": {"auth": {"mode": "token", "token": "0123456789abcdef"}, "port": 1},
            "env": {"vars": {"ANY": "thing"}, "OLD": "x", "shellEnv": {"mode": "m"}},
            "models": {"providers": {"a/b": {
                "apiKey": "sk-0123456789", "maxTokens": 5, "baseUrl": "https://u:p@h/v1",
                "headers": {"Authorization": "Bearer x", "X-Odd": "y", "User-Agent": "z"},
            }, "c": {"apiKey": {"source": "env", "provider": "default", "id": "K"}}, "d": {"apiKey": "${K}"}}},
            "hooks": {"tokens": ["t1"], "tokenLimit": "9", "keyboard": "us"},
        });
        let shown = redacted(&root);
        let mark = json!(REDACTED);
        for secret in [
            "/gateway/auth/token",
            "/env/vars/ANY",
            "/env/OLD",
            "/models/providers/a~1b/apiKey",
            "/models/providers/a~1b/baseUrl",
            "/models/providers/a~1b/headers/Authorization",
            "/models/providers/a~1b/headers/X-Odd",
            "/hooks/tokens/0",
        ] {
            assert_eq!(shown.pointer(secret), Some(&mark), "{secret}");
        }
        for open in [
            "/gateway/auth/mode",
            "/gateway/port",
            "/env/shellEnv/mode",
            "/models/providers/a~1b/maxTokens",
            "/models/providers/a~1b/headers/User-Agent",
            "/models/providers/c/apiKey",
            "/models/providers/d/apiKey",
            "/hooks/tokenLimit",
            "/hooks/keyboard",
        ] {
            assert_eq!(shown.pointer(open), root.pointer(open), "{open}");
        }
        assert!(contains_mark(&shown) && !contains_mark(&root));
    }

    #[test]
    fn masks_in_the_text_and_keeps_lines() {
        let source = "{\n  apiKey: 'sk-0123456789abcdef3f2a', // mine\n  \"a:token\": \"x\\\ny\",\n  hooks: {tokens: ['q:w']},\n  port: 1,\n}\n";
        let text = ConfigText::parse("c.json", source.as_bytes().to_vec()).unwrap();
        assert_eq!(
            masked_text(&text),
            "{\n  apiKey: \"sk-…3f2a\", // mine\n  \"a:token\": \"…\"\n,\n  hooks: {tokens: [\"…\"]},\n  port: 1,\n}\n"
        );
    }
}
