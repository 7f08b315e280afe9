//! Known secrets go in; every command and the gateway run; no secret may come out anywhere but in the files that keep it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::gateway::client::Ask;
use crate::gateway::process::Gateway;
use crate::home::Home;
use crate::onboard::studio::Studio;

const KEY: &str = "sk-canary0key0in0a0profile0a1b2c3";
const VARIABLE: &str = "sk-canary0key0in0a0variable0d4e5f6";
const DOTENV: &str = "sk-canary0key0in0dotenv0778899";
const IN_CONFIG: &str = "sk-canary0key0in0the0config0a9b8c7";
const ACCESS: &str = "canary-access-token-5d6e7f8091";
const REFRESH: &str = "canary-refresh-token-a1c3e5f709";
const TOKEN: &str = "canary-gateway-token-0918273645";
const HEADER: &str = "canary-header-value-1029384756";
const FROM_PROGRAM: &str = "sk-canary0key0from0a0program0c0ffee";
const FOR_PROGRAM: &str = "canary-for-the-vault-5647382910";
const SECRETS: [&str; 10] = [
    KEY,
    VARIABLE,
    DOTENV,
    IN_CONFIG,
    ACCESS,
    REFRESH,
    TOKEN,
    HEADER,
    FROM_PROGRAM,
    FOR_PROGRAM,
];

/// Files whose purpose is to keep secrets; they belong to their owner only.
fn keeps_secrets(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let stores = [
        "openclaw.json",
        "config-history/",
        "auth-profiles.json",
        ".env",
        "models.json",
        "/locks/",
        "vault",
    ];
    stores.iter().any(|store| text.contains(store))
}

fn home(studio: &Studio) -> Home {
    let shell = std::fs::canonicalize("/bin/sh").unwrap();
    // A shell starts in the folder of its program, so the script is named by its place in the home.
    let vault = json!({"source": "exec", "command": shell, "args": ["-c", ". \"$HOME/vault\""], "jsonOnly": false,
        "env": {"VAULT_SESSION": FOR_PROGRAM}});
    let home = studio.reached_by(Home::with_config(&json!({
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
        "agents": {"defaults": {"model": {"primary": "qwen/qwen3.5-plus", "fallbacks": ["own/m", "qwen-portal/coder-model"]}}},
        "env": {"vars": {"QWEN_TOKEN_PLAN_API_KEY": VARIABLE}},
        "secrets": {"providers": {"vault": vault}},
        "models": {"providers": {
            "qwen": {"baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "models": []},
            "vaulted": {"baseUrl": studio.emulator.url_for("dashscope-intl.aliyuncs.com", "/compatible-mode/v1"),
                "apiKey": {"source": "exec", "provider": "vault", "id": "key"}, "models": [{"id": "m", "name": "m"}]},
            "own": {"baseUrl": studio.emulator.url_for("dashscope.aliyuncs.com", "/compatible-mode/v1"), "apiKey": IN_CONFIG,
                "headers": {"X-Own": HEADER}, "models": [{"id": "m", "name": "m"}]},
            "qwen-portal": {"baseUrl": "https://portal.qwen.ai/v1", "apiKey": "qwen-oauth", "models": [{"id": "coder-model", "name": "c"}]},
        }},
    })));
    home.write("vault", &format!("echo {FROM_PROGRAM}\n"));
    home.write(".openclaw/.env", &format!("MODELSTUDIO_API_KEY={DOTENV}\n"));
    let profiles = json!({"version": 1, "profiles": {
        "qwen:default": {"type": "api_key", "provider": "qwen", "key": KEY},
        "qwen-portal:default": {"type": "oauth", "provider": "qwen-portal", "access": ACCESS, "refresh": REFRESH, "expires": 1_000},
    }});
    home.write(
        ".openclaw/agents/main/agent/auth-profiles.json",
        &profiles.to_string(),
    );
    home
}

/// Every command that reads or writes the home, with JSON and without.
const COMMANDS: &str = "\
status
models list
models list --all
models status
models set qwen/qwen3-coder-plus --dry-run
models set qwen/qwen3-coder-plus
models aliases add quick qwen/qwen3.6-flash
models aliases list
models fallbacks add qwen/glm-5
models fallbacks list
models auth list
models auth explain qwen
models auth explain qwen-portal
models auth explain vaulted
models auth order get --provider qwen
config get gateway
config get gateway.auth.token
config get models.providers
config get secrets
config get env
config get agents
config set gateway.port 18999 --dry-run
config set gateway.port 18999
config unset gateway.port
config validate
config file
config history
config diff
config diff 1 --only
config schema
config undo --dry-run
config undo
plugins list
health
infer model run --local --prompt x
infer model run --local --model own/m --prompt x
infer model run --local --model vaulted/m --prompt x
infer model run --local --model qwen-portal/coder-model --prompt x
agent --local --message x
onboard --non-interactive --auth-choice qwen-api-key --dry-run
onboard --non-interactive --auth-choice qwen-standard-api-key
doctor
logs";

fn check(place: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "`{secret}` is in {place}: {text}");
    }
}

fn check_files(files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, bytes) in files.iter().filter(|(path, _)| !keeps_secrets(path)) {
        check(&path.display().to_string(), &String::from_utf8_lossy(bytes));
    }
}

#[test]
fn no_command_lets_a_secret_out() {
    let studio = Studio::start();
    let home = home(&studio);
    for line in COMMANDS.lines() {
        for json in [false, true] {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            if json {
                words.push("--json");
            }
            let ran = home.run(&words);
            check(
                &format!("the output of {words:?}"),
                &format!("{}{}", ran.stdout, ran.stderr),
            );
        }
    }
    check_files(&home.files());
}

#[test]
fn the_gateway_lets_no_secret_out() {
    let studio = Studio::start();
    let gateway = Gateway::start(home(&studio), &[]);
    let echo = json!({"rules": [{"match": {"host": "dashscope.aliyuncs.com"}, "status": 400,
        "body": format!("{{\"error\":{{\"message\":\"key {IN_CONFIG} is bad\",\"code\":\"{IN_CONFIG}\"}}}}")}]});
    studio.emulator.script(&echo).unwrap();
    for (path, model) in [
        ("/v1/models", None),
        ("/openclaw/status", None),
        ("/health", None),
        ("/readyz", None),
        ("/v1/chat/completions", Some("openclaw")),
        ("/v1/chat/completions", Some("own/m")),
        ("/v1/chat/completions", Some("vaulted/m")),
        ("/v1/chat/completions", Some("qwen-portal/coder-model")),
        ("/v1/chat/completions", Some("nobody/x")),
    ] {
        let ask = Ask::new(if model.is_some() { "POST" } else { "GET" }, path).token(TOKEN);
        let body =
            json!({"model": model, "messages": [{"role": "user", "content": "x"}]}).to_string();
        let answer = gateway.ask(&if model.is_some() {
            ask.body(body.as_bytes())
        } else {
            ask
        });
        check(
            &format!("the answer of {path} for {model:?}"),
            &format!("{:?}{}", answer.headers, answer.text()),
        );
    }
    #[cfg(target_os = "linux")]
    {
        let arguments = std::fs::read(format!("/proc/{}/cmdline", gateway.id())).unwrap();
        check(
            "the process arguments",
            &String::from_utf8_lossy(&arguments),
        );
    }
    gateway.terminate();
    let files = gateway.home.files();
    let ended = gateway.wait();
    check("the log", &ended.log);
    check("the terminal", &ended.printed);
    check_files(&files);
}
