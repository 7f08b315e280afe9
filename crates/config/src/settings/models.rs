//! `models`: providers, their hosts and their models.

use std::fmt;

use serde_json::Value;

use super::auth::AuthMode;
use super::problem::Problem;
use super::reader::{Reader, Section};
use crate::ids::{ModelId, ProviderId};
use crate::secret::SecretInput;

/// `models`.
#[derive(Debug, Clone, Default)]
pub struct ModelsSettings {
    /// `mode`: whether the config adds to the built-in catalog or replaces it.
    pub mode: ModelsMode,
    /// `providers`, in file order.
    pub providers: Vec<ProviderSettings>,
}

/// `models.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelsMode {
    /// `merge`: adds to the catalog.
    #[default]
    Merge,
    /// `replace`: is all there is.
    Replace,
}

/// One entry of `models.providers`.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its id, normalised.
    pub id: ProviderId,
    /// Its key, as written; paths into the file need this spelling.
    pub key: String,
    /// `baseUrl`, an `http` or `https` URL; may contain `${NAME}`.
    pub base_url: Option<String>,
    /// `apiKey`.
    pub api_key: Option<SecretInput>,
    /// `api`: the wire format, such as `openai-completions`.
    pub api: Option<String>,
    /// `auth`.
    pub auth: Option<AuthMode>,
    /// `authHeader`: whether the key goes into `Authorization`.
    pub auth_header: Option<bool>,
    /// `headers`: sent with every request.
    pub headers: Vec<(String, SecretInput)>,
    /// `timeoutSeconds`: for one request, 1 to 86400.
    pub timeout_seconds: Option<u64>,
    /// `maxTokens`: for models that do not say.
    pub max_tokens: Option<u64>,
    /// `contextWindow`: for models that do not say, in tokens.
    pub context_window: Option<u64>,
    /// `params`: request fields for every model.
    pub params: Option<Value>,
    /// `models[]`, without rows that cannot be used.
    pub models: Vec<ModelRow>,
    /// `request`, not read here.
    pub request: Option<Opaque>,
    /// The first error of this provider; it must not be used then.
    pub disabled: Option<Problem>,
}

/// A part of the config that this crate does not read. It may hold secrets, so `Debug` does not show it.
#[derive(Clone, PartialEq)]
pub struct Opaque(Value);

/// One row of a provider's `models`. Numbers are tokens.
#[derive(Debug, Clone)]
pub struct ModelRow {
    /// `id`.
    pub id: ModelId,
    /// `name`; the id when there is none.
    pub name: String,
    /// `api`, when it differs from the provider's.
    pub api: Option<String>,
    /// `baseUrl`, when it differs from the provider's.
    pub base_url: Option<String>,
    /// `reasoning`: whether it can think.
    pub reasoning: Option<bool>,
    /// `input`: `text`, `image`, `video`, `audio`.
    pub input: Vec<String>,
    /// `contextWindow`.
    pub context_window: Option<u64>,
    /// `contextTokens`: how much of the window is used.
    pub context_tokens: Option<u64>,
    /// `maxTokens`: of one answer.
    pub max_tokens: Option<u64>,
    /// `cost`, per million tokens.
    pub cost: Option<Cost>,
    /// `headers`.
    pub headers: Vec<(String, SecretInput)>,
    /// `params`: request fields.
    pub params: Option<Value>,
    /// `compat`: what the endpoint can do; read by the provider code.
    pub compat: Option<Value>,
    /// `thinkingLevelMap`: level of thinking to the endpoint's word for it, null for one it does not have.
    pub thinking_level_map: Option<Value>,
}

/// `cost`: a price per million tokens, in the currency of the account.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// `input`.
    pub input: f64,
    /// `output`.
    pub output: f64,
    /// `cacheRead`.
    pub cache_read: f64,
    /// `cacheWrite`.
    pub cache_write: f64,
}

/// The wire formats that some version of `OpenClaw` knew.
pub(super) const APIS: [&str; 14] = [
    "openai-completions",
    "openai-responses",
    "openai-codex-responses",
    "openai-chatgpt-responses",
    "anthropic-messages",
    "google-generative-ai",
    "google-vertex",
    "github-copilot",
    "bedrock-converse-stream",
    "ollama",
    "azure-openai-responses",
    "google-gemini-cli",
    "mistral-conversations",
    "openai",
];

pub(super) const TIMEOUT_SECONDS_MAX: u64 = 86_400;

impl ModelsMode {
    pub(super) const WORDS: [(&str, Self); 2] =
        [("merge", Self::Merge), ("replace", Self::Replace)];
}

impl Opaque {
    /// Returns the value.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque(..)")
    }
}

impl ModelsSettings {
    /// Returns the provider of an id.
    pub fn provider(&self, id: &ProviderId) -> Option<&ProviderSettings> {
        self.providers.iter().find(|provider| provider.id == *id)
    }

    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let mut settings = Self {
            mode: reader
                .choice(section, "mode", &ModelsMode::WORDS)
                .unwrap_or_default(),
            providers: Vec::new(),
        };
        for (key, section) in reader.sections(section, "providers") {
            let Some(provider) = ProviderSettings::read(reader, key, &section) else {
                continue;
            };
            if let Some(first) = settings.provider(&provider.id) {
                let message = format!(
                    "the provider `{}` is already given as `{}`",
                    provider.id, first.key
                );
                reader.error(
                    section.path,
                    message,
                    Some("keep one of the two".to_owned()),
                );
            } else {
                settings.providers.push(provider);
            }
        }
        settings
    }
}

