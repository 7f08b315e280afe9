//! `config`: values in, values out, and every other byte as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::home::Home;
use crate::openclaw_homes::state;

const CONFIG: &str = ".openclaw/openclaw.json";

const BY_HAND: &str = "\
// my gateway
{
  gateway: { port: 18789, auth: { mode: 'token', token: '0123456789abcdef' } }, // local
  env: { vars: { ANY_NAME: 'hidden-value' } },
  models: { providers: { qwen: {
    baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    apiKey: 'sk-0123456789abcdef3f2a',
    headers: { Authorization: 'Bearer abc', 'User-Agent': 'me' },
    models: [],
  } } },
}
";

fn by_hand() -> Home {
    let home = Home::new();
    home.write(CONFIG, BY_HAND);
    home
}

#[test]
fn get_prints_scalars_bare_and_the_rest_as_json() {
    let home = by_hand();
    for (path, expected) in [
        ("gateway.port", "18789\n"),
        ("gateway.auth.mode", "token\n"),
        ("gateway[\"port\"]", "18789\n"),
        ("models.providers.qwen.models", "[]\n"),
        (
            "gateway.auth",
            "{\n  \"mode\": \"token\",\n  \"token\": \"__OPENCLAW_REDACTED__\"\n}\n",
        ),
    ] {
        let run = home.run(&["config", "get", path]).expect_code(0);
        assert_eq!(run.stdout, expected, "{path}");
    }
    let run = home
        .run(&["config", "get", "gateway.auth.mode", "--json"])
        .expect_code(0);
    assert_eq!(run.stdout, "\"token\"\n");
}

