//! Commits: compare and swap, backups, the audit line, and what must never be written.

use std::fs;
use std::path::Path;

use config::{ConfigStore, Environment, Error, Home, HomeOptions, WriteOrigin};

struct Place {
    _folder: tempfile::TempDir,
    home: Home,
    store: ConfigStore,
}

impl Place {
    fn new(pairs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec![("HOME", folder.path().to_str().unwrap())];
        all.extend(pairs);
        let environment = Environment::from_pairs(all.iter().copied());
        let home = Home::resolve(&environment, &HomeOptions::default()).unwrap();
        let store = ConfigStore::new(&home, &environment);
        Self {
            home,
            store,
            _folder: folder,
        }
    }

    fn set(
        &self,
        at: &str,
        value: impl Into<serde_json::Value>,
    ) -> Result<config::Committed, Error> {
        let base = self.store.load()?.text_or_new();
        let new = base.set(&crate::path(at), value)?;
        self.store.commit(&base, &new, &origin())
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.home.state_dir()).unwrap();
        fs::write(self.store.path(), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.state_dir().join(name)).unwrap()
    }
}

fn origin() -> WriteOrigin {
    WriteOrigin {
        command: vec!["config".to_owned(), "set".to_owned()],
        at: "2026-11-20T10:00:00.000Z".to_owned(),
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_write_makes_a_private_home() {
    let place = Place::new(&[]);
    assert!(place.store.load().unwrap().text.is_none());
    let committed = place.set("gateway.port", 18789).unwrap();
    assert!(committed.changed && committed.backup.is_none() && committed.audit_error.is_none());
    assert_eq!(
        place.read("openclaw.json"),
        "{\n  \"gateway\": {\n    \"port\": 18789\n  }\n}\n"
    );
    let mut names: Vec<_> = fs::read_dir(place.home.state_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["config-history", "logs", "openclaw.json"]);
    #[cfg(unix)]
    {
        let audit = place.home.log_dir().join("config-audit.jsonl");
        let modes = [place.home.state_dir(), place.store.path(), audit.as_path()].map(mode);
        assert_eq!(modes, [0o700, 0o600, 0o600]);
    }
}

#[test]
fn keeps_five_old_versions() {
    let place = Place::new(&[]);
    place.write("{ n: 0 }");
    for n in 1..=7 {
        place.set("n", n).unwrap();
    }
    assert_eq!(place.read("openclaw.json"), "{ n: 7 }");
    let names = [
        "openclaw.json.bak",
        "openclaw.json.bak.1",
        "openclaw.json.bak.2",
        "openclaw.json.bak.3",
        "openclaw.json.bak.4",
    ];
    let kept = names.map(|name| place.read(name));
    assert_eq!(
        kept,
        ["{ n: 6 }", "{ n: 5 }", "{ n: 4 }", "{ n: 3 }", "{ n: 2 }"]
    );
    assert!(!place.home.state_dir().join("openclaw.json.bak.5").exists());
}

#[test]
fn an_unchanged_text_is_not_written() {
    let place = Place::new(&[]);
    place.write("{ n: 1 }");
    assert!(!place.set("n", 1).unwrap().changed);
    assert!(!place.home.state_dir().join("openclaw.json.bak").exists());
}

#[test]
fn refuses_when_somebody_else_wrote() {
    let place = Place::new(&[]);
    place.write("{ n: 1 }");
    let base = place.store.load().unwrap().text_or_new();
    let new = base.set(&crate::path("n"), 2).unwrap();
    place.write("{ n: 1 } // mine");
    let error = place.store.commit(&base, &new, &origin()).unwrap_err();
    assert!(matches!(error, Error::ConcurrentChange { .. }), "{error}");
    assert_eq!(place.read("openclaw.json"), "{ n: 1 } // mine");
    fs::remove_file(place.store.path()).unwrap();
    assert!(matches!(
        place.store.commit(&base, &new, &origin()),
        Err(Error::ConcurrentChange { .. })
    ));

    let fresh = place.store.load().unwrap().text_or_new();
    let new = fresh.set(&crate::path("n"), 2).unwrap();
    place.write("{ other: 1 }");
    assert!(matches!(
        place.store.commit(&fresh, &new, &origin()),
        Err(Error::ConcurrentChange { .. })
    ));
}

#[test]
fn parallel_writers_lose_nothing() {
    let place = Place::new(&[]);
    place.write("{}");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for n in 0..5 {
                    // A concurrent change is reported, never overwritten: try again.
                    while let Err(error) = place.set(&format!("routing.w{writer}n{n}"), n) {
                        assert!(matches!(error, Error::ConcurrentChange { .. }), "{error}");
                    }
                }
            });
        }
    });
    let text = place.store.load().unwrap().text_or_new();
    assert_eq!(
        text.get(&crate::path("routing"))
            .unwrap()
            .as_object()
            .unwrap()
            .len(),
        20
    );
}

