//! Keys by reference: variables, files, programs and the keyring, wherever a key may stand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use config::{AgentId, ProviderId, SecretInput};
use credentials::{ANSWER_FRESH_MS, FAILURE_FRESH_MS, Programs, Resolver};
use serde_json::{Value, json};

use super::test_home::{AFTER_ALL_MS, TestHome};

const EMPTY: &str = r#"{"version":1,"profiles":{}}"#;

/// A program in a folder of its own that notes each time it is run.
struct Vault {
    folder: tempfile::TempDir,
}

impl Vault {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Self { folder };
        vault.answer(script);
        vault
    }

    fn answer(&self, script: &str) {
        fs::write(
            self.script(),
            format!("echo run >> \"$0.runs\"\n{script}\n"),
        )
        .unwrap();
    }

    fn script(&self) -> PathBuf {
        self.folder.path().join("vault")
    }

    /// The provider: a shell that reads the script, since a file that was just written may be too busy to be started.
    fn provider(&self, json_only: bool) -> Value {
        json!({"source": "exec", "command": shell(), "args": [self.script()], "jsonOnly": json_only})
    }

    fn runs(&self) -> usize {
        let runs = fs::read_to_string(self.folder.path().join("vault.runs"));
        runs.unwrap_or_default().lines().count()
    }
}

/// The shell itself: `/bin/sh` may be a link.
fn shell() -> PathBuf {
    fs::canonicalize("/bin/sh").unwrap()
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A config whose `qwen` key is a reference to these secret providers.
fn config(providers: &Value, reference: &Value) -> String {
    json!({
        "secrets": {"providers": providers},
        "models": {"providers": {"qwen": {
            "baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "apiKey": reference,
        }}},
    })
    .to_string()
}

#[test]
fn each_kind_of_place_gives_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let several = file(
        folder.path(),
        "secrets.json",
        r#"{"qwen":{"api/key":"sk-json-0000000000"}}"#,
    );
    let single = file(folder.path(), "key.txt", "sk-single-0000000000\n");
    let answer = r#"{"protocolVersion":1,"values":{"qwen/key":"sk-vault-0000000000"}}"#;
    let vault = Vault::new(&format!("echo '{answer}'"));
    let plain = Vault::new("echo sk-plain-0000000000");
    let providers = json!({
        "env": {"source": "env", "allowlist": ["ALLOWED"]},
        "several": {"source": "file", "path": several},
        "single": {"source": "file", "path": single, "mode": "singleValue"},
        "vault": vault.provider(true),
        "plain": plain.provider(false),
    });
    let variables = [
        ("ALLOWED", "sk-env-0000000000"),
        ("OTHER", "sk-other-0000000000"),
    ];
    for (reference, expected) in [
        (("env", "env", "ALLOWED"), "sk-env-0000000000"),
        (("env", "default", "OTHER"), "sk-other-0000000000"),
        (("file", "several", "/qwen/api~1key"), "sk-json-0000000000"),
        (("file", "single", "value"), "sk-single-0000000000"),
        (("file", "default", single.as_str()), "sk-single-0000000000"),
        (("exec", "vault", "qwen/key"), "sk-vault-0000000000"),
        (("exec", "plain", "value"), "sk-plain-0000000000"),
    ] {
        let (source, provider, id) = reference;
        let reference = json!({"source": source, "provider": provider, "id": id});
        let home = TestHome::made(&config(&providers, &reference), EMPTY, &variables);
        let expected = format!("models.providers.qwen.apiKey {expected}");
        assert_eq!(
            home.secrets("qwen"),
            std::slice::from_ref(&expected),
            "{reference}"
        );

        let store = json!({"version": 1, "profiles": {
            "qwen:key": {"type": "api_key", "provider": "qwen", "keyRef": reference},
            "qwen:token": {"type": "token", "provider": "qwen", "tokenRef": reference},
        }});
        let providers = json!({"secrets": {"providers": providers}}).to_string();
        let home = TestHome::made(&providers, &store.to_string(), &variables);
        let secret = expected.split(' ').nth(1).unwrap();
        assert_eq!(
            home.secrets("qwen")
                .into_iter()
                .filter(|line| line.starts_with("qwen:"))
                .collect::<Vec<_>>(),
            [format!("qwen:token {secret}"), format!("qwen:key {secret}")],
            "{reference}"
        );
    }
    assert_eq!(
        (vault.runs(), plain.runs()),
        (2, 2),
        "once in each of two homes, however many keys refer to it"
    );
}