impl ProviderSettings {
    fn read(reader: &mut Reader<'_>, key: &str, section: &Section<'_>) -> Option<Self> {
        let id = match ProviderId::new(key) {
            Ok(id) => id,
            Err(error) => {
                reader.error(section.path.clone(), error.to_string(), None);
                return None;
            }
        };
        let mark = reader.mark();
        let mut provider = Self {
            id,
            key: key.to_owned(),
            base_url: base_url(reader, section),
            api_key: reader.secret(section, "apiKey"),
            api: api(reader, section),
            auth: reader.choice(section, "auth", &AuthMode::WORDS),
            auth_header: reader.flag(section, "authHeader"),
            headers: headers(reader, section),
            timeout_seconds: reader.whole(section, "timeoutSeconds", 1..=TIMEOUT_SECONDS_MAX),
            max_tokens: reader.whole(section, "maxTokens", 1..=u64::MAX),
            context_window: reader.whole(section, "contextWindow", 1..=u64::MAX),
            params: section.value("params").cloned(),
            models: Vec::new(),
            request: section.value("request").cloned().map(Opaque),
            disabled: None,
        };
        provider.disabled = reader.first_error_since(mark).cloned();
        // A bad row is left out; the rest of the provider works without it.
        for (path, value) in reader.list(section, "models") {
            let row = reader.as_section(path, value);
            provider
                .models
                .extend(row.and_then(|row| ModelRow::read(reader, &row)));
        }
        Some(provider)
    }
}

impl ModelRow {
    fn read(reader: &mut Reader<'_>, row: &Section<'_>) -> Option<Self> {
        let mark = reader.mark();
        let Some(id) = reader.text(row, "id") else {
            if row.value("id").is_none() {
                reader.error(row.path.clone(), "`id` is missing", None);
            }
            return None;
        };
        let id = ModelId::new(&id)
            .map_err(|error| reader.error(row.path.key("id"), error.to_string(), None))
            .ok()?;
        let model = Self {
            name: reader.text(row, "name").unwrap_or_else(|| id.to_string()),
            id,
            api: api(reader, row),
            base_url: base_url(reader, row),
            reasoning: reader.flag(row, "reasoning"),
            input: reader.texts(row, "input"),
            context_window: reader.whole(row, "contextWindow", 1..=u64::MAX),
            context_tokens: reader.whole(row, "contextTokens", 1..=u64::MAX),
            max_tokens: reader.whole(row, "maxTokens", 1..=u64::MAX),
            cost: reader
                .section(row, "cost")
                .map(|section| cost(reader, &section)),
            headers: headers(reader, row),
            params: row.value("params").cloned(),
            compat: row.value("compat").cloned(),
            thinking_level_map: row.value("thinkingLevelMap").cloned(),
        };
        reader.first_error_since(mark).is_none().then_some(model)
    }
}

fn cost(reader: &mut Reader<'_>, section: &Section<'_>) -> Cost {
    let mut price = |key: &str| reader.number(section, key).unwrap_or_default();
    Cost {
        input: price("input"),
        output: price("output"),
        cache_read: price("cacheRead"),
        cache_write: price("cacheWrite"),
    }
}

fn api(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<String> {
    let api = reader.text(section, "api")?;
    if !APIS.contains(&api.as_str()) {
        let hint = "for most hosts it is `openai-completions`".to_owned();
        reader.error(
            section.path.key("api"),
            format!("`{api}` is not a known API"),
            Some(hint),
        );
        return None;
    }
    // The older short name means the chat completions API.
    Some(if api == "openai" {
        "openai-completions".to_owned()
    } else {
        api
    })
}

fn headers(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<(String, SecretInput)> {
    let Some(headers) = reader.section(section, "headers") else {
        return Vec::new();
    };
    let header = |name: &String| Some((name.clone(), reader.secret(&headers, name)?));
    headers.members.keys().filter_map(header).collect()
}

fn base_url(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<String> {
    let url = reader.text(section, "baseUrl")?;
    let url = url.trim();
    if let Err(why) = check_url(url) {
        let hint = "write it like `https://host/path`".to_owned();
        reader.error(section.path.key("baseUrl"), why, Some(hint));
        return None;
    }
    Some(url.to_owned())
}

fn check_url(url: &str) -> Result<(), &'static str> {
    if url.is_empty() {
        return Err("the URL is empty");
    }
    if url.contains("${") {
        return Ok(());
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("the URL contains blanks");
    }
    let scheme = url.split_once("://").filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    });
    let (_, rest) = scheme.ok_or("the URL does not start with `https://` or `http://`")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // An IPv6 address has colons of its own, inside brackets.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if name.is_empty() {
        return Err("the URL has no host");
    }
    match port {
        Some(port) if port.parse::<u16>().is_err() => {
            Err("the port of the URL is not a number up to 65535")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_urls() {
        for good in [
            "https://h/v1",
            "http://127.0.0.1:8080/x",
            "http://[::1]:1/",
            "https://u@h",
            "${URL}/v1",
            "HTTPS://h",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "h/v1",
            "ftp://h",
            "https://",
            "https:///v1",
            "https://h:99999",
            "https://h h",
            "https://:80",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
