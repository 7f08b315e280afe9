use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::writer::Pace;
use super::*;

const NOW_MS: u64 = 20_000 * DAY_MS + 5 * HOUR_MS;

fn entry(at_ms: u64, model: &str, input: u64) -> Entry {
    Entry {
        at_ms,
        id: format!("req-{at_ms}"),
        caller: "operator".into(),
        session: None,
        model: model.to_owned(),
        host: "host.test".into(),
        credential: "qwen:default".into(),
        status: 200,
        outcome: "complete",
        is_complete: true,
        is_stream: false,
        duration_ms: 10,
        first_byte_ms: Some(5),
        tokens: Some(Tokens {
            input,
            output: 2,
            cached: 1,
            cache_write: 0,
            reasoning: 1,
        }),
        cost: None,
    }
}

fn temporary() -> (tempfile::TempDir, LedgerStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = LedgerStore::open(&folder.path().join("ledger.sqlite")).unwrap();
    (folder, store)
}

fn count(store: &LedgerStore, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let counted = store
        .database
        .read(|tables| tables.query_row(&sql, [], |row| row.get(0)));
    counted.unwrap()
}

#[test]
fn sums_by_every_key_say_the_same() {
    let (_folder, store) = temporary();
    let mut failed = entry(NOW_MS - 2 * DAY_MS, "qwen/b", 0);
    failed.is_complete = false;
    failed.tokens = None;
    let mut foreign = entry(NOW_MS - HOUR_MS, "qwen/b", 300);
    foreign.caller = "key_1".into();
    foreign.host = "other.test".into();
    let batch = [
        entry(NOW_MS, "qwen/a", 100),
        entry(NOW_MS, "qwen/a", 50),
        failed,
        foreign,
    ];
    store.add(&batch[..2]).unwrap();
    store.add(&batch[2..]).unwrap();
    for grouping in [
        Grouping::Model,
        Grouping::Caller,
        Grouping::Host,
        Grouping::Hour,
        Grouping::Day,
    ] {
        for since_ms in [0, NOW_MS - 3 * DAY_MS] {
            let mut all = UsageSum::default();
            let rows = store.usage(grouping, since_ms, NOW_MS).unwrap().rows;
            for row in rows {
                all.merge(&row.sum);
            }
            assert_eq!(
                (all.requests, all.failed, all.tokens.input),
                (4, 1, 450),
                "{grouping:?}"
            );
            assert_eq!(
                (all.tokens.output, all.tokens.cached, all.tokens.reasoning),
                (6, 3, 3)
            );
            assert_eq!(all.cost_nano, BTreeMap::new());
        }
    }
    let keys = |grouping, since_ms| -> Vec<String> {
        let rows = store.usage(grouping, since_ms, NOW_MS).unwrap().rows;
        rows.into_iter().map(|row| row.key).collect()
    };
    assert_eq!(keys(Grouping::Model, 0), ["qwen/b", "qwen/a"]);
    assert_eq!(
        keys(Grouping::Model, NOW_MS - HOUR_MS / 2),
        ["qwen/b", "qwen/a"]
    );
    assert_eq!(keys(Grouping::Caller, NOW_MS), ["operator"]);
    let day = |n: u64| (NOW_MS / DAY_MS * DAY_MS - n * DAY_MS).to_string();
    assert_eq!(keys(Grouping::Day, 0), [day(2), day(0)]);
}

#[test]
fn an_unknown_price_is_never_a_price_of_zero() {
    let (_folder, store) = temporary();
    let mut batch = [
        entry(NOW_MS, "m", 1),
        entry(NOW_MS, "m", 1),
        entry(NOW_MS, "m", 1),
    ];
    let cost = |nano, currency: &str| {
        Some(Cost {
            nano,
            currency: currency.into(),
        })
    };
    batch[0].cost = cost(700, "USD");
    batch[1].cost = cost(40, "CNY");
    store.add(&batch).unwrap();
    let rows = store.usage(Grouping::Model, 0, NOW_MS).unwrap().rows;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].sum.requests, rows[0].sum.priced), (3, 2));
    let expected = [("CNY".to_owned(), 40), ("USD".to_owned(), 700)];
    assert_eq!(rows[0].sum.cost_nano, BTreeMap::from(expected));
}

#[test]
fn requests_are_forgotten_before_their_sums() {
    /// Of each hour and day: all, by caller, by model, by host.
    const ASPECTS: i64 = 4;
    let (_folder, store) = temporary();
    store
        .add(&[
            entry(NOW_MS - REQUESTS_KEPT_MS - 1, "m", 1),
            entry(NOW_MS, "m", 1),
        ])
        .unwrap();
    let counts = || (count(&store, "request"), count(&store, "sum") / ASPECTS);
    assert!(!store.forget(NOW_MS).unwrap());
    assert_eq!(counts(), (1, 4));
    store.forget(NOW_MS + HOURS_KEPT_MS).unwrap();
    assert_eq!(counts(), (0, 3));
    store.forget(NOW_MS + 2 * DAYS_KEPT_MS).unwrap();
    assert_eq!(count(&store, "sum"), 0);
}

