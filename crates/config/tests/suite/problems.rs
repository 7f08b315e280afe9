//! What the settings reader says about configs that can be parsed but not used.

use config::{ProviderId, Settings, Severity};

fn problems(source: &str) -> Vec<String> {
    let (_, problems) = Settings::read(&crate::text(source));
    problems
        .iter()
        .map(|problem| {
            let severity = if problem.severity == Severity::Error {
                "error"
            } else {
                "warning"
            };
            let hint = problem
                .hint
                .as_deref()
                .map(|hint| format!(" ({hint})"))
                .unwrap_or_default();
            format!("{severity} {problem}{hint}")
        })
        .collect()
}

fn check(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(problems(source), [*expected], "{source}");
    }
}

#[test]
fn names_place_and_reason_in_gateway() {
    let cases = [
        (
            "{ gateway: 1 }",
            "error 1:3: gateway: must be an object, this is a number",
        ),
        (
            "{ gateway: { port: 0 } }",
            "error 1:14: gateway.port: must be a whole number, 1 to 65535, this is 0",
        ),
        (
            "{ gateway: { port: 1.5 } }",
            "error 1:14: gateway.port: must be a whole number, 1 to 65535, this is 1.5",
        ),
        (
            "{ gateway: { port: '80' } }",
            "error 1:14: gateway.port: must be a number, this is a text",
        ),
        (
            "{ gateway: { bind: 'wan' } }",
            "error 1:14: gateway.bind: `wan` is not known here (use one of `loopback`, `lan`, `tailnet`, `auto`, `custom`)",
        ),
        (
            "{ gateway: { bind: 'custom' } }",
            "error 1:14: gateway.bind: `custom` needs `customBindHost` (add `customBindHost` with an address of this machine)",
        ),
        (
            "{ gateway: { prot: 80 } }",
            "warning 1:14: gateway.prot: this key is not known and has no effect (did you mean `port`?)",
        ),
        (
            "{ gatway: {} }",
            "warning 1:3: gatway: this key is not known and has no effect (did you mean `gateway`?)",
        ),
        (
            "{ whatever: {} }",
            "warning 1:3: whatever: this key is not known and has no effect",
        ),
    ];
    check(&cases);
}

#[test]
fn names_place_and_reason_in_models() {
    let cases = [
        (
            "{ models: { mode: 'add' } }",
            "error 1:13: models.mode: `add` is not known here (use one of `merge`, `replace`)",
        ),
        (
            "{ models: { providers: [] } }",
            "error 1:13: models.providers: must be an object, this is a list",
        ),
        (
            "{ models: { providers: { x: { baseURL: 'https://h' } } } }",
            "warning 1:31: models.providers.x.baseURL: this key is not known and has no effect (did you mean `baseUrl`?)",
        ),
        (
            "{ models: { providers: { x: { baseUrl: 'h/v1' } } } }",
            "error 1:31: models.providers.x.baseUrl: the URL does not start with `https://` or `http://` (write it like `https://host/path`)",
        ),
        (
            "{ models: { providers: { x: { apiKey: 7 } } } }",
            "error 1:31: models.providers.x.apiKey: must be a text or a reference `{source, provider, id}`",
        ),
        (
            "{ models: { providers: { x: { api: 'soap' } } } }",
            "error 1:31: models.providers.x.api: `soap` is not a known API (for most hosts it is `openai-completions`)",
        ),
        (
            "{ models: { providers: { x: { models: [{}] } } } }",
            "error 1:40: models.providers.x.models[0]: `id` is missing",
        ),
        (
            "{ models: { providers: { Q: {}, q: {} } } }",
            "error 1:33: models.providers.q: the provider `q` is already given as `Q` (keep one of the two)",
        ),
    ];
    check(&cases);
}

#[test]
fn names_place_and_reason_elsewhere() {
    let cases = [
        (
            "{ $include: './x.json' }",
            "error 1:3: $include: cannot read `./x.json`: No such file or directory (os error 2)",
        ),
        (
            "{ agents: { defaults: { model: 5 } } }",
            "error 1:25: agents.defaults.model: must be a model reference or `{primary, fallbacks}`",
        ),
        (
            "{ agents: { list: [{}] } }",
            "error 1:20: agents.list[0]: `id` is missing",
        ),
        (
            "{ agents: { entries: { '../x': {} } } }",
            "error 1:24: agents.entries[\"../x\"]: `../x` is not a valid agent id: 1 to 64 letters, digits, `-` or `_`, not starting with `-` or `_`",
        ),
        (
            "{ auth: { profiles: { a: { provider: 'q' } } } }",
            "error 1:23: auth.profiles.a: `mode` is missing",
        ),
        (
            "{ auth: { order: { q: 'a' } } }",
            "error 1:20: auth.order.q: must be a list, this is a text",
        ),
        (
            "{ env: { vars: { A: 1 } } }",
            "error 1:18: env.vars.A: the value of a variable must be a text",
        ),
        (
            "{ logging: { level: 'loud' } }",
            "error 1:14: logging.level: `loud` is not known here (use one of `silent`, `fatal`, `error`, `warn`, `info`, `debug`, `trace`)",
        ),
    ];
    check(&cases);
}

