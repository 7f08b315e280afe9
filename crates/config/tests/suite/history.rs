//! Generations: noted before the write, bounded, private, and undone exactly.

use std::fs;

use config::{ConfigStore, Environment, Error, GENERATIONS_MAX, Home, HomeOptions, WriteOrigin};

struct Place {
    _folder: tempfile::TempDir,
    home: Home,
    store: ConfigStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::from_pairs([("HOME", folder.path().to_str().unwrap())]);
        let home = Home::resolve(&environment, &HomeOptions::default()).unwrap();
        let store = ConfigStore::new(&home, &environment);
        Self {
            _folder: folder,
            home,
            store,
        }
    }

    fn set(&self, at: &str, value: impl Into<serde_json::Value>) {
        let base = self.store.load().unwrap().text_or_new();
        let new = base.set(&crate::path(at), value).unwrap();
        self.store.commit(&base, &new, &origin("set")).unwrap();
    }

    fn numbers(&self) -> Vec<u64> {
        let current = self.store.bytes().unwrap();
        let found = self.store.history().generations(current.as_deref());
        found.unwrap().iter().map(|one| one.number).collect()
    }

    fn undo(&self, number: Option<u64>) -> Result<(), Error> {
        let plan = self.store.plan_undo(number)?;
        self.store.apply_undo(&plan, &origin("undo")).map(drop)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.store.path()).unwrap()
    }

    fn write(&self, text: &str) {
        fs::create_dir_all(self.home.state_dir()).unwrap();
        fs::write(self.store.path(), text).unwrap();
    }
}

fn origin(word: &str) -> WriteOrigin {
    WriteOrigin {
        command: vec!["config".to_owned(), word.to_owned()],
        at: "2026-11-20T10:00:00.000Z".to_owned(),
    }
}

#[test]
fn undo_walks_back_step_by_step_and_can_be_undone_itself() {
    let place = Place::new();
    let start = "{ n: 0, } // by hand\r\n";
    place.write(start);
    for n in 1..=3 {
        place.set("n", n);
    }
    for expected in [2, 1] {
        place.undo(None).unwrap();
        assert_eq!(place.text(), start.replace('0', &expected.to_string()));
    }
    place.undo(None).unwrap();
    assert_eq!(place.text(), start);
    assert!(matches!(
        place.undo(None),
        Err(Error::NoGeneration { number: None, .. })
    ));
    // The first undo is generation 4; taking it back gives what it took.
    place.undo(Some(4)).unwrap();
    assert_eq!(place.text(), start.replace('0', "3"));
    assert_eq!(place.numbers(), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_first_file_goes_away_again() {
    let place = Place::new();
    place.set("n", 1);
    place.undo(None).unwrap();
    assert!(!place.store.path().exists());
    place.undo(Some(2)).unwrap();
    assert_eq!(place.text(), "{\n  \"n\": 1\n}\n");
}

#[test]
fn what_is_edited_by_hand_is_known_and_kept() {
    let place = Place::new();
    place.write("{ n: 0 }");
    place.set("n", 1);
    place.write("{ broken");
    let plan = place.store.plan_undo(None).unwrap();
    assert!(plan.edited_since);
    place.store.apply_undo(&plan, &origin("undo")).unwrap();
    assert_eq!(place.text(), "{ n: 0 }");
    place.undo(Some(2)).unwrap();
    assert_eq!(place.text(), "{ broken");
}

#[test]
fn a_change_that_never_happened_is_left_out() {
    let place = Place::new();
    place.write("{ n: 0 }");
    place.set("n", 1);
    // As if the writer of generation 2 had been killed before it wrote.
    place.set("n", 2);
    place.write("{ n: 1 }");
    assert_eq!(place.numbers(), [1]);
    place.set("n", 3);
    assert_eq!(place.numbers(), [1, 2]);
    place.undo(None).unwrap();
    assert_eq!(place.text(), "{ n: 1 }");
}

#[test]
fn generations_are_bounded_and_private() {
    let place = Place::new();
    place.write("{ n: 0 }");
    let last = GENERATIONS_MAX + 5;
    for n in 1..=last {
        place.set("n", n);
    }
    let numbers = place.numbers();
    assert_eq!(numbers.len(), GENERATIONS_MAX);
    assert_eq!(numbers.last().copied(), u64::try_from(last).ok());
    let files: Vec<_> = fs::read_dir(place.store.history().folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    // One description each, and one content more than there are changes.
    assert_eq!(files.len(), 2 * GENERATIONS_MAX + 1);
    #[cfg(unix)]
    for file in files {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
