//! A portal login behind the gateway: renewed ahead of its end, after a refusal, and never at the cost of a fallback.

use std::process::Stdio;
use std::time::{Duration, Instant};

use emulator::LoginWish;
use serde_json::{Value, json};

use crate::gateway::client::{Answer, Ask};
use crate::gateway::process::Gateway;
use crate::home::Home;
use crate::onboard::studio::Studio;
use crate::random::fraction;

const TOKEN: &str = "token-of-the-gateway";
/// The store that this program writes.
const STORE: &str = ".openclaw/agents/main/agent/auth-profiles.json";
/// The store of 2026.9, shared by all agents.
const DATABASE: &str = ".openclaw/state/openclaw.sqlite";
/// One question to the portal, from the command line.
const ASK: [&str; 9] = [
    "infer",
    "model",
    "run",
    "--local",
    "--model",
    "qwen-portal/coder-model",
    "--prompt",
    "ping",
    "--json",
];

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// Returns a home with a portal login that the emulator issued, and whose stored access token ends in `left_ms`.
fn home(studio: &Studio, left_ms: i64) -> Home {
    let home = configured(studio);
    home.write(STORE, &issued(studio, left_ms).to_string());
    home
}

/// Returns a store with a login that the emulator issued.
fn issued(studio: &Studio, left_ms: i64) -> Value {
    let login = studio.emulator.oauth().issue(LoginWish::default()).unwrap();
    let expires = now_ms().saturating_add_signed(left_ms);
    json!({"version": 1, "profiles": {"qwen-portal:default": {
        "type": "oauth", "provider": "qwen-portal", "access": login.access_token, "refresh": login.refresh_token, "expires": expires,
    }}})
}

/// Returns a home that knows the portal and has no login.
fn configured(studio: &Studio) -> Home {
    studio.reached_by(Home::with_config(&json!({
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
        "auth": {"profiles": {"qwen-portal:default": {"provider": "qwen-portal", "mode": "oauth"}}},
        "models": {"providers": {
            "qwen-portal": {"baseUrl": "https://portal.qwen.ai/v1", "apiKey": "qwen-oauth", "api": "openai-completions",
                "models": [{"id": "coder-model", "name": "Qwen Coder"}]},
            "qwen": {"baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
                "apiKey": "sk-emulator-standard-intl", "models": []},
        }},
        "routing": {"allowMetered": true},
        "agents": {"defaults": {"model": {"primary": "qwen-portal/coder-model", "fallbacks": ["qwen/qwen3.5-plus"]}}},
    })))
}

fn chat(gateway: &Gateway, model: &str) -> Answer {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "ping"}]});
    gateway.ask(
        &Ask::new("POST", "/v1/chat/completions")
            .token(TOKEN)
            .body(body.to_string().as_bytes()),
    )
}

fn refreshes(studio: &Studio) -> Value {
    studio.emulator.oauth().report()["counts"]["refreshes"]["accepted"].clone()
}

fn stored(home: &Home) -> Value {
    let text = home.read(STORE);
    serde_json::from_str::<Value>(&text).unwrap()["profiles"]["qwen-portal:default"].clone()
}

#[test]
fn an_expired_login_is_renewed_once_for_everybody() {
    let studio = Studio::start();
    let gateway = Gateway::start(home(&studio, -1_000), &[]);
    let before = stored(&gateway.home);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| chat(&gateway, "qwen-portal/coder-model").status))
            .collect();
        for answer in asking {
            assert_eq!(answer.join().unwrap(), 200);
        }
    });
    assert_eq!(refreshes(&studio), 1);
    let after = stored(&gateway.home);
    assert_ne!(
        after["refresh"], before["refresh"],
        "the rotated token is in the store"
    );
    assert!(after["expires"].as_u64() > before["expires"].as_u64());
}