#[test]
fn read_only_means_read_only() {
    let place = Place::new(&[("OPENCLAW_CONFIG_READONLY", "1")]);
    place.write("{ n: 1 }");
    assert!(matches!(place.set("n", 2), Err(Error::ReadOnly { .. })));
    assert_eq!(place.read("openclaw.json"), "{ n: 1 }");
}

#[test]
fn a_change_may_not_add_an_error_but_old_ones_do_not_stop_it() {
    let place = Place::new(&[]);
    place.write("{ gateway: { port: 0 } }");
    place.set("gateway.mode", "local").unwrap();
    let error = place.set("gateway.bind", "wan").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the change would make the config invalid: gateway.bind: `wan` is not known here"
    );
    assert!(error.hint().is_some());
    assert!(!place.read("openclaw.json").contains("wan"));
}

#[test]
fn the_audit_line_names_the_command_and_no_value() {
    let place = Place::new(&[]);
    place.set("gateway.auth.token", "s3cret").unwrap();
    place.set("gateway.port", 80).unwrap();
    let log = place.read("logs/config-audit.jsonl");
    assert!(!log.contains("s3cret"));
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, second] = lines.as_slice() else {
        panic!("{log}")
    };
    assert_eq!(first["previousHash"], serde_json::Value::Null);
    assert_eq!(second["previousHash"], first["nextHash"]);
    assert_eq!(
        second["argv"],
        serde_json::json!(["openclaw", "config", "set"])
    );
    assert_eq!(
        (&second["source"], &second["event"]),
        (&"config-io".into(), &"config.write".into())
    );
    assert_eq!(second["ts"], "2026-11-20T10:00:00.000Z");
}

#[test]
fn a_home_that_cannot_be_logged_to_still_gets_its_config() {
    let place = Place::new(&[]);
    place.write("{ n: 1 }");
    fs::write(place.home.log_dir(), "in the way").unwrap();
    let committed = place.set("n", 2).unwrap();
    assert!(committed.changed && committed.audit_error.is_some());
}

#[test]
fn what_is_not_a_file_is_named() {
    let place = Place::new(&[]);
    fs::create_dir_all(place.store.path()).unwrap();
    let error = place.store.load().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("openclaw.json is a folder, not a file"),
        "{error}"
    );

    let place = Place::new(&[]);
    place.write([0xff]);
    assert!(matches!(place.store.load(), Err(Error::Parse(_))));
}

#[test]
fn waits_for_the_lock_and_leaves_none_behind() {
    let place = Place::new(&[]);
    place.write("{ n: 1 }");
    let lock = config::LockFile::acquire(place.store.path(), std::time::Duration::ZERO).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| place.set("n", 2));
        drop(lock);
        assert!(writer.join().unwrap().unwrap().changed);
    });
    assert!(!config::LockFile::path_of(place.store.path()).exists());
}

#[cfg(unix)]
#[test]
fn a_linked_config_stays_linked() {
    let place = Place::new(&[]);
    fs::create_dir_all(place.home.state_dir()).unwrap();
    let target = place.home.user_home().join("dotfiles.json");
    fs::write(&target, "{ n: 1 }").unwrap();
    std::os::unix::fs::symlink(&target, place.store.path()).unwrap();
    place.set("n", 2).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "{ n: 2 }");
    assert!(
        fs::symlink_metadata(place.store.path())
            .unwrap()
            .is_symlink()
    );
}