#[test]
fn get_never_prints_a_secret() {
    let home = by_hand();
    for path in [
        "gateway.auth.token",
        "env.vars.ANY_NAME",
        "models.providers.qwen.apiKey",
        "models.providers.qwen.headers.Authorization",
    ] {
        let run = home.run(&["config", "get", path]).expect_code(0);
        assert_eq!(run.stdout, "__OPENCLAW_REDACTED__\n", "{path}");
    }
    let all = home
        .run(&["config", "get", ".", "--json"])
        .expect_code(0)
        .stdout;
    for secret in ["0123456789abcdef", "hidden-value", "Bearer"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert!(all.contains("\"User-Agent\":\"me\""), "{all}");
}

#[test]
fn get_says_what_is_near() {
    let home = by_hand();
    for (path, hint) in [
        ("gateway.prot", "did you mean `gateway.port`?"),
        ("gateway.x", "`gateway` has port, auth"),
        (
            "gateway.port.x",
            "`gateway.port` has a value that holds no further keys",
        ),
        ("nothing.here", "the config has gateway, env, models"),
        (
            "models.providers.qwen.models[3]",
            "is a list with 0 entries",
        ),
    ] {
        let run = home.run(&["config", "get", path]).expect_code(1);
        assert!(run.stdout.is_empty(), "{run:?}");
        assert!(
            run.stderr.contains(&format!("error: there is no `{path}`")),
            "{run:?}"
        );
        assert!(run.stderr.contains(hint), "{path}: {run:?}");
    }
    let run = home.run(&["config", "get", "a..b"]).expect_code(1);
    assert!(run.stderr.contains("is not a path"), "{run:?}");
    let run = home
        .run(&["config", "get", "nope", "--json"])
        .expect_code(1);
    assert_eq!(run.json()["ok"], false);
}

#[test]
fn set_changes_one_value_and_says_that_a_restart_is_needed() {
    let home = by_hand();
    let run = home
        .run(&["config", "set", "gateway.port", "19000"])
        .expect_code(0);
    assert_eq!(home.read(CONFIG), BY_HAND.replace("18789", "19000"));
    assert_eq!(home.read(".openclaw/openclaw.json.bak"), BY_HAND);
    assert!(run.stdout.is_empty(), "{run:?}");
    assert!(
        run.stderr
            .contains("Updated config: ~/.openclaw/openclaw.json\n"),
        "{run:?}"
    );
    assert!(run.stderr.contains("Restart the gateway"), "{run:?}");
    let run = home
        .run(&["config", "set", "wizard.lastRunMode", "local"])
        .expect_code(0);
    assert!(run.stderr.contains("No restart is needed"), "{run:?}");
    // A running gateway takes this over.
    let run = home
        .run(&["config", "set", "gateway.auth.token", "another"])
        .expect_code(0);
    assert!(run.stderr.contains("No restart is needed"), "{run:?}");
    let mode = fs::metadata(home.at(CONFIG)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn set_takes_json5_or_text() {
    let home = by_hand();
    home.run(&[
        "config",
        "set",
        "gateway.auth",
        "{mode: 'none', /* open */}",
    ])
    .expect_code(0);
    assert_eq!(
        home.run(&["config", "get", "gateway.auth.mode"]).stdout,
        "none\n"
    );
    home.run(&["config", "set", "agents.defaults.workspace", "~/work"])
        .expect_code(0);
    assert_eq!(
        home.run(&["config", "get", "agents.defaults.workspace", "--json"])
            .stdout,
        "\"~/work\"\n"
    );
    let before = state(&home);
    let run = home
        .run(&[
            "config",
            "set",
            "agents.defaults.workspace",
            "~/x",
            "--strict",
        ])
        .expect_code(1);
    assert!(run.stderr.contains("the value is not JSON5"), "{run:?}");
    home.run(&[
        "config",
        "set",
        "gateway.auth.token",
        "__OPENCLAW_REDACTED__",
    ])
    .expect_code(1);
    assert!(state(&home) == before);
}

#[test]
fn set_refuses_what_would_make_the_config_invalid() {
    let home = by_hand();
    let before = state(&home);
    for (path, value, message) in [
        ("gateway.port", "abc", "gateway.port: must be a number"),
        ("gateway.port", "70000", "gateway.port:"),
        ("gateway.auth.mode", "open", "gateway.auth.mode:"),
        (
            "models.providers.qwen.baseUrl",
            "ftp://x",
            "models.providers.qwen.baseUrl:",
        ),
        ("agents.defaults.model", "7", "agents.defaults.model:"),
        ("gateway.port.deep", "1", "`gateway.port` is not an object"),
    ] {
        for more in [&[][..], &["--dry-run"], &["--json"]] {
            let mut words = vec!["config", "set", path, value];
            words.extend(more);
            let run = home.run(&words).expect_code(1);
            assert!(run.stderr.contains(message), "{path}: {run:?}");
        }
    }
    let run = home
        .run(&["config", "set", "gateway.port", "abc"])
        .expect_code(1);
    assert!(
        run.stderr.contains("3 |   gateway: { port: 'abc',"),
        "{run:?}"
    );
    assert!(state(&home) == before);
}

#[test]
fn an_unknown_key_is_written_with_a_warning() {
    let home = by_hand();
    let run = home
        .run(&["config", "set", "gatewayy.port", "1"])
        .expect_code(0);
    assert!(run.stderr.contains("warning: gatewayy"), "{run:?}");
    let run = home.run(&["config", "validate", "--json"]).expect_code(0);
    assert_eq!(run.json()["warnings"][0]["path"], "gatewayy");
}

#[test]
fn a_dry_run_shows_a_diff_without_secrets() {
    let home = by_hand();
    let before = state(&home);
    let run = home
        .run(&["config", "set", "gateway.port", "19000", "--dry-run"])
        .expect_code(0);
    assert!(state(&home) == before);
    assert!(run.stdout.contains("@@ -1,6 +1,6 @@"), "{run:?}");
    assert!(
        run.stdout.contains(
            "-  gateway: { port: 18789, auth: { mode: 'token', token: \"…cdef\" } }, // local"
        ),
        "{run:?}"
    );
    let run = home
        .run(&[
            "config",
            "set",
            "gateway.auth.token",
            "fedcba9876543210",
            "--dry-run",
            "--json",
        ])
        .expect_code(0);
    let answer = run.json();
    assert_eq!(
        (&answer["dryRun"], &answer["changed"]),
        (&json!(true), &json!(true))
    );
    assert!(!run.stdout.contains("9876"), "{run:?}");
    assert!(answer["diff"].to_string().contains("…3210"), "{run:?}");
}

#[test]
fn unset_removes_one_value() {
    let home = by_hand();
    home.run(&["config", "unset", "gateway.port"])
        .expect_code(0);
    assert_eq!(home.read(CONFIG), BY_HAND.replace("port: 18789, ", ""));
    let before = state(&home);
    let run = home
        .run(&["config", "unset", "gateway.prot"])
        .expect_code(1);
    assert!(run.stderr.contains("there is no `gateway.prot`"), "{run:?}");
    home.run(&["config", "unset", "."]).expect_code(1);
    home.run(&["config", "unset", "env", "--dry-run"])
        .expect_code(0);
    assert!(state(&home) == before);
    Home::new()
        .run(&["config", "unset", "gateway"])
        .expect_code(1);
}

#[test]
fn set_starts_a_config() {
    let home = Home::new();
    home.run(&["config", "set", "gateway.port", "19000"])
        .expect_code(0);
    assert_eq!(
        home.read(CONFIG),
        "{\n  \"gateway\": {\n    \"port\": 19000\n  }\n}\n"
    );
    let run = home.run(&["config", "file", "--json"]).expect_code(0);
    assert_eq!(run.json(), json!({"path": home.at(CONFIG), "exists": true}));
}

#[test]
fn validate_names_every_problem_with_its_place() {
    let home = Home::new();
    home.write(
        CONFIG,
        "{\n  gateway: { port: 'x', bindd: 1 },\n  logging: { level: 'loud' },\n}\n",
    );
    let run = home.run(&["config", "validate"]).expect_code(1);
    assert!(
        run.stdout
            .contains("~/.openclaw/openclaw.json:2:14: gateway.port: must be a number"),
        "{run:?}"
    );
    assert!(
        run.stdout
            .contains("2 |   gateway: { port: 'x', bindd: 1 },\n  |              ^"),
        "{run:?}"
    );
    assert!(run.stdout.contains(":3:14: logging.level:"), "{run:?}");
    assert!(
        run.stdout
            .contains("warning: ~/.openclaw/openclaw.json:2:25: gateway.bindd"),
        "{run:?}"
    );
    assert!(
        run.stderr
            .contains("error: ~/.openclaw/openclaw.json has 2 errors, 1 warning"),
        "{run:?}"
    );
    let answer = home
        .run(&["config", "validate", "--json"])
        .expect_code(1)
        .json();
    assert_eq!(answer["valid"], false);
    assert_eq!(answer["issues"].as_array().unwrap().len(), 2);
    let first = &answer["issues"][0];
    assert_eq!(
        (&first["path"], &first["line"], &first["column"]),
        (&json!("gateway.port"), &json!(2), &json!(14))
    );
    assert_eq!(answer["warnings"][0]["path"], "gateway.bindd");
}

#[test]
fn validate_accepts_a_good_file() {
    let home = by_hand();
    let run = home.run(&["config", "validate"]).expect_code(0);
    assert_eq!(run.stdout, "Config valid: ~/.openclaw/openclaw.json\n");
    let answer = home
        .run(&["config", "validate", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        answer,
        json!({"valid": true, "path": home.at(CONFIG), "warnings": []})
    );
    let run = home.run(&["config", "file"]).expect_code(0);
    assert_eq!(run.stdout, "~/.openclaw/openclaw.json\n");
}

/// A name, what is put in place of the config, and a part of the message.
type Case = (&'static str, fn(&Home), &'static str);

/// Every command on a config that cannot be read: one line, a hint, exit 1, and nothing is touched.
#[test]
fn a_config_that_cannot_be_read_is_one_clear_error() {
    let cases: [Case; 5] = [
        (
            "malformed",
            |home| home.write(CONFIG, "{\n  gateway: { port: 1,, },\n}\n"),
            "openclaw.json:2:22: ",
        ),
        (
            "not closed",
            |home| home.write(CONFIG, "{\n  a: 'x\n}\n"),
            "openclaw.json:2:",
        ),
        (
            "a list",
            |home| home.write(CONFIG, "[]"),
            "openclaw.json:1:1: ",
        ),
        (
            "a folder",
            |home| fs::create_dir_all(home.at(CONFIG)).unwrap(),
            "is a folder, not a file",
        ),
        (
            "not UTF-8",
            |home| {
                home.write(CONFIG, "");
                fs::write(home.at(CONFIG), b"{ a: '\xff' }").unwrap();
            },
            "UTF-8",
        ),
    ];
    for (case, make, message) in cases {
        let home = Home::new();
        make(&home);
        let before = state(&home);
        for command in [
            &["config", "validate"][..],
            &["config", "get", "gateway"],
            &["config", "set", "gateway.port", "1"],
            &["config", "unset", "gateway.port"],
            &["models", "list"],
            &["models", "status"],
            &["models", "set", "qwen/glm-5"],
        ] {
            let run = home.run(command).expect_code(1);
            let errors = run
                .stderr
                .lines()
                .filter(|line| line.starts_with("error: "))
                .count();
            assert_eq!(errors, 1, "{case}: {run:?}");
            assert!(run.stderr.contains(message), "{case} {command:?}: {run:?}");
            assert!(!run.stderr.contains("panicked"), "{case}: {run:?}");
        }
        let answer = home
            .run(&["config", "validate", "--json"])
            .expect_code(1)
            .json();
        assert_eq!(
            (&answer["valid"], answer["issues"].as_array().unwrap().len()),
            (&json!(false), 1),
            "{case}"
        );
        assert!(state(&home) == before, "{case}");
    }
}

#[test]
fn a_missing_config_points_to_onboarding() {
    let home = Home::new();
    for command in [&["config", "validate"][..], &["config", "get", "gateway"]] {
        let run = home.run(command).expect_code(1);
        assert!(
            run.stderr
                .contains("error: there is no config at ~/.openclaw/openclaw.json"),
            "{run:?}"
        );
        assert!(run.stderr.contains("openclaw onboard"), "{run:?}");
    }
    assert_eq!(
        home.run(&["config", "validate", "--json"])
            .expect_code(1)
            .json()["valid"],
        false
    );
}

#[test]
fn an_unreadable_home_is_one_clear_error() {
    let home = by_hand();
    let folder = home.at(".openclaw");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read(home.at(CONFIG)).is_ok();
    let runs: Vec<_> = [
        &["config", "validate"][..],
        &["config", "get", "gateway"],
        &["models", "list"],
    ]
    .into_iter()
    .map(|command| home.run(command))
    .collect();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    if is_root {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: permissions do not stop this user, who is probably root"
        );
        return;
    }
    for run in runs {
        let run = run.expect_code(1);
        assert!(run.stderr.contains("error: cannot read"), "{run:?}");
        assert!(
            run.stderr
                .contains("hint: check the owner and the permissions"),
            "{run:?}"
        );
    }
}

#[test]
fn a_read_only_config_is_not_changed() {
    let home = by_hand().variable("OPENCLAW_CONFIG_READONLY", "1");
    let before = state(&home);
    let run = home
        .run(&["config", "set", "gateway.port", "1"])
        .expect_code(1);
    assert!(run.stderr.contains("OPENCLAW_CONFIG_READONLY"), "{run:?}");
    home.run(&["config", "set", "gateway.port", "1", "--dry-run"])
        .expect_code(0);
    assert!(state(&home) == before);
}

#[test]
fn the_config_of_a_profile_is_its_own() {
    let home = by_hand();
    home.run(&[
        "--profile",
        "work",
        "config",
        "set",
        "gateway.port",
        "19100",
    ])
    .expect_code(0);
    assert_eq!(home.read(CONFIG), BY_HAND);
    let run = home
        .run(&["config", "get", "gateway.port", "--profile", "work"])
        .expect_code(0);
    assert_eq!(run.stdout, "19100\n");
    let other = by_hand().variable("OPENCLAW_CONFIG_PATH", "~/elsewhere.json5");
    other.write("elsewhere.json5", "{ gateway: { port: 7 } }");
    assert_eq!(
        other
            .run(&["config", "get", "gateway.port"])
            .expect_code(0)
            .stdout,
        "7\n"
    );
}

#[test]
fn each_change_is_noted_and_undo_is_exact() {
    let home = by_hand();
    home.run(&["config", "set", "gateway.port", "18790"])
        .expect_code(0);
    home.run(&["models", "set", "qwen/qwen3.5-plus"])
        .expect_code(0);
    let listed = home
        .run(&["config", "history", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(listed["count"], 2);
    assert_eq!(listed["generations"][0]["command"], "models set");
    assert_eq!(listed["generations"][1]["command"], "config set");
    let diff = home.run(&["config", "diff", "1"]).expect_code(0).stdout;
    assert!(
        diff.contains("18790") && diff.contains("qwen3.5-plus"),
        "{diff}"
    );
    for secret in ["0123456789abcdef3f2a", "hidden-value", "Bearer abc"] {
        assert!(!diff.contains(secret), "{diff}");
    }
    let only = home.run(&["config", "diff", "1", "--only"]).expect_code(0);
    assert!(!only.stdout.contains("qwen3.5-plus"), "{only:?}");
    let before = state(&home);
    let dry = home.run(&["config", "undo", "--dry-run"]).expect_code(0);
    assert!(
        dry.stdout.contains("-  agents") || dry.stdout.contains("qwen3.5-plus"),
        "{dry:?}"
    );
    assert_eq!(state(&home), before, "a dry run wrote");
    home.run(&["config", "undo"]).expect_code(0);
    assert_eq!(home.read(CONFIG), BY_HAND.replace("18789", "18790"));
    home.run(&["config", "undo"]).expect_code(0);
    assert_eq!(home.read(CONFIG), BY_HAND);
    let nothing = home.run(&["config", "undo"]).expect_code(1);
    assert!(
        nothing.stderr.contains("no change left to undo"),
        "{nothing:?}"
    );
}

#[test]
fn undo_does_not_take_an_edit_by_hand_along() {
    let home = by_hand();
    home.run(&["config", "set", "gateway.port", "18790"])
        .expect_code(0);
    let edited = format!("{}// more\n", home.read(CONFIG));
    home.write(CONFIG, &edited);
    let refused = home.run(&["config", "undo"]).expect_code(1);
    assert!(refused.stderr.contains("edited by hand"), "{refused:?}");
    assert_eq!(home.read(CONFIG), edited);
    // A file that is broken by hand is exactly what undo is for.
    home.write(CONFIG, "{ broken");
    home.run(&["config", "undo", "--force"]).expect_code(0);
    assert_eq!(home.read(CONFIG), BY_HAND);
}

#[test]
fn patch_merges_and_null_removes() {
    let home = by_hand();
    let patch = "{gateway: {port: null, bind: 'lan'}, logging: {level: 'debug', file: null}}";
    let dry = home
        .run_with_input(&["config", "patch", "--stdin", "--dry-run"], patch)
        .expect_code(0);
    assert!(dry.stdout.contains("bind"), "{dry:?}");
    assert_eq!(home.read(CONFIG), BY_HAND);
    home.run_with_input(&["config", "patch", "--stdin"], patch)
        .expect_code(0);
    let text = home.read(CONFIG);
    assert!(
        text.contains("// my gateway") && text.contains("// local"),
        "{text}"
    );
    assert!(!text.contains("18789") && text.contains("debug"), "{text}");
    home.run_with_input(
        &["config", "patch", "--stdin", "--replace-path", "env.vars"],
        "{env: {vars: {B: 'b'}}}",
    )
    .expect_code(0);
    let names = home.run(&["config", "get", "env.vars", "--json"]).json();
    assert_eq!(names, json!({"B": "__OPENCLAW_REDACTED__"}));
    let wrong = home
        .run_with_input(&["config", "patch", "--stdin"], "{gateway: {bind: 7}}")
        .expect_code(1);
    assert!(wrong.stderr.contains("gateway.bind"), "{wrong:?}");
}

#[test]
fn the_schema_has_docs_and_defaults() {
    let schema = Home::new().run(&["config", "schema"]).expect_code(0).json();
    let port = schema
        .pointer("/properties/gateway/properties/port")
        .unwrap();
    assert_eq!(port["default"], 18_789);
    assert!(port["description"].as_str().unwrap().contains("Port"));
}

#[test]
fn an_included_value_is_shown_and_not_edited() {
    let home = Home::new();
    home.write(".openclaw/gateway.json5", "{ port: 1234 }");
    home.write(CONFIG, "{ gateway: { $include: './gateway.json5' } }");
    let shown = home.run(&["config", "get", "gateway.port"]).expect_code(0);
    assert_eq!(shown.stdout, "1234\n");
    let refused = home
        .run(&["config", "set", "gateway.port", "1"])
        .expect_code(1);
    assert!(refused.stderr.contains("gateway.json5:1:3"), "{refused:?}");
    let unset = home
        .run(&["config", "unset", "gateway.port"])
        .expect_code(1);
    assert!(unset.stderr.contains("gateway.json5"), "{unset:?}");
    assert!(home.read(CONFIG).contains("$include"));
}

#[test]
fn a_retired_key_fails_validation_with_its_replacement() {
    let home = Home::new();
    home.write(CONFIG, "{ agent: { model: 'qwen/qwen3.5-plus' } }");
    let run = home.run(&["config", "validate"]).expect_code(1);
    assert!(
        run.stdout.contains("`agents.defaults` takes its place"),
        "{run:?}"
    );
    assert!(run.stdout.contains("openclaw doctor --fix"), "{run:?}");
}

#[test]
fn env_explain_names_the_place_of_each_variable() {
    let home = Home::new().variable("QWEN_API_KEY", "sk-process-0123456789");
    home.write(
        ".env",
        "QWEN_API_KEY=sk-cwd-0123456789\nOPENCLAW_HOME=/evil\n",
    );
    home.write(
        ".openclaw/.env",
        "DASHSCOPE_API_KEY=sk-home-0123456789\nQWEN_API_KEY=sk-home-2\n",
    );
    home.write(
        CONFIG,
        "{ env: { vars: { FROM_CONFIG: 'v' } }, logging: { file: '${NOT_SET}' } }",
    );
    let before = state(&home);
    let explained = home
        .run(&["config", "env", "explain", "--json"])
        .expect_code(0);
    assert_eq!(state(&home), before, "explaining wrote");
    let view = explained.json();
    let row = |name: &str| {
        let rows = view["variables"].as_array().unwrap().iter();
        rows.clone()
            .find(|row| row["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(row("QWEN_API_KEY")["origin"], "process");
    let elsewhere = row("QWEN_API_KEY")["notUsed"].clone();
    assert_eq!(elsewhere[0]["origin"], "~/.env");
    assert_eq!(elsewhere[1]["origin"], "~/.openclaw/.env");
    assert_eq!(row("DASHSCOPE_API_KEY")["origin"], "~/.openclaw/.env");
    assert_eq!(row("FROM_CONFIG")["origin"], "`env` of the config");
    assert_eq!(row("NOT_SET")["set"], false);
    assert_eq!(view["refused"][0]["names"], json!(["OPENCLAW_HOME"]));
    let text = home
        .run(&["config", "env", "explain"])
        .expect_code(0)
        .stdout;
    for secret in [
        "process-0123456789",
        "home-0123456789",
        "sk-home-2",
        "cwd-0123",
    ] {
        assert!(
            !text.contains(secret) && !explained.stdout.contains(secret),
            "{text}"
        );
    }
}

#[test]
fn the_login_shell_gives_only_what_is_missing_and_in_time() {
    let shell =
        "#!/bin/sh\nQWEN_API_KEY=sk-shell DASHSCOPE_API_KEY=sk-shell-2 exec /bin/sh -c \"$3\"\n";
    for (process, origin) in [("", "login shell"), ("sk-process", "process")] {
        let home = Home::new();
        home.write("shell", shell);
        fs::set_permissions(home.at("shell"), fs::Permissions::from_mode(0o700)).unwrap();
        home.write(CONFIG, "{ env: { shellEnv: { enabled: true } } }");
        let shell = home.at("shell");
        let home = home
            .variable("SHELL", shell.to_str().unwrap())
            .variable("QWEN_API_KEY", process);
        let view = home
            .run(&["config", "env", "explain", "QWEN_API_KEY", "--json"])
            .expect_code(0)
            .json();
        let found = view["variables"][0]["origin"].as_str().unwrap().to_owned();
        assert!(found.starts_with(origin), "{view}");
    }
    let home = Home::new();
    home.write("shell", "#!/bin/sh\nexec sleep 60\n");
    fs::set_permissions(home.at("shell"), fs::Permissions::from_mode(0o700)).unwrap();
    home.write(
        CONFIG,
        "{ env: { shellEnv: { enabled: true, timeoutMs: 100 } } }",
    );
    let shell = home.at("shell");
    let home = home.variable("SHELL", shell.to_str().unwrap());
    let run = home
        .run(&["config", "env", "explain", "--json"])
        .expect_code(0)
        .json();
    assert!(
        run["shellError"].as_str().unwrap().contains("100 ms"),
        "{run}"
    );
}