#[test]
fn a_token_that_is_refused_before_its_end_is_renewed_once() {
    let studio = Studio::start();
    let gateway = Gateway::start(home(&studio, 3_600_000), &[]);
    assert_eq!(chat(&gateway, "qwen-portal/coder-model").status, 200);
    assert_eq!(refreshes(&studio), 0);
    studio
        .emulator
        .oauth()
        .configure(&json!({"revoke_access": true}))
        .unwrap();
    assert_eq!(chat(&gateway, "qwen-portal/coder-model").status, 200);
    assert_eq!(refreshes(&studio), 1);
}

#[test]
fn a_refused_refresh_moves_on_to_the_fallback_at_once() {
    let studio = Studio::start();
    let home = home(&studio, -1_000);
    studio
        .emulator
        .oauth()
        .configure(&json!({"revoke_all": true}))
        .unwrap();
    let gateway = Gateway::start(home, &[]);
    let started = Instant::now();
    let answer = chat(&gateway, "openclaw");
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        (answer.status, answer.header("x-openclaw-routed-model")),
        (200, Some("qwen/qwen3.5-plus"))
    );
    let alone = chat(&gateway, "qwen-portal/coder-model");
    assert_eq!(alone.status, 401, "{}", alone.text());
    let error = alone.json()["error"].clone();
    assert_eq!(error["class"], "invalid_key");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("openclaw models auth login"),
        "{error}"
    );
}

#[test]
fn the_command_line_renews_too() {
    let studio = Studio::start();
    let home = home(&studio, -1_000);
    let ran = home.run(&ASK);
    assert_eq!(ran.expect_code(0).json()["provider"], "qwen-portal");
    assert_eq!(refreshes(&studio), 1);
}

#[test]
fn fifty_processes_with_one_expired_login_make_one_refresh() {
    let studio = Studio::start();
    let home = home(&studio, -1_000);
    let start = || {
        home.command(&ASK)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..50).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(refreshes(&studio), 1);
}

/// Kills during a refresh; together with those at named steps in the crate's own tests.
const KILLS: usize = 300;

#[test]
fn a_killed_refresh_never_loses_the_login() {
    let studio = Studio::start();
    // The real service is not known to grant a grace; with one, no kill may cost the login.
    studio
        .emulator
        .oauth()
        .configure(&json!({"grace_ms": 600_000}))
        .unwrap();
    let home = home(&studio, -1_000);
    let started = Instant::now();
    home.run(&ASK).expect_code(0);
    let whole = started.elapsed();
    let expire = || {
        let path = ".openclaw/agents/main/agent/auth-profiles.json";
        let mut store: Value =
            serde_json::from_str(&home.read(path)).expect("the store always parses");
        store["profiles"]["qwen-portal:default"]["expires"] = json!(now_ms() - 1_000);
        home.write(path, &store.to_string());
    };
    let accepted = || refreshes(&studio).as_u64().unwrap();
    for run in 0..KILLS {
        expire();
        let before = accepted();
        let mut child = home
            .command(&ASK)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not to wait for anything: the random moment is what is tested.
        std::thread::sleep(whole.mul_f64(fraction()));
        let _ = child.kill();
        child.wait().unwrap();
        assert!(
            accepted() - before <= 1,
            "kill {run} spent more than one rotation"
        );
        if run % 10 == 9 {
            home.run(&ASK).expect_code(0);
        }
    }
    home.run(&ASK).expect_code(0);
}