#[test]
fn a_reference_that_gives_nothing_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let broken = file(
        folder.path(),
        "broken.json",
        r#"{"qwen": sk-leak-0000000000}"#,
    );
    let failing = Vault::new("echo sk-leak-0000000000; exit 7");
    let shown = shell().display().to_string();
    let providers = json!({
        "broken": {"source": "file", "path": broken},
        "failing": failing.provider(true),
        "relative": {"source": "exec", "command": "vault"},
        "keys": {"source": "keyring", "service": "qwen-keys"},
    });
    for (reference, expected) in [
        (
            ("file", "broken", "/qwen"),
            format!("cannot take a key from {broken}: line 1: not JSON"),
        ),
        (
            ("exec", "failing", "qwen"),
            format!(
                "{shown} failed (exit status: 7); to see why, run it by hand with the `args` of `secrets.providers.failing`"
            ),
        ),
        (
            ("exec", "failing", "../qwen"),
            "the id `../qwen` is not possible: letters, digits and `._:/#-` are allowed, and no `..` between slashes; \
             `openclaw config validate` shows where"
                .to_owned(),
        ),
        (
            ("exec", "relative", "qwen"),
            "`secrets.providers.relative` cannot be used: `vault` is not an absolute path; `openclaw config validate` \
             shows where"
                .to_owned(),
        ),
        (
            ("exec", "absent", "qwen"),
            "`secrets.providers` has no `absent`; `openclaw config validate` shows where".to_owned(),
        ),
        (
            ("env", "failing", "QWEN"),
            "`secrets.providers.failing` is of source `exec`, not `env`; `openclaw config validate` shows where".to_owned(),
        ),
    ] {
        let (source, provider, id) = reference;
        let reference = json!({"source": source, "provider": provider, "id": id});
        let home = TestHome::made(&config(&providers, &reference), EMPTY, &[]);
        assert_eq!(
            home.candidates("qwen"),
            [format!("models.providers.qwen.apiKey: {expected}")]
        );
    }
}

#[cfg(not(feature = "keyring"))]
#[test]
fn a_build_without_the_keyring_says_so() {
    let reference = json!({"source": "keyring", "provider": "default", "id": "qwen"});
    let home = TestHome::made(&config(&json!({}), &reference), EMPTY, &[]);
    let said = home.candidates("qwen").join("");
    assert!(
        said.contains("built without it; build it with `--features keyring`"),
        "{said}"
    );
}

/// Asks for the key of `qwen` at a time.
fn asked(home: &TestHome, programs: Programs, now_ms: u64) -> Vec<String> {
    let resolver = Resolver::new(
        &home.home,
        &home.environment,
        &home.settings,
        &home.catalog,
        &AgentId::main(),
    );
    let resolver = resolver.with_programs(programs);
    let resolution = resolver.candidates(&ProviderId::new("qwen").unwrap(), now_ms);
    let said = resolution
        .candidates
        .iter()
        .map(|candidate| match &candidate.secret {
            Ok(secret) => secret.expose().to_owned(),
            Err(why) => why.to_string(),
        });
    said.collect()
}

#[test]
fn an_answer_is_kept_for_a_while_and_a_failure_for_less() {
    let vault = Vault::new("echo sk-first-0000000000");
    let providers = json!({"vault": vault.provider(false)});
    let reference = json!({"source": "exec", "provider": "vault", "id": "qwen"});
    let home = TestHome::made(&config(&providers, &reference), EMPTY, &[]);
    let now = AFTER_ALL_MS;
    let key = |text: &str| vec![text.to_owned()];

    let unread = "the program of `secrets.providers.vault` is run when the key is needed";
    assert_eq!(asked(&home, Programs::Leave, now), key(unread));
    assert_eq!(vault.runs(), 0, "listing runs nothing");

    assert_eq!(asked(&home, Programs::Run, now), key("sk-first-0000000000"));
    vault.answer("echo sk-second-0000000000");
    let later = now + ANSWER_FRESH_MS;
    for programs in [Programs::Run, Programs::Leave] {
        assert_eq!(
            asked(&home, programs, later - 1),
            key("sk-first-0000000000")
        );
    }
    assert_eq!(vault.runs(), 1);
    assert_eq!(
        asked(&home, Programs::Run, later),
        key("sk-second-0000000000")
    );

    vault.answer("exit 1");
    let failed = later + ANSWER_FRESH_MS;
    assert!(asked(&home, Programs::Run, failed)[0].contains("exit status: 1"));
    vault.answer("echo sk-third-0000000000");
    assert!(asked(&home, Programs::Run, failed + FAILURE_FRESH_MS - 1)[0].contains("failed"));
    assert_eq!(
        asked(&home, Programs::Run, failed + FAILURE_FRESH_MS),
        key("sk-third-0000000000")
    );
    assert_eq!(vault.runs(), 4);
}

#[test]
fn many_who_ask_at_once_run_the_program_once() {
    let vault = Vault::new("echo sk-once-0000000000");
    let providers = json!({"vault": vault.provider(false)});
    let reference = json!({"source": "exec", "provider": "vault", "id": "qwen"});
    let home = TestHome::made(&config(&providers, &reference), EMPTY, &[]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let said = asked(&home, Programs::Run, AFTER_ALL_MS).join("");
                assert!(said.contains("sk-once"), "{said}");
            });
        }
    });
    assert_eq!(vault.runs(), 1);
}

#[test]
fn the_gateways_own_token_may_be_a_reference() {
    let vault = Vault::new("echo token-of-the-gateway");
    let providers = json!({"vault": vault.provider(false)});
    let token = json!({"source": "exec", "provider": "vault", "id": "gateway/token"});
    let config =
        json!({"secrets": {"providers": providers}, "gateway": {"auth": {"token": token}}});
    let home = TestHome::made(&config.to_string(), EMPTY, &[]);
    let input = home.settings.gateway.auth.token.clone().unwrap();
    assert!(matches!(input, SecretInput::Ref(_)));
    let references = credentials::References::new(
        &home.home,
        &home.environment,
        &home.settings.secrets,
        Programs::Run,
    );
    let secret = references.resolve(&input, AFTER_ALL_MS).unwrap();
    assert_eq!(secret.expose(), "token-of-the-gateway");
}
