//! The keys this program reads, each with its kind, its default and a sentence: the source of `config schema`.
//!
//! The reader of each section and this table are held together by tests: what the reader asks for must be listed, and a
//! value of another kind than listed must be refused.

use serde_json::{Map, Value, json};

use super::agents::THINKING_LEVELS;
use super::auth::AuthMode;
use super::gateway::{Bind, GatewayAuthMode, GatewayMode, ReloadMode};
use super::logging::LogLevel;
use super::models::{APIS, ModelsMode, TIMEOUT_SECONDS_MAX};
use super::routing::{PATIENCE_S_MAX, RETRIES_MAX, WAIT_S_MAX};
use super::secrets::{BYTES_MAX, FileMode, WAIT_MS_MAX};
use crate::secret::RefSource;

/// What a value must be.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Flag,
    Number,
    /// A whole number, from one bound to the other.
    Whole(u64, u64),
    /// One of a few texts.
    Words(fn() -> Vec<&'static str>),
    /// A list of texts.
    Texts,
    /// A text, `${NAME}`, or a reference to where the secret is kept.
    Secret,
    /// A model reference, or `{primary, fallbacks}`.
    ModelChoice,
    /// An object; its keys are rows of their own.
    Object,
    /// A list; its items are rows of their own.
    List,
    /// Passed on as it is.
    Any,
}

/// One key.
pub(super) struct Key {
    /// Keys from the root, with dots between; `*` stands for any key, `[]` for any index.
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// What counts when it is unset, as JSON.
    default: Option<&'static str>,
    doc: &'static str,
}

const fn key(path: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key {
        path,
        kind,
        default: None,
        doc,
    }
}

impl Key {
    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
}

use Kind::{Any, Flag, List, ModelChoice, Number, Object, Secret, Text, Texts, Whole, Words};