#[test]
fn a_qwen_code_login_is_used_and_written_back() {
    let studio = Studio::start();
    let login = studio.emulator.oauth().issue(LoginWish::default()).unwrap();
    let home = studio.reached_by(Home::with_config(&json!({
        "models": {"providers": {"qwen-portal": {"baseUrl": "https://portal.qwen.ai/v1", "apiKey": "qwen-oauth",
            "api": "openai-completions", "models": [{"id": "coder-model", "name": "Qwen Coder"}]}}},
    })));
    let file = json!({"access_token": login.access_token, "refresh_token": login.refresh_token, "token_type": "Bearer",
        "resource_url": "portal.qwen.ai", "expiry_date": now_ms() - 1_000});
    home.write(".qwen/oauth_creds.json", &file.to_string());
    for _ in 0..2 {
        home.run(&ASK).expect_code(0);
    }
    assert_eq!(refreshes(&studio), 1);
    let after: Value = serde_json::from_str(&home.read(".qwen/oauth_creds.json")).unwrap();
    assert_ne!(
        after["refresh_token"], file["refresh_token"],
        "a spent token was left to its owner"
    );
    assert!(after["expiry_date"].as_u64() > file["expiry_date"].as_u64());
    assert_eq!(
        (&after["token_type"], &after["resource_url"]),
        (&file["token_type"], &file["resource_url"])
    );
}

/// Puts a store where 2026.9 keeps it.
fn write_database(home: &Home, store: &Value) {
    let path = home.at(DATABASE);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE config_machine_state
                (state_key TEXT PRIMARY KEY, value_json TEXT, updated_at_ms INTEGER);",
        )
        .unwrap();
    for (key, value) in [
        ("authProfiles.store", store.to_string()),
        (
            "auth.sharedStore",
            json!({"location": "state-db"}).to_string(),
        ),
    ] {
        database
            .execute(
                "INSERT INTO config_machine_state VALUES (?1, ?2, 1)",
                [key, &value],
            )
            .unwrap();
    }
}

fn explained(home: &Home) -> Value {
    home.run(&["models", "auth", "explain", "qwen-portal", "--json"])
        .expect_code(0)
        .json()
}

/// Returns label, role, and the end of the store's path, of each source.
fn sources(explained: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |source: &Value| {
        let store = text(&source["store"]);
        let name = store.rsplit('/').next().unwrap_or_default().to_owned();
        (text(&source["label"]), text(&source["role"]), name)
    };
    let rows = explained["sources"].as_array().unwrap();
    rows.iter().map(row).collect()
}

#[test]
fn a_login_that_only_a_database_of_2026_9_holds_is_used_and_renewed_beside_it() {
    let studio = Studio::start();
    let home = configured(&studio);
    write_database(&home, &issued(&studio, -1_000));
    let before = home.files();
    let row = |role: &str, store: &str| {
        let label = "qwen-portal:default";
        (label.to_owned(), role.to_owned(), store.to_owned())
    };

    let said = explained(&home);
    assert_eq!(
        sources(&said)[0],
        row("used", "openclaw.sqlite"),
        "{said:#}"
    );
    assert_eq!(said["sources"][0]["state"], "expired-refreshable");
    let list = home.run(&["models", "auth", "list"]).expect_code(0).stdout;
    assert!(list.contains("state/openclaw.sqlite"), "{list}");
    assert_eq!(home.files(), before, "nothing was written to look at it");

    for _ in 0..2 {
        home.run(&ASK).expect_code(0);
    }
    assert_eq!(
        refreshes(&studio),
        1,
        "the rotated token is used afterwards"
    );
    let database = std::path::Path::new(DATABASE);
    let after = home.files();
    assert_eq!(after[database], before[database], "the database is theirs");
    let expires = stored(&home)["expires"].as_u64().unwrap();
    assert!(expires > now_ms(), "{}", stored(&home));

    let said = explained(&home);
    let rows = sources(&said);
    assert_eq!(rows[0], row("used", "auth-profiles.json"), "{said:#}");
    assert!(
        rows.contains(&row("skipped", "openclaw.sqlite")),
        "{said:#}"
    );
    let hidden = said["sources"].as_array().unwrap().iter();
    let mut hidden = hidden.filter(|source| source["role"] == "skipped");
    let reason = hidden.next().unwrap()["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the profile of the same name in ")
            && reason.ends_with("auth-profiles.json wins"),
        "{reason}"
    );
}
