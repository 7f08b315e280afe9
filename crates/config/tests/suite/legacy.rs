//! Keys that were retired long ago: an error that names the replacement, and edits that carry the value over.

use config::{ConfigText, Settings, Severity, legacy_moves};
use serde_json::{Value, json};

fn migrated(source: &str) -> (Value, Vec<String>) {
    let mut text = crate::text(source);
    let mut left = Vec::new();
    for found in legacy_moves(&text) {
        match found.edits {
            Some(edits) => text = text.apply(&edits).unwrap(),
            None => left.push(found.path.to_string()),
        }
    }
    (text.value().clone(), left)
}

fn errors(text: &ConfigText) -> Vec<String> {
    let (_, problems) = Settings::read(text);
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    errors.map(config::Problem::one_line).collect()
}

#[test]
fn each_names_its_replacement_and_is_carried_over() {
    let cases = [
        (
            "{ agent: { model: 'p/m', modelFallbacks: ['p/n'], workspace: '~/w', modelAliases: { x: 'p/m' } } }",
            json!({"agents": {"defaults": {
                "model": {"primary": "p/m", "fallbacks": ["p/n"]}, "workspace": "~/w", "models": {"p/m": {"alias": "x"}},
            }}}),
        ),
        (
            "{ identity: { name: 'Ada' } }",
            json!({"agents": {"list": [{"id": "main", "default": true, "identity": {"name": "Ada"}}]}}),
        ),
        (
            "{ routing: { agents: { work: { name: 'Work' } } } }",
            json!({"agents": {"list": [{"id": "work", "name": "Work"}]}}),
        ),
        (
            "{ routing: { queue: { mode: 'collect' }, allowMetered: true } }",
            json!({"routing": {"allowMetered": true}, "messages": {"queue": {"mode": "collect"}}}),
        ),
        (
            "{ routing: { transcribeAudio: { command: ['whisper', '-q'], timeoutSeconds: 5 } } }",
            json!({"tools": {"media": {"audio": {"enabled": true, "models": [
                {"type": "cli", "command": "whisper", "args": ["-q"], "timeoutSeconds": 5},
            ]}}}}),
        ),
        (
            "{ whatsapp: { allowFrom: ['+1'] }, gateway: { token: 't', port: 1 } }",
            json!({"gateway": {"port": 1, "auth": {"token": "t"}}, "channels": {"whatsapp": {"allowFrom": ["+1"]}}}),
        ),
    ];
    for (source, expected) in cases {
        let before = crate::text(source);
        assert!(!errors(&before).is_empty(), "{source}");
        for found in legacy_moves(&before) {
            let said = errors(&before).join("\n");
            assert!(said.contains(found.replacement), "{source}: {said}");
        }
        let (after, left) = migrated(source);
        assert_eq!(after, expected, "{source}");
        assert!(left.is_empty());
        let again = crate::text(&after.to_string());
        assert_eq!(errors(&again), Vec::<String>::new());
    }
}

#[test]
fn a_place_that_is_taken_is_left_to_the_person() {
    let source = "{ gateway: { token: 'old', auth: { token: 'new' } } }";
    let (after, left) = migrated(source);
    assert_eq!(left, ["gateway.token"]);
    assert_eq!(after, crate::text(source).value().clone());
}