const TOKENS: Kind = Whole(1, u64::MAX);

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("gateway", Object, "Where the gateway listens and who may use it."),
    key("gateway.mode", Words(|| names(&GatewayMode::WORDS)), "Whether this machine runs the gateway or uses one elsewhere."),
    key("gateway.port", Whole(1, 65_535), "Port the gateway listens on.").or("18789"),
    key("gateway.bind", Words(|| names(&Bind::WORDS)), "Addresses the gateway listens on.").or("\"loopback\""),
    key("gateway.customBindHost", Text, "Address for `bind: \"custom\"`."),
    key("gateway.auth", Object, "How clients of the gateway are authenticated."),
    key("gateway.auth.mode", Words(|| names(&GatewayAuthMode::WORDS)), "What clients present.").or("\"token\""),
    key("gateway.auth.token", Secret, "Token that clients present."),
    key("gateway.auth.password", Secret, "Password that clients present."),
    key("gateway.reload", Object, "What happens when the files of a running gateway change."),
    key("gateway.reload.mode", Words(|| names(&ReloadMode::WORDS)), "Whether changes are taken over without a signal.").or("\"hybrid\""),
    key("gateway.remote", Object, "The gateway elsewhere, for `mode: \"remote\"`."),
    key("gateway.remote.url", Text, "Its URL."),
    key("gateway.remote.token", Secret, "Token presented there."),
    key("gateway.http", Object, "HTTP surface of the gateway."),
    key("gateway.http.endpoints", Object, "Endpoints that can be switched."),
    key("gateway.http.endpoints.chatCompletions", Object, "`POST /v1/chat/completions`."),
    key("gateway.http.endpoints.chatCompletions.enabled", Flag, "Whether it is served."),
    key("gateway.http.endpoints.responses", Object, "`POST /v1/responses`."),
    key("gateway.http.endpoints.responses.enabled", Flag, "Whether it is served."),
    key("models", Object, "Providers, their hosts and their models."),
    key("models.mode", Words(|| names(&ModelsMode::WORDS)), "Whether the config adds to the built-in catalog or replaces it.").or("\"merge\""),
    key("models.providers", Object, "Providers by id."),
    key("models.providers.*", Object, "One provider. One with an error is not used; the others are."),
    key("models.providers.*.baseUrl", Text, "URL of the OpenAI-compatible surface; may hold `${NAME}`."),
    key("models.providers.*.apiKey", Secret, "Key, used after stored profiles and variables."),
    key("models.providers.*.api", Words(|| APIS.to_vec()), "Wire format.").or("\"openai-completions\""),
    key("models.providers.*.auth", Words(|| names(&AuthMode::WORDS)), "How the provider is authenticated."),
    key("models.providers.*.authHeader", Flag, "Whether the key goes into `Authorization`.").or("true"),
    key("models.providers.*.headers", Object, "Headers sent with every request."),
    key("models.providers.*.headers.*", Secret, "Value of one header."),
    key("models.providers.*.timeoutSeconds", Whole(1, TIMEOUT_SECONDS_MAX), "Longest time for one request, in seconds."),
    key("models.providers.*.maxTokens", TOKENS, "Longest answer of models that do not say, in tokens."),
    key("models.providers.*.contextWindow", TOKENS, "Window of models that do not say, in tokens."),
    key("models.providers.*.params", Any, "Request fields for every model."),
    key("models.providers.*.request", Any, "How requests are made: headers, proxy, TLS."),
    key("models.providers.*.models", List, "Models of the provider."),
    key("models.providers.*.models.[]", Object, "One model."),
    key("models.providers.*.models.[].id", Text, "Id that the host knows."),
    key("models.providers.*.models.[].name", Text, "Name for people; the id when absent."),
    key("models.providers.*.models.[].api", Words(|| APIS.to_vec()), "Wire format, when it differs from the provider's."),
    key("models.providers.*.models.[].baseUrl", Text, "URL, when it differs from the provider's."),
    key("models.providers.*.models.[].reasoning", Flag, "Whether the model can think."),
    key("models.providers.*.models.[].input", Texts, "What it reads: text, image, video, audio."),
    key("models.providers.*.models.[].contextWindow", TOKENS, "Window, in tokens."),
    key("models.providers.*.models.[].contextTokens", TOKENS, "How much of the window is used, in tokens."),
    key("models.providers.*.models.[].maxTokens", TOKENS, "Longest answer, in tokens."),
    key("models.providers.*.models.[].cost", Object, "Prices per million tokens."),
    key("models.providers.*.models.[].cost.input", Number, "Price of input.").or("0"),
    key("models.providers.*.models.[].cost.output", Number, "Price of output.").or("0"),
    key("models.providers.*.models.[].cost.cacheRead", Number, "Price of cached input.").or("0"),
    key("models.providers.*.models.[].cost.cacheWrite", Number, "Price of input that is put into the cache.").or("0"),
    key("models.providers.*.models.[].headers", Object, "Headers sent with every request for it."),
    key("models.providers.*.models.[].headers.*", Secret, "Value of one header."),
    key("models.providers.*.models.[].params", Any, "Request fields."),
    key("models.providers.*.models.[].compat", Any, "What the endpoint can do."),
    key("agents", Object, "Which models are used for what, and the roster of agents."),
    key("agents.defaults", Object, "What holds for every agent."),
    key("agents.defaults.model", ModelChoice, "Model for chat, and what is tried after it."),
    key("agents.defaults.model.primary", Text, "The model, as `provider/model`."),
    key("agents.defaults.model.fallbacks", Texts, "Models tried after it, in order."),
    key("agents.defaults.imageModel", ModelChoice, "Model that reads images when the chat model cannot."),
    key("agents.defaults.imageModel.primary", Text, "The model, as `provider/model`."),
    key("agents.defaults.imageModel.fallbacks", Texts, "Models tried after it, in order."),
    key("agents.defaults.models", Object, "Aliases and parameters by model reference."),
    key("agents.defaults.models.*", Object, "One model reference."),
    key("agents.defaults.models.*.alias", Text, "Short name for it."),
    key("agents.defaults.models.*.params", Any, "Request fields sent with it."),
    key("agents.defaults.models.*.streaming", Flag, "Whether its answers are streamed.").or("true"),
    key("agents.defaults.workspace", Text, "Folder of the agent's files; `~` is the home."),
    key("agents.defaults.thinkingDefault", Words(|| THINKING_LEVELS.to_vec()), "How long models think when nobody says."),
    key("agents.list", List, "Agents, as versions up to 2026.5 write them."),
    key("agents.list.[]", Object, "One agent."),
    key("agents.list.[].id", Text, "Its id."),
    key("agents.list.[].name", Text, "Its name."),
    key("agents.list.[].default", Flag, "Whether it answers when nobody is named.").or("false"),
    key("agents.list.[].model", ModelChoice, "Its model, when it differs from the defaults."),
    key("agents.list.[].model.primary", Text, "The model, as `provider/model`."),
    key("agents.list.[].model.fallbacks", Texts, "Models tried after it, in order."),
    key("agents.list.[].workspace", Text, "Folder of its files."),
    key("agents.list.[].agentDir", Text, "Folder of its credentials and sessions."),
    key("agents.entries", Object, "Agents by id, as versions from 2026.9 write them."),
    key("agents.entries.*", Object, "One agent."),
    key("agents.entries.*.name", Text, "Its name."),
    key("agents.entries.*.default", Flag, "Whether it answers when nobody is named.").or("false"),
    key("agents.entries.*.model", ModelChoice, "Its model, when it differs from the defaults."),
    key("agents.entries.*.model.primary", Text, "The model, as `provider/model`."),
    key("agents.entries.*.model.fallbacks", Texts, "Models tried after it, in order."),
    key("agents.entries.*.workspace", Text, "Folder of its files."),
    key("agents.entries.*.agentDir", Text, "Folder of its credentials and sessions."),
    key("auth", Object, "Which credentials exist; the secrets are in the credential store."),
    key("auth.profiles", Object, "Credentials by profile id."),
    key("auth.profiles.*", Object, "One credential."),
    key("auth.profiles.*.provider", Text, "Provider it belongs to."),
    key("auth.profiles.*.mode", Words(|| names(&AuthMode::WORDS)), "Type of credential."),
    key("auth.profiles.*.email", Text, "Account it belongs to."),
    key("auth.profiles.*.displayName", Text, "Name for people."),
    key("auth.cooldowns", Object, "How long credentials rest after failures."),
    key("auth.cooldowns.billingBackoffHours", Number, "First rest for want of money.").or("5"),
    key("auth.cooldowns.billingMaxHours", Number, "Longest such rest.").or("24"),
    key("auth.cooldowns.authPermanentBackoffMinutes", Number, "First rest of a key that is refused.").or("0.5"),
    key("auth.cooldowns.authPermanentMaxMinutes", Number, "Longest such rest.").or("5"),
    key("auth.cooldowns.failureWindowHours", Number, "After this long without a failure the rests are short again.").or("24"),
    key("auth.order", Object, "Order in which a provider's credentials are tried."),
    key("auth.order.*", Texts, "Profile ids of one provider."),
    key("env", Object, "Variables added where nothing else sets them."),
    key("env.vars", Object, "Variables by name."),
    key("env.vars.*", Text, "Value of one variable."),
    key("env.shellEnv", Object, "Asking the login shell for variables that are missing."),
    key("env.shellEnv.enabled", Flag, "Whether it is asked.").or("false"),
    key("env.shellEnv.timeoutMs", Whole(1, 600_000), "How long its answer is waited for, in milliseconds.").or("15000"),
    key("logging", Object, "How much is logged and where."),
    key("logging.level", Words(|| names(&LogLevel::WORDS)), "Level of the log file.").or("\"info\""),
    key("logging.consoleLevel", Words(|| names(&LogLevel::WORDS)), "Level of the terminal."),
    key("logging.file", Text, "Log file, instead of `logs/openclaw.log` in the home."),
    key("logging.maxFileBytes", TOKENS, "Size at which the log file is rotated, in bytes."),
    key("secrets", Object, "Places that references to secrets point to."),
    key("secrets.providers", Object, "Places by name."),
    key("secrets.providers.*", Object, "One place; a reference names it as `provider`."),
    key("secrets.providers.*.source", Words(|| names(&RefSource::WORDS)), "Kind of place."),
    key("secrets.providers.*.allowlist", Texts, "`env`: the only variables that may be read."),
    key("secrets.providers.*.path", Text, "`file`: the file; `~` is the home."),
    key("secrets.providers.*.mode", Words(|| names(&FileMode::WORDS)), "`file`: an object whose ids are JSON pointers, or one secret whose id is `value`.").or("\"json\""),
    key("secrets.providers.*.maxBytes", Whole(1, BYTES_MAX), "`file`: the most that is read, in bytes."),
    key("secrets.providers.*.command", Text, "`exec`: the program, by its whole path."),
    key("secrets.providers.*.args", Texts, "`exec`: its arguments; no shell looks at them."),
    key("secrets.providers.*.env", Object, "`exec`: variables it gets, by name."),
    key("secrets.providers.*.env.*", Text, "Value of one variable."),
    key("secrets.providers.*.passEnv", Texts, "`exec`: variables of this process that it gets."),
    key("secrets.providers.*.timeoutMs", Whole(1, WAIT_MS_MAX), "`exec`: how long it may take, in milliseconds.").or("5000"),
    key("secrets.providers.*.noOutputTimeoutMs", Whole(1, WAIT_MS_MAX), "`exec`: how long it may print nothing, in milliseconds; `timeoutMs` when absent."),
    key("secrets.providers.*.maxOutputBytes", Whole(1, BYTES_MAX), "`exec`: the most it may print, in bytes.").or("1048576"),
    key("secrets.providers.*.jsonOnly", Flag, "`exec`: whether the secret alone is no answer.").or("true"),
    key("secrets.providers.*.trustedDirs", Texts, "`exec`: folders in which the program must be; anywhere when empty."),
    key("secrets.providers.*.allowSymlinkCommand", Flag, "`exec`: whether `command` may be a symbolic link.").or("false"),
    key("secrets.providers.*.allowInsecurePath", Flag, "`exec`: whether others may be able to change the program.").or("false"),
    key("secrets.providers.*.service", Text, "`keyring`: name under which the entries are kept.").or("\"openclaw\""),
    key("secrets.defaults", Object, "Place that is meant when a reference names none, by source."),
    key("secrets.defaults.env", Text, "Place for `env`."),
    key("secrets.defaults.file", Text, "Place for `file`."),
    key("secrets.defaults.exec", Text, "Place for `exec`."),
    key("secrets.defaults.store", Text, "Place for `store`."),
    key("secrets.defaults.keyring", Text, "Place for `keyring`."),
    key("plugins", Object, "Plugins of OpenClaw."),
    key("plugins.entries", Object, "Plugins by id."),
    key("plugins.entries.*", Object, "One plugin."),
    key("plugins.entries.*.enabled", Flag, "Whether it is switched on."),
    key("routing", Object, "How requests are routed; only this program reads it."),
    key("routing.allowMetered", Flag, "Whether a subscription may be followed by a credential that bills each request.").or("false"),
    key("routing.patienceSeconds", Whole(0, PATIENCE_S_MAX), "How long a request waits for a candidate when none is free.").or("10"),
    key("routing.probeEverySeconds", Whole(1, WAIT_S_MAX), "How often a single attempt is made within a long rest.").or("600"),
    key("routing.fallbackAfterRetries", Any, "Retries of a candidate before the next one is asked: a number, or an object of failure classes and numbers.").or("0"),
    key("routing.fallbackAfterRetries.*", Whole(0, RETRIES_MAX), "Retries after a failure of this class."),
    key("routing.waitSeconds", Object, "First rest by failure class, in place of the error atlas's."),
    key("routing.waitSeconds.*", Whole(0, WAIT_S_MAX), "First rest after a failure of this class."),
    key("routing.longestWaitSeconds", Object, "Longest rest by failure class."),
    key("routing.longestWaitSeconds.*", Whole(0, WAIT_S_MAX), "Longest rest after failures of this class."),
    key("routing.withoutBreakers", Texts, "Providers that never rest: gateways themselves."),
];