#[test]
fn null_counts_as_unset_and_foreign_sections_are_left_alone() {
    let source = "{ gateway: null, models: { providers: { x: { apiKey: null } } }, agents: { defaults: { model: null } },
        channels: { telegram: { anything: [1, {}] } }, plugins: { entries: { p: { config: { deep: 1 } } } } }";
    assert_eq!(problems(source), Vec::<String>::new());
}

#[test]
fn a_broken_provider_does_not_take_the_others_down() {
    let source = "{ models: { providers: {
        bad: { baseUrl: 'nonsense' },
        good: { baseUrl: 'https://h/v1', models: [{ id: 'a' }, { id: 7 }, { id: 'b', contextWindow: 'x' }] },
    } } }";
    let (settings, problems) = Settings::read(&crate::text(source));
    let provider = |id: &str| {
        settings
            .models
            .provider(&ProviderId::new(id).unwrap())
            .unwrap()
    };
    assert_eq!(provider("bad").disabled.as_ref(), problems.first());
    assert!(provider("good").disabled.is_none());
    let rows: Vec<_> = provider("good")
        .models
        .iter()
        .map(|row| row.id.as_str())
        .collect();
    assert_eq!(rows, ["a"]);
    assert_eq!(problems.len(), 3);
}

#[test]
fn both_rosters_are_read() {
    let (settings, problems) = Settings::read(&crate::text(
        "{ agents: { list: [{ id: 'Main', default: true, model: 'q/a' }], entries: { ops: { model: { primary: 'q/b', fallbacks: ['q/c'] } } } } }",
    ));
    assert_eq!(problems, []);
    let shown: Vec<_> = settings
        .agents
        .entries
        .iter()
        .map(|agent| {
            (
                agent.id.as_str(),
                agent.is_default,
                agent.model.clone().unwrap(),
            )
        })
        .collect();
    let choice = |primary: &str, fallbacks: &[&str]| config::ModelChoice {
        primary: Some(primary.to_owned()),
        fallbacks: fallbacks.iter().map(|text| (*text).to_owned()).collect(),
    };
    assert_eq!(
        shown,
        [
            ("main", true, choice("q/a", &[])),
            ("ops", false, choice("q/b", &["q/c"]))
        ]
    );
}

#[test]
fn names_place_and_reason_in_secrets() {
    let cases = [
        (
            "{ secrets: { providers: { v: { source: 'exec' } } } }",
            "error 1:27: secrets.providers.v: `command` is missing",
        ),
        (
            "{ secrets: { providers: { v: { source: 'exec', command: 'op' } } } }",
            "error 1:48: secrets.providers.v.command: `op` is not an absolute path (write the whole path, as `command -v` prints it)",
        ),
        (
            "{ secrets: { providers: { v: { source: 'exec', command: '/op', timeoutMs: 0 } } } }",
            "error 1:64: secrets.providers.v.timeoutMs: must be a whole number, 1 to 120000, this is 0",
        ),
        (
            "{ secrets: { providers: { v: { source: 'moon' } } } }",
            "error 1:32: secrets.providers.v.source: `moon` is not known here (use one of `env`, `file`, `exec`, `store`, `keyring`)",
        ),
        (
            "{ secrets: { providers: { V: { source: 'env' } } } }",
            "error 1:27: secrets.providers.V: a name is lower case letters, digits, `_` and `-`, at most 64",
        ),
        (
            "{ secrets: { providers: { f: { source: 'file', path: 'a.json' } } } }",
            "error 1:48: secrets.providers.f.path: `a.json` is neither absolute nor in `~`",
        ),
        (
            "{ secrets: { providers: { f: { source: 'file', pth: '/a', path: '/b' } } } }",
            "warning 1:48: secrets.providers.f.pth: this key is not known and has no effect (did you mean `path`?)",
        ),
        (
            "{ gateway: { auth: { token: { source: 'exec', provider: 'v', id: 't' } } } }",
            "error 1:22: gateway.auth.token: `secrets.providers` has no `v` (add `secrets.providers.v` with `source: \"exec\"`)",
        ),
        (
            "{ secrets: { providers: { f: { source: 'file', path: '/b' } } }, gateway: { auth: { token: { source: 'file', provider: 'f', id: 't' } } } }",
            "error 1:85: gateway.auth.token: the id `t` is not possible: a JSON pointer such as `/qwen/apiKey` is needed",
        ),
        (
            "{ secrets: { providers: { e: { source: 'env', allowlist: ['A'] } } }, gateway: { auth: { token: { source: 'env', provider: 'e', id: 'B' } } } }",
            "error 1:90: gateway.auth.token: `secrets.providers.e.allowlist` does not name B (add it to `secrets.providers.e.allowlist`)",
        ),
    ];
    check(&cases);
}

#[test]
fn a_reference_may_leave_the_usual_provider_out() {
    let source = "{ secrets: { providers: { v: { source: 'exec', command: '/op' } }, defaults: { exec: 'v' } }, \
                  gateway: { auth: { token: { source: 'exec', id: 'gateway/token' } } } }";
    assert_eq!(problems(source), Vec::<String>::new());
}
