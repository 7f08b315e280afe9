//! Transactions: back to the byte after a failure, a kill, or an undo.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use config::{Environment, Finished, Home, HomeOptions, Transaction, WriteOrigin};

struct Place {
    folder: tempfile::TempDir,
    home: Home,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::from_pairs([("HOME", folder.path().to_str().unwrap())]);
        let home = Home::resolve(&environment, &HomeOptions::default()).unwrap();
        fs::create_dir_all(home.state_dir().join("history")).unwrap();
        let place = Self { folder, home };
        for (name, mode) in [("a", 0o640), ("history/1", 0o600)] {
            fs::write(place.at(name), name).unwrap();
            fs::set_permissions(place.at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.state_dir().join(name)
    }

    fn begin(&self) -> Transaction {
        let origin = WriteOrigin {
            command: vec!["migrate".to_owned()],
            at: "2026-11-20T10:00:00Z".to_owned(),
        };
        let files = ["a", "b", "new/deep/c"].map(|name| self.at(name));
        Transaction::begin(&self.home, &files, &[self.at("history")], &origin).unwrap()
    }

    fn change(&self) {
        fs::write(self.at("a"), "changed").unwrap();
        fs::set_permissions(self.at("a"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(self.at("b"), "b").unwrap();
        fs::create_dir_all(self.at("new/deep")).unwrap();
        fs::write(self.at("new/deep/c"), "c").unwrap();
        fs::remove_file(self.at("history/1")).unwrap();
        fs::write(self.at("history/2"), "2").unwrap();
    }

    fn state(&self) -> BTreeMap<PathBuf, (u32, Option<Vec<u8>>)> {
        fn note(path: &Path, state: &mut BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>) {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            if path.is_dir() {
                state.insert(path.to_owned(), (mode, None));
                for entry in fs::read_dir(path).unwrap() {
                    note(&entry.unwrap().path(), state);
                }
            } else {
                state.insert(path.to_owned(), (mode, Some(fs::read(path).unwrap())));
            }
        }
        let mut state = BTreeMap::new();
        note(self.folder.path(), &mut state);
        state
    }
}

#[test]
fn a_failure_a_kill_and_an_undo_lead_back_to_the_byte() {
    let place = Place::new();
    let before = place.state();

    let failed = place.begin();
    place.change();
    failed.roll_back().unwrap();
    assert_eq!(place.state(), before);

    let killed = place.begin();
    place.change();
    drop(killed);
    assert_eq!(Transaction::open(&place.home).unwrap(), ["migrate"]);
    assert_eq!(Transaction::recover(&place.home).unwrap(), ["migrate"]);
    assert_eq!(place.state(), before);
    assert!(Transaction::recover(&place.home).unwrap().is_empty());

    let finished = place.begin();
    place.change();
    finished.finish().unwrap();
    assert!(Transaction::open(&place.home).unwrap().is_empty());
    let last = Finished::all(&place.home).unwrap().pop().unwrap();
    assert_eq!(last.changed().count(), 5);
    assert!(last.changed_since().unwrap().is_empty());
    last.undo(&place.home).unwrap();
    assert_eq!(place.state(), before);
}

#[test]
fn what_somebody_changed_since_is_named() {
    let place = Place::new();
    let transaction = place.begin();
    place.change();
    let finished = transaction.finish().unwrap();
    fs::write(place.at("b"), "mine").unwrap();
    assert_eq!(finished.changed_since().unwrap(), [place.at("b")]);
}

#[test]
fn a_running_transaction_is_not_rolled_back() {
    let place = Place::new();
    let running = place.begin();
    place.change();
    assert!(Transaction::recover(&place.home).unwrap().is_empty());
    assert_eq!(fs::read(place.at("a")).unwrap(), b"changed");
    running.finish().unwrap();
}