fn names<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

/// Returns the keys that the program reads directly below a place; steps are keys or indices.
pub(super) fn keys_below(steps: &[String]) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(move |key| {
        let (parent, last) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        let parents: Vec<&str> = parent.split('.').filter(|step| !step.is_empty()).collect();
        let same = parents.len() == steps.len()
            && parents
                .iter()
                .zip(steps)
                .all(|(pattern, step)| matches!(*pattern, "*" | "[]") || pattern == step);
        (same && !matches!(last, "*" | "[]")).then_some(last)
    })
}

/// Returns the JSON Schema (draft 2020-12) of the keys this program reads. Other keys are allowed everywhere, since the
/// file belongs to OpenClaw as well.
pub fn json_schema() -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "openclaw.json",
        "description": "The keys of openclaw.json that this program reads. JSON5; every key may be absent.",
        "type": "object",
    });
    for key in KEYS {
        if let Some(place) = place(&mut root, key.path)
            && let (Value::Object(place), Value::Object(described)) = (place, describe(key))
        {
            // An object may hold the rows below it already.
            place.extend(described);
        }
    }
    root
}

/// Returns the schema of a path, making what is missing on the way.
fn place<'v>(root: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    path.split('.').try_fold(root, |schema, step| {
        let schema = schema.as_object_mut()?;
        // Of a choice of forms, the last is the object.
        if !schema.contains_key("anyOf") {
            return properties(schema, step);
        }
        let forms = schema.get_mut("anyOf")?.as_array_mut()?;
        properties(forms.last_mut()?.as_object_mut()?, step)
    })
}

