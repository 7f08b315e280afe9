//! The file that is written: what survives, who may read it, and many writers at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use config::{
    AgentId, Environment, Home, HomeOptions, ProfileId, ProviderId, RefSource, SecretRef,
};
use credentials::{
    Credential, Error, Expiry, HeldSecret, Login, Profile, ProfileStore, Secret, UnknownFields,
    Warning,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn id(text: &str) -> ProfileId {
    ProfileId::new(text).unwrap()
}

fn key_profile(name: &str, key: &str) -> Profile {
    Profile::api_key(
        id(name),
        ProviderId::new("qwen").unwrap(),
        HeldSecret::Inline(Secret::new(key.to_owned())),
    )
}

fn store_with(folder: &Path, text: &str) -> ProfileStore {
    let path = folder.join("auth-profiles.json");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    ProfileStore::at(&path)
}

fn text_of(store: &ProfileStore) -> String {
    fs::read_to_string(store.path()).unwrap()
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_store_is_what_the_original_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = ProfileStore::at(&folder.path().join("agents/main/agent/auth-profiles.json"));
    assert!(store.load().unwrap().is_none());
    assert!(
        store
            .upsert(&key_profile(
                "qwen:default",
                "sk-fake-qwen-standard-api-key-0123456789"
            ))
            .unwrap()
            .is_none()
    );
    let original = include_str!(
        "../data/homes/2026.5.20-qwen-standard-api-key/.openclaw/agents/main/agent/auth-profiles.json"
    );
    assert_eq!(text_of(&store), original);
    assert_eq!(
        (
            mode_of(store.path()),
            mode_of(store.path().parent().unwrap())
        ),
        (0o600, 0o700)
    );
    let names: Vec<_> = fs::read_dir(store.path().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["auth-profiles.json"]);
}

#[test]
fn a_loose_mode_is_noticed_and_mended_by_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with(folder.path(), r#"{"profiles":{}}"#);
    fs::set_permissions(store.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = store.load().unwrap().unwrap().warnings;
    assert_eq!(
        warnings,
        [Warning::LooseMode {
            path: store.path().to_owned(),
            mode: 0o644
        }]
    );
    store.upsert(&key_profile("qwen:default", "sk-a")).unwrap();
    assert_eq!(mode_of(store.path()), 0o600);
}

#[test]
fn tolerated_spellings_are_read_and_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with(
        folder.path(),
        r#"{"profiles":{"a":{"note":1,"mode":"api_key","provider":" Qwen ","apiKey":"sk-old","z":2},
            "b":{"type":"magic","provider":"x"},"c":{"type":"token"},"d":7}}"#,
    );
    let stored = store.load().unwrap().unwrap();
    let HeldSecret::Inline(secret) = (match &stored.profiles[0].credential {
        Credential::ApiKey { key } => key,
        other => panic!("{other:?}"),
    }) else {
        panic!()
    };
    assert_eq!(
        (secret.expose(), stored.profiles[0].provider.as_str()),
        ("sk-old", "qwen")
    );
    let warning = stored.warnings[0].to_string();
    assert!(
        warning.ends_with(
            "3 entries skipped: `b` (unknown `type`) `c` (missing `provider`) `d` (not an object)"
        ),
        "{warning}"
    );

    let previous = store.upsert(&key_profile("a", "sk-new")).unwrap();
    assert_eq!(previous.as_ref(), Some(&stored.profiles[0]));
    let expected = json!({"version": 1, "profiles": {
        "a": {"note": 1, "provider": "qwen", "z": 2, "type": "api_key", "key": "sk-new"},
        "b": {"type": "magic", "provider": "x"}, "c": {"type": "token"}, "d": 7}});
    let found: Value = serde_json::from_str(&text_of(&store)).unwrap();
    // As texts, because the order of keys counts.
    assert_eq!(found.to_string(), expected.to_string());
}

#[test]
fn a_reference_replaces_the_secret_and_another_kind_its_fields() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with(
        folder.path(),
        r#"{"version":1,"profiles":{"q":{"type":"oauth","provider":"qwen","access":"a","refresh":"r","expires":5,"email":"e"}}}"#,
    );
    let reference = SecretRef {
        source: RefSource::Env,
        provider: "default".to_owned(),
        id: "QWEN_API_KEY".to_owned(),
    };
    let profile = Profile {
        credential: Credential::ApiKey {
            key: HeldSecret::Reference(reference),
        },
        ..key_profile("q", "x")
    };
    store.upsert(&profile).unwrap();
    let found: Value = serde_json::from_str(&text_of(&store)).unwrap();
    let expected = json!({"type": "api_key", "provider": "qwen", "email": "e",
        "keyRef": {"source": "env", "provider": "default", "id": "QWEN_API_KEY"}});
    assert_eq!(found["profiles"]["q"], expected);
    assert_eq!(
        store.load().unwrap().unwrap().profiles[0].credential,
        profile.credential
    );
}

