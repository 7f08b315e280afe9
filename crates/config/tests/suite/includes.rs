//! `$include`: merged as OpenClaw merges, confined, and never edited from outside.

use std::fs;
use std::path::Path;

use config::{ConfigText, EditError, Settings, Severity};
use serde_json::json;

fn load(folder: &Path) -> ConfigText {
    let path = folder.join("openclaw.json");
    let bytes = fs::read(&path).unwrap();
    ConfigText::parse(path, bytes).unwrap()
}

fn errors(text: &ConfigText) -> Vec<String> {
    let (_, problems) = Settings::read(text);
    problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(config::Problem::one_line)
        .collect()
}

#[test]
fn files_are_merged_and_keys_beside_win() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("parts")).unwrap();
    fs::write(
        at("parts/a.json5"),
        "{ port: 1, bind: 'lan', trustedProxies: ['a'] }",
    )
    .unwrap();
    fs::write(
        at("parts/b.json5"),
        "{ $include: './c.json5', port: 2, trustedProxies: ['b'] }",
    )
    .unwrap();
    fs::write(at("parts/c.json5"), "{ mode: 'local' }").unwrap();
    let source = "{ gateway: { $include: ['parts/a.json5', 'parts/b.json5'], port: 3 } }";
    fs::write(at("openclaw.json"), source).unwrap();
    let text = load(folder.path());
    assert_eq!(
        text.effective_value(),
        json!({"gateway": {"port": 3, "bind": "lan", "trustedProxies": ["a", "b"], "mode": "local"}})
    );
    let (settings, problems) = Settings::read(&text);
    assert_eq!(settings.gateway.port, Some(3));
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(text.bytes(), source.as_bytes());
}

#[test]
fn a_problem_names_the_included_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("g.json5"), "{\n  port: 'x',\n}").unwrap();
    fs::write(
        folder.path().join("openclaw.json"),
        "{ gateway: { $include: './g.json5' } }",
    )
    .unwrap();
    let (_, problems) = Settings::read(&load(folder.path()));
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert_eq!((problem.line, problem.column), (2, 3));
    assert!(problem.file.as_ref().unwrap().ends_with("g.json5"));
    assert!(problem.excerpt.contains("port: 'x'"), "{}", problem.excerpt);
}

#[test]
fn an_included_value_is_edited_in_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("g.json5"),
        "{\n  port: 1, auth: { mode: 'token' } }",
    )
    .unwrap();
    fs::write(
        folder.path().join("openclaw.json"),
        "{ gateway: { $include: './g.json5' } }",
    )
    .unwrap();
    let text = load(folder.path());
    for path in [
        "gateway.port",
        "gateway.auth.mode",
        "gateway.auth",
        "gateway.port.deeper",
    ] {
        for result in [
            text.set(&crate::path(path), 2),
            text.remove(&crate::path(path)),
        ] {
            let Err(EditError::Refused { file, line, .. }) = result else {
                panic!("{path}: {result:?}")
            };
            assert!(
                file.ends_with("g.json5") && line == 2,
                "{path} {file:?} {line}"
            );
        }
    }
    let new = text.set(&crate::path("gateway.bind"), "lan").unwrap();
    assert_eq!(new.effective_value()["gateway"]["port"], 1);
    text.set(&crate::path("logging.level"), "info").unwrap();
}

#[test]
fn what_cannot_be_included_is_an_error_and_the_rest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::create_dir(&config).unwrap();
    fs::write(folder.path().join("outside.json"), "{ port: 1 }").unwrap();
    fs::write(config.join("self.json"), "{ $include: './self.json' }").unwrap();
    fs::write(config.join("list.json"), "[1]").unwrap();
    for (include, says) in [
        ("'../outside.json'", "outside the folder"),
        ("'./self.json'", "includes itself"),
        ("'./openclaw.json'", "includes itself"),
        ("'./list.json'", "must be an object"),
        ("'./none.json'", "cannot read"),
        ("7", "must be a path or a list of paths"),
    ] {
        let source = format!("{{ gateway: {{ $include: {include}, mode: 'local' }} }}");
        fs::write(config.join("openclaw.json"), source).unwrap();
        let text = load(&config);
        let found = errors(&text);
        assert!(
            found.iter().any(|error| error.contains(says)),
            "{include}: {found:?}"
        );
        assert_eq!(text.effective_value()["gateway"]["mode"], "local");
    }
    fs::write(
        config.join("openclaw.json"),
        "{ gateway: { $include: '../outside.json' } }",
    )
    .unwrap();
    let text = load(&config).with_include_roots(&[folder.path().to_owned()]);
    assert_eq!(errors(&text), Vec::<String>::new());
}

#[test]
fn including_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..20 {
        let text = format!("{{ a: {{ $include: './{}.json' }} }}", n + 1);
        fs::write(folder.path().join(format!("{n}.json")), text).unwrap();
    }
    fs::write(
        folder.path().join("openclaw.json"),
        "{ $include: './0.json' }",
    )
    .unwrap();
    let found = errors(&load(folder.path()));
    assert!(found[0].contains("more than 10 deep"), "{found:?}");
}