fn properties<'v>(schema: &'v mut Map<String, Value>, step: &str) -> Option<&'v mut Value> {
    match step {
        "*" => Some(schema.entry("additionalProperties").or_insert(json!({}))),
        "[]" => Some(schema.entry("items").or_insert(json!({}))),
        name => {
            let below = schema.entry("properties").or_insert(json!({}));
            Some(below.as_object_mut()?.entry(name).or_insert(json!({})))
        }
    }
}

fn describe(key: &Key) -> Value {
    let mut schema = match key.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Whole(low, u64::MAX) => json!({"type": "integer", "minimum": low}),
        Kind::Whole(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Kind::Words(words) => json!({"type": "string", "enum": words()}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Secret => json!({"anyOf": [{"type": "string"}, {
            "type": "object",
            "required": ["source", "id"],
            "properties": {
                "source": {"enum": names(&RefSource::WORDS)},
                "provider": {"type": "string", "default": "default"},
                "id": {"type": "string"},
            },
        }]}),
        Kind::ModelChoice => json!({"anyOf": [{"type": "string"}, {"type": "object"}]}),
        Kind::Object => json!({"type": "object"}),
        Kind::List => json!({"type": "array"}),
        Kind::Any => json!({}),
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(key.doc));
        let default = key.default.and_then(|text| serde_json::from_str(text).ok());
        members.extend(default.map(|default: Value| ("default".to_owned(), default)));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, Severity};
    use crate::text::ConfigText;
    use crate::value_path::ValuePath;

    /// A value of the kind and one that is not of it.
    fn samples(kind: Kind) -> Option<(Value, Value)> {
        Some(match kind {
            Kind::Text => (json!("https://h/v1"), json!(1)),
            Kind::Flag => (json!(true), json!("yes")),
            Kind::Number => (json!(1.5), json!("1")),
            Kind::Whole(low, high) => (
                json!(low),
                if high == u64::MAX {
                    json!(-1)
                } else {
                    json!(high + 1)
                },
            ),
            Kind::Words(words) => (json!(words()[0]), json!(7)),
            Kind::Texts => (json!(["a"]), json!("a")),
            Kind::Secret => (json!("${K}"), json!(3)),
            Kind::ModelChoice => (json!("p/m"), json!(3)),
            Kind::Object => (json!({}), json!(3)),
            Kind::List => (json!([]), json!({})),
            Kind::Any => return None,
        })
    }

    /// Builds a document that holds `value` at a path, and what must stand beside it.
    fn document(path: &str, value: &Value) -> (ConfigText, ValuePath) {
        let mut at = ValuePath::root();
        let mut text = ConfigText::new("openclaw.json");
        for step in path.split('.') {
            at = match step {
                "*" => at.key("some"),
                "[]" => at.index(0),
                name => at.key(name),
            };
        }
        text = text.set(&at, value.clone()).unwrap();
        for (parent, fields) in [
            (
                "auth.profiles.some",
                [("provider", "p"), ("mode", "token")].as_slice(),
            ),
            ("models.providers.some.models[0]", &[("id", "m")]),
            ("secrets.providers.some", &[("source", "env")]),
            ("agents.list[0]", &[("id", "a")]),
        ] {
            let parent: ValuePath = parent.parse().unwrap();
            if !text.get(&parent).is_some_and(Value::is_object) {
                continue;
            }
            for (name, filler) in fields {
                if text.get(&parent.key(*name)).is_none() {
                    text = text.set(&parent.key(*name), *filler).unwrap();
                }
            }
        }
        (text, at)
    }

    #[test]
    fn every_key_is_read_as_its_kind() {
        for key in KEYS {
            let Some((mut good, bad)) = samples(key.kind) else {
                continue;
            };
            if key.path.ends_with(".provider") {
                good = json!("p");
            }
            let (text, at) = document(key.path, &good);
            let (_, problems) = Settings::read(&text);
            let wrong: Vec<_> = problems
                .iter()
                .filter(|problem| problem.severity == Severity::Error && problem.path == at)
                .collect();
            assert!(
                wrong.is_empty()
                    || key.path == "models.providers.*.models.[]"
                    || key.path == "agents.list.[]",
                "{} = {good}: {wrong:?}",
                key.path
            );
            let (text, at) = document(key.path, &bad);
            let (_, problems) = Settings::read(&text);
            assert!(
                problems
                    .iter()
                    .any(|problem| problem.severity == Severity::Error && problem.path == at),
                "{} = {bad} is accepted: {problems:?}",
                key.path
            );
        }
    }

    #[test]
    fn what_is_asked_for_is_listed() {
        let mut text = ConfigText::new("openclaw.json");
        for key in KEYS {
            if let Some((good, _)) = samples(key.kind) {
                // A choice of models is asked for its parts only in its longer form.
                let good = match key.kind {
                    Kind::ModelChoice => json!({}),
                    _ => good,
                };
                let (_, at) = document(key.path, &good);
                if text.get(&at).is_none() {
                    text = text.set(&at, good).unwrap();
                }
            }
        }
        let asked = crate::settings::asked_for(&text);
        assert!(asked.len() > 60, "{asked:?}");
        for path in asked {
            assert!(
                KEYS.iter().any(|key| matches_path(key.path, &path)),
                "`{path}` is read but not listed"
            );
        }
    }

    fn matches_path(pattern: &str, path: &ValuePath) -> bool {
        let steps: Vec<String> = path
            .segments()
            .iter()
            .map(|segment| match segment {
                crate::Segment::Key(key) => key.clone(),
                crate::Segment::Index(index) => index.to_string(),
            })
            .collect();
        let patterns: Vec<&str> = pattern.split('.').collect();
        patterns.len() == steps.len()
            && patterns
                .iter()
                .zip(&steps)
                .all(|(pattern, step)| matches!(*pattern, "*" | "[]") || *pattern == step)
    }

    #[test]
    fn every_key_has_a_place_in_the_schema() {
        let schema = json_schema();
        let port = schema
            .pointer("/properties/gateway/properties/port")
            .unwrap();
        assert_eq!(port["maximum"], 65_535);
        assert_eq!(port["default"], 18_789);
        let primary =
            "/properties/agents/properties/defaults/properties/model/anyOf/1/properties/primary";
        assert_eq!(schema.pointer(primary).unwrap()["type"], "string");
        let row = "/properties/models/properties/providers/additionalProperties/properties/models/items/properties/id";
        assert_eq!(schema.pointer(row).unwrap()["type"], "string");
        for key in KEYS {
            let mut copy = schema.clone();
            let found = place(&mut copy, key.path).unwrap();
            assert_eq!(found["description"], key.doc, "{}", key.path);
        }
    }
}