#[test]
fn a_login_survives_the_round_trip_with_its_unknown_fields() {
    let folder = tempfile::tempdir().unwrap();
    let entry = json!({"type": "oauth", "provider": "qwen-portal", "access": "at", "refresh": "rt",
        "expires": 1_795_177_981_006_u64, "email": "a@example", "resource_url": "portal.qwen.ai"});
    let text = json!({"version": 1, "profiles": {"qwen-portal:default": entry}}).to_string();
    let store = store_with(folder.path(), &text);
    let profile = store.load().unwrap().unwrap().profiles[0].clone();
    assert_eq!(profile.unknown.text("resource_url"), Some("portal.qwen.ai"));
    let elsewhere = ProfileStore::at(&folder.path().join("other.json"));
    elsewhere.upsert(&profile).unwrap();
    let found: Value = serde_json::from_str(&text_of(&elsewhere)).unwrap();
    assert_eq!(found["profiles"]["qwen-portal:default"], entry);

    let refreshed = Profile {
        credential: Credential::OAuth(Login {
            access: Some(Secret::new("at2".to_owned())),
            refresh: Some(Secret::new("rt2".to_owned())),
            expiry: Expiry::AtMs(1_795_177_999_999),
        }),
        unknown: UnknownFields::default(),
        ..profile
    };
    store.upsert(&refreshed).unwrap();
    let found: Value = serde_json::from_str(&text_of(&store)).unwrap();
    assert_eq!(
        found["profiles"]["qwen-portal:default"]["email"],
        "a@example"
    );
    assert_eq!(found["profiles"]["qwen-portal:default"]["access"], "at2");
}

#[test]
fn a_broken_store_is_named_with_its_place_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let truncated = "{\n  \"version\": 1,\n  \"profiles\": {\n    \"qwen:default\": {\"type\":";
    for text in [
        truncated,
        "",
        "[]",
        "{\"profiles\": []}",
        "{\"profiles\": {}} trailing",
    ] {
        let store = store_with(folder.path(), text);
        let refused = [
            store.load().err(),
            store.upsert(&key_profile("qwen:default", "sk-a")).err(),
            store.remove(&id("qwen:default")).err(),
        ];
        for error in refused {
            let error = error.expect("a broken store must be refused");
            assert!(
                error.to_string().contains("auth-profiles.json") && error.hint().is_some(),
                "{error}"
            );
        }
        assert_eq!(text_of(&store), text);
    }
    let error = store_with(folder.path(), truncated).load().unwrap_err();
    assert!(
        matches!(
            error,
            Error::StoreSyntax {
                line: 4,
                column: 28,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .ends_with("auth-profiles.json:4:28 is not valid JSON"),
        "{error}"
    );
}

#[test]
fn what_is_not_a_text_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let as_folder = ProfileStore::at(folder.path());
    assert!(matches!(as_folder.load(), Err(Error::NotAFile { .. })));
    let store = store_with(folder.path(), "");
    fs::write(store.path(), [b'{', 0xff, b'}']).unwrap();
    assert!(matches!(store.load(), Err(Error::StoreShape { .. })));
    fs::write(
        store.path(),
        vec![b' '; usize::try_from(credentials::STORE_BYTES_MAX).unwrap() + 1],
    )
    .unwrap();
    assert!(matches!(store.load(), Err(Error::StoreTooLarge { .. })));
}

#[test]
fn a_store_of_a_later_version_is_read_and_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"version":2,"profiles":{"q":{"type":"api_key","provider":"qwen","key":"sk-a"}},"vault":{}}"#;
    let store = store_with(folder.path(), text);
    let stored = store.load().unwrap().unwrap();
    assert_eq!(
        (stored.profiles.len(), stored.future_version()),
        (1, Some(2))
    );
    assert!(matches!(
        store.upsert(&key_profile("q", "sk-b")),
        Err(Error::FutureVersion { version: 2, .. })
    ));
    assert!(matches!(
        store.remove(&id("q")),
        Err(Error::FutureVersion { version: 2, .. })
    ));
    assert_eq!(text_of(&store), text);
}

#[test]
fn removing_what_is_not_there_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"version":1,"profiles":{"a":{"type":"api_key","provider":"qwen","key":"sk-a"},"b":{},"c":{}}}"#;
    let store = store_with(folder.path(), text);
    assert!(store.remove(&id("x")).unwrap().is_none());
    assert_eq!(text_of(&store), text);
    assert!(store.remove(&id("a")).unwrap().is_some());
    let found: Value = serde_json::from_str(&text_of(&store)).unwrap();
    let expected = json!({"version": 1, "profiles": {"b": {}, "c": {}}});
    assert_eq!(found.to_string(), expected.to_string());
    assert!(
        ProfileStore::at(&folder.path().join("no/store.json"))
            .remove(&id("a"))
            .unwrap()
            .is_none()
    );
    assert!(!folder.path().join("no").exists());
}