/// A ledger that writes at once and tries a broken file again at once, and what it told.
fn live(path: &Path) -> (Ledger, Arc<Mutex<Vec<LedgerEvent>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = {
        let told = Arc::clone(&told);
        Box::new(move |event: &LedgerEvent| told.lock().unwrap().push(event.clone()))
    };
    let pace = Pace {
        batch: Duration::from_millis(1),
        retry: Duration::ZERO,
    };
    (Ledger::with_pace(path.to_owned(), tell, pace), told)
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn the_file_begins_with_the_first_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/ledger.sqlite");
    let (ledger, told) = live(&path);
    assert!(ledger.flush(LONG));
    assert!(!path.exists());
    for n in 0..3_000 {
        ledger.record(entry(NOW_MS + n, "m", 1));
    }
    assert!(ledger.flush(LONG));
    let reading = ledger.read();
    assert_eq!(
        (reading.written, reading.missing, reading.problem),
        (3_000, 0, None)
    );
    let store = LedgerStore::open_read_only(&path).unwrap().unwrap();
    let rows = store.usage(Grouping::Model, 0, NOW_MS).unwrap().rows;
    assert_eq!(rows[0].sum.requests, 3_000);
    assert_eq!(*told.lock().unwrap(), []);
}

#[test]
fn a_broken_file_is_told_once_and_used_again_when_it_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    std::fs::write(
        &path,
        "this is no database, and long enough to be looked at",
    )
    .unwrap();
    let (ledger, told) = live(&path);
    for n in 0..2 {
        ledger.record(entry(NOW_MS + n, "m", 1));
        assert!(ledger.flush(LONG));
    }
    let reading = ledger.read();
    assert_eq!((reading.written, reading.missing), (0, 2));
    assert!(reading.problem.unwrap().contains("ledger.sqlite"));
    std::fs::remove_file(&path).unwrap();
    ledger.record(entry(NOW_MS, "m", 1));
    assert!(ledger.flush(LONG));
    let reading = ledger.read();
    assert_eq!(
        (reading.written, reading.missing, reading.problem),
        (1, 2, None)
    );
    let told = told.lock().unwrap();
    assert!(matches!(told[0], LedgerEvent::Failed { .. }));
    assert_eq!(told[1..], [LedgerEvent::Works { missing: 2 }]);
}

#[test]
fn a_full_queue_drops_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let store = LedgerStore::open(&path).unwrap();
    let (ledger, told) = live(&path);
    // Nobody else can write meanwhile, so the writer stands still and the queue fills up.
    store
        .database
        .write(|_| {
            for n in 0..12_000 {
                ledger.record(entry(NOW_MS + n, "m", 1));
            }
            Ok(())
        })
        .unwrap();
    assert!(ledger.flush(LONG));
    ledger.record(entry(NOW_MS, "m", 1));
    assert!(ledger.flush(LONG));
    let reading = ledger.read();
    assert!(reading.missing > 0, "{reading:?}");
    assert_eq!(reading.written + reading.missing, 12_001);
    assert!(matches!(
        told.lock().unwrap()[0],
        LedgerEvent::Overrun { .. }
    ));
}

/// Run by hand: `cargo test --release -p state ten_million -- --ignored --nocapture`.
#[test]
#[ignore = "writes a file of some gigabytes"]
fn ten_million_requests_are_answered_in_a_tenth_of_a_second() {
    const REQUESTS: u64 = 10_000_000;
    const BATCH: u64 = 1_000;
    let (_folder, store) = temporary();
    let begun = Instant::now();
    let spread_ms = 365 * DAY_MS / REQUESTS;
    for first in (0..REQUESTS).step_by(usize::try_from(BATCH).unwrap()) {
        let batch: Vec<_> = (first..first + BATCH)
            .map(|n| {
                let model = format!("qwen/model-{}", n % 12);
                let mut entry = entry(NOW_MS - 365 * DAY_MS + n * spread_ms, &model, 100);
                entry.caller = format!("key_{}", n % 25).into();
                entry
            })
            .collect();
        store.add(&batch).unwrap();
    }
    println!("{REQUESTS} requests written in {:?}", begun.elapsed());
    assert_eq!(count(&store, "request"), i64::try_from(REQUESTS).unwrap());
    for grouping in [
        Grouping::Model,
        Grouping::Caller,
        Grouping::Host,
        Grouping::Day,
    ] {
        for days in [1, 7, 30, 365, 400] {
            let begun = Instant::now();
            let rows = store
                .usage(grouping, NOW_MS - days * DAY_MS, NOW_MS)
                .unwrap();
            let took = begun.elapsed();
            println!(
                "{grouping:?} of {days} days: {} rows in {took:?}",
                rows.rows.len()
            );
            assert!(
                took < Duration::from_millis(100),
                "{grouping:?} of {days} days took {took:?}"
            );
        }
    }
}
