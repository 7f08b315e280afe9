//! Homes as the real program wrote them, from five generations.

use credentials::Provenance;

use super::test_home::{TestHome, lines};

const EXPIRED: &str = ": the login has expired";
const PLACEHOLDER: &str =
    ".apiKey: the value is a placeholder: it only marks that the credential is stored elsewhere";

/// Home, variables, provider, and the expected candidates.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    Vec<String>,
);

fn text(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn portal(profile: &str) -> Vec<String> {
    vec![
        format!("{profile}{EXPIRED}"),
        format!("models.providers.qwen-portal{PLACEHOLDER}"),
    ]
}

fn rows() -> Vec<Row> {
    [
        rows_of_2026_3(),
        rows_of_2026_5(),
        rows_of_later_generations(),
    ]
    .concat()
}

fn rows_of_2026_3() -> Vec<Row> {
    let half = "2026.3.28-half-migrated-portal-to-modelstudio";
    vec![
        (
            "2026.3.2-portal-login",
            &[],
            "qwen-oauth",
            portal("qwen-portal:default"),
        ),
        (
            "2026.3.2-portal-login",
            &[],
            "qwen-portal",
            portal("qwen-portal:default"),
        ),
        ("2026.3.2-portal-login", &[], "qwen", vec![]),
        (
            "2026.3.2-portal-qwen-cli",
            &[],
            "qwen-oauth",
            portal("qwen-portal:qwen-cli"),
        ),
        (half, &[], "qwen", text(&["modelstudio:default sk-…6789"])),
        (
            half,
            &[],
            "modelstudio",
            text(&["modelstudio:default sk-…6789"]),
        ),
        (half, &[], "qwen-oauth", portal("qwen-portal:default")),
        (
            "2026.3.28-modelstudio-api-key",
            &[],
            "qwen",
            text(&["modelstudio:default sk-…6789"]),
        ),
        (
            "2026.3.28-modelstudio-api-key",
            &[],
            "modelstudio",
            text(&["modelstudio:default sk-…6789"]),
        ),
        (
            "2026.3.28-modelstudio-api-key",
            &[],
            "dashscope",
            text(&["modelstudio:default sk-…6789"]),
        ),
        ("2026.3.28-modelstudio-api-key", &[], "qwen-oauth", vec![]),
    ]
}

fn rows_of_2026_5() -> Vec<Row> {
    vec![
        (
            "2026.5.20-qwen-standard-api-key",
            &[],
            "qwen",
            text(&["qwen:default sk-…6789"]),
        ),
        (
            "2026.5.20-qwen-standard-api-key",
            &[],
            "modelstudio",
            text(&["qwen:default sk-…6789"]),
        ),
        ("2026.5.20-qwen-standard-api-key", &[], "qwen-oauth", vec![]),
        (
            "2026.5.20-qwen-standard-api-key",
            &[],
            "qwen-token-plan",
            vec![],
        ),
        (
            "2026.5.20-qwen-api-key-cn",
            &[],
            "qwen",
            text(&["qwen:default sk-…6789"]),
        ),
        (
            "2026.5.20-env-key",
            &[],
            "qwen",
            text(&["qwen:default sk-…3"]),
        ),
        (
            "2026.5.20-keyref-env",
            &[],
            "qwen",
            text(&["qwen:default: the variable QWEN_API_KEY is not set"]),
        ),
        (
            "2026.5.20-keyref-env",
            &[("QWEN_API_KEY", "sk-0123456789abcdef")],
            "qwen",
            text(&["qwen:default sk-…cdef", "env:QWEN_API_KEY sk-…cdef"]),
        ),
    ]
}

fn rows_of_later_generations() -> Vec<Row> {
    vec![
        (
            "2026.5.20-half-migrated-portal",
            &[],
            "qwen-oauth",
            portal("qwen-portal:default"),
        ),
        (
            "2026.6.6-qwen-oauth",
            &[],
            "qwen-oauth",
            text(&["qwen-oauth:default sk-…6789"]),
        ),
        (
            "2026.6.6-qwen-oauth",
            &[],
            "qwen-portal",
            text(&["qwen-oauth:default sk-…6789"]),
        ),
        ("2026.6.6-qwen-oauth", &[], "qwen", vec![]),
        (
            "2026.9.6-qwen-standard-api-key",
            &[],
            "qwen",
            text(&["qwen:default sk-…6789"]),
        ),
        (
            "2026.9.6-qwen-token-plan",
            &[],
            "qwen-token-plan",
            text(&["qwen-token-plan:default sk-…6789"]),
        ),
        ("2026.9.6-qwen-token-plan", &[], "qwen", vec![]),
    ]
}

#[test]
fn every_real_home_resolves_and_stays_as_it_was() {
    for (name, variables, provider, expected) in rows() {
        let home = TestHome::real(name, variables);
        let before = home.state();
        assert_eq!(home.candidates(provider), expected, "{provider} in {name}");
        let warnings = home.resolve(provider).warnings;
        assert!(warnings.is_empty(), "{provider} in {name}: {warnings:?}");
        assert_eq!(home.state(), before, "{name} was changed by reading it");
    }
}

#[test]
fn a_login_is_usable_until_it_ends() {
    let home = TestHome::real("2026.3.2-portal-login", &[]);
    let end_ms = 1_795_177_981_006;
    for (now_ms, expected) in [
        (end_ms - 1, "qwen-portal:default …a855"),
        (end_ms, "qwen-portal:default: the login has expired"),
    ] {
        let resolution = home.resolve_for("main", "qwen-oauth", now_ms);
        assert_eq!(
            lines(&resolution).first().map(String::as_str),
            Some(expected)
        );
        assert_eq!(resolution.candidates[0].expires_at_ms, Some(end_ms));
    }
}

#[test]
fn what_is_not_tried_is_said() {
    let home = TestHome::real("2026.5.20-half-migrated-portal", &[]);
    assert_eq!(
        home.skipped("qwen-portal"),
        [
            "qwen-portal:qwen-cli: `auth.profiles` of the config does not list it",
            "qwen-code: it belongs to another program and is used as the profile `qwen-portal:qwen-cli`",
        ]
    );
}

#[test]
fn the_provenance_names_store_and_agent() {
    for (name, provider, file) in [
        (
            "2026.5.20-qwen-standard-api-key",
            "qwen",
            "agents/main/agent/auth-profiles.json",
        ),
        (
            "2026.6.6-qwen-oauth",
            "qwen-oauth",
            "agents/main/agent/openclaw-agent.sqlite",
        ),
        (
            "2026.9.6-qwen-standard-api-key",
            "qwen",
            "state/openclaw.sqlite",
        ),
    ] {
        let home = TestHome::real(name, &[]);
        let resolution = home.resolve(provider);
        let Provenance::Profile { store, agent, .. } = &resolution.candidates[0].provenance else {
            panic!("{resolution:?}")
        };
        assert_eq!(
            (store.path(), agent.as_str()),
            (home.home.state_dir().join(file).as_path(), "main")
        );
    }
}

#[test]
fn nothing_that_people_see_holds_a_secret() {
    for (name, variables, provider, _) in rows() {
        let home = TestHome::real(name, variables);
        let resolution = home.resolve(provider);
        let shown = format!(
            "{resolution:?} {:?} {:?}",
            resolution.reasons(),
            home.environment
        );
        for (_, secret) in resolution.usable() {
            assert!(!shown.contains(secret.expose()), "{provider} in {name}");
        }
    }
}