#[test]
fn many_writers_lose_nothing_and_readers_always_see_a_store() {
    const WRITERS: usize = 8;
    const WRITES: usize = 6;
    let folder = tempfile::tempdir().unwrap();
    let store = store_with(
        folder.path(),
        r#"{"version":1,"profiles":{},"lastGood":{"qwen":"x"}}"#,
    );
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = &store;
                scope.spawn(move || {
                    for write in 0..WRITES {
                        store
                            .upsert(&key_profile(&format!("w{writer}:{write}"), "sk-a"))
                            .unwrap();
                    }
                    store.remove(&id(&format!("w{writer}:0"))).unwrap().unwrap();
                })
            })
            .collect();
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                assert!(store.load().unwrap().is_some());
            }
        });
        let results: Vec<_> = writers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    let stored = store.load().unwrap().unwrap();
    assert_eq!(stored.profiles.len(), WRITERS * (WRITES - 1));
    assert_eq!(stored.state.last_good.len(), 1);
    assert!(!folder.path().join("auth-profiles.json.lock").exists());
}

#[test]
fn a_plan_describes_applies_and_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::from_pairs([("HOME", folder.path().to_str().unwrap())]);
    let home = Home::resolve(&environment, &HomeOptions::default()).unwrap();
    let provider = ProviderId::new("qwen").unwrap();
    let plan = |key: &str| {
        let key = HeldSecret::Inline(Secret::parse_key(key).unwrap());
        credentials::write_api_key_profile(
            &home,
            &AgentId::main(),
            &provider,
            &id("qwen:default"),
            key,
        )
        .unwrap()
    };
    let shown_path = "~/.openclaw/agents/main/agent/auth-profiles.json";
    let first = plan("sk-sp-0123456789abcdef");
    assert_eq!(
        first.describe(),
        format!("add profile `qwen:default` (api_key, sk-sp-…cdef) to {shown_path}")
    );
    assert!(!first.path().exists(), "planning must not write");
    let path = first.path().to_owned();
    let _applied = first.apply().unwrap();
    assert_eq!(
        plan("sk-sp-0123456789abcdef").describe(),
        format!("keep profile `qwen:default` (api_key, sk-sp-…cdef) in {shown_path}")
    );
    let before = fs::read(&path).unwrap();
    let second = plan("sk-0123456789abc123");
    assert_eq!(
        second.describe(),
        format!(
            "replace profile `qwen:default` (api_key, sk-sp-…cdef) by (api_key, sk-…c123) in {shown_path}"
        )
    );
    let applied = second.apply().unwrap();
    assert_ne!(fs::read(&path).unwrap(), before);
    applied.undo().unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);

    let applied = plan("sk-0123456789abc123").apply().unwrap();
    ProfileStore::at(&path)
        .upsert(&key_profile("qwen:default", "sk-of-another-program"))
        .unwrap();
    applied.undo().unwrap();
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .contains("sk-of-another-program")
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{1,6}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Fields whose names no program has given a meaning.
fn unknown_fields() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("x_\\PC{0,6}", any_value()), 0..4)
        .prop_map(|fields| fields.into_iter().collect())
}

fn any_entry() -> impl Strategy<Value = Value> {
    let known = (unknown_fields(), "[a-z]{1,6}", unknown_fields()).prop_map(
        |(mut fields, provider, more)| {
            fields.insert("type".to_owned(), Value::from("api_key"));
            fields.insert("provider".to_owned(), Value::from(provider));
            fields.insert("key".to_owned(), Value::from("sk-old"));
            fields.extend(more);
            Value::Object(fields)
        },
    );
    prop_oneof![3 => known, 1 => any_value()]
}

/// Returns the text without the entry `written`; the order of keys counts.
fn text_without(mut root: Value, written: &str) -> String {
    root["profiles"]
        .as_object_mut()
        .unwrap()
        .shift_remove(written);
    root.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_rewrite_changes_one_entry_and_nothing_else(
        before in unknown_fields(),
        entries in prop::collection::vec(("[a-c]:[a-c]", any_entry()), 0..5),
        after in unknown_fields(),
    ) {
        let mut root = Map::new();
        root.insert("version".to_owned(), Value::from(1));
        root.extend(before);
        root.insert("profiles".to_owned(), Value::Object(entries.into_iter().collect()));
        root.extend(after);
        let root = Value::Object(root);
        let folder = tempfile::tempdir().unwrap();
        let store = store_with(folder.path(), &root.to_string());
        store.upsert(&key_profile("a:a", "sk-new")).unwrap();

        let found: Value = serde_json::from_str(&text_of(&store)).unwrap();
        prop_assert_eq!(text_without(found.clone(), "a:a"), text_without(root.clone(), "a:a"));
        let entry = &found["profiles"]["a:a"];
        prop_assert_eq!(&entry["key"], "sk-new");
        let unknown = root["profiles"]["a:a"].as_object().into_iter().flatten();
        for (name, value) in unknown.filter(|(name, _)| name.starts_with("x_")) {
            prop_assert_eq!(&entry[name], value);
        }
    }
}
