//! Leases, fences, the journal of submissions.

use super::*;

struct Scene {
    store: JobStore,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let store = JobStore::open(&folder.path().join("state/jobs.sqlite")).unwrap();
    Scene {
        store,
        _folder: folder,
    }
}

impl Scene {
    fn add(&self, id: &str, owner: Option<&str>) -> (Job, Option<Lease>) {
        let new = NewJob {
            id,
            kind: "video",
            caller: "me",
            idempotency_key: None,
            scope: "s",
            request: "{}",
            deadline_ms: 9000,
        };
        let lease = owner.map(|owner| (owner, 100));
        self.store.insert(&new, lease, 10).unwrap()
    }

    fn take(&self, owner: &str, now_ms: u64, dead: &str) -> Option<Lease> {
        let times = (now_ms, now_ms + 100);
        let taken = self.store.take(None, owner, times, |name| name == dead);
        taken.unwrap().map(|(_, lease)| lease)
    }
}

fn to(state: JobState) -> JobChange {
    JobChange {
        state: Some(state),
        ..JobChange::default()
    }
}

#[test]
fn a_lease_is_held_until_it_runs_out_or_its_owner_is_gone() {
    let scene = scene();
    let (_, first) = scene.add("a", Some("one"));
    let first = first.unwrap();
    assert_eq!(scene.take("two", 50, ""), None);
    let second = scene.take("two", 50, "one").unwrap();
    assert_eq!(
        scene.store.update(&first, &to(JobState::Lost), 60).unwrap(),
        None
    );
    let changed = scene
        .store
        .update(&second, &to(JobState::Running), 60)
        .unwrap();
    assert_eq!(changed.map(|job| job.state), Some(JobState::Running));
    assert_eq!(scene.store.renew("two", 300).unwrap(), 1);
    assert_eq!(scene.take("three", 299, ""), None);
    let third = scene.take("three", 300, "").unwrap();
    scene.store.release(&second).unwrap();
    assert_eq!(scene.take("four", 301, ""), None);
    scene.store.release(&third).unwrap();
    assert!(scene.take("four", 301, "").is_some());
}

#[test]
fn what_has_ended_is_nobodys_work_and_keeps_its_end() {
    let scene = scene();
    let (_, lease) = scene.add("a", Some("one"));
    let lease = lease.unwrap();
    let result = JobChange {
        result: Some(("/a".into(), "ff".into(), 3)),
        ..to(JobState::Stored)
    };
    let stored = scene.store.update(&lease, &result, 50).unwrap().unwrap();
    assert_eq!((stored.finished_ms, stored.bytes), (Some(50), Some(3)));
    assert_eq!(scene.take("two", 900, "one"), None);
    scene.store.delivered("a", 60).unwrap();
    let delivered = scene.store.get("a").unwrap().unwrap();
    assert_eq!(
        (delivered.state, delivered.finished_ms),
        (JobState::Delivered, Some(50))
    );
    assert!(scene.store.forget("a").unwrap());
    assert_eq!(scene.store.get("a").unwrap(), None);
}

#[test]
fn one_job_of_a_scope_is_being_submitted_at_a_time() {
    let scene = scene();
    let (_, first) = scene.add("a", Some("one"));
    let (_, second) = scene.add("b", Some("one"));
    let (first, second) = (first.unwrap(), second.unwrap());
    let begin = |lease: &Lease, now_ms| scene.store.begin_submission(lease, now_ms).unwrap();
    assert!(begin(&first, 20));
    assert!(!begin(&first, 20), "a second time");
    assert!(!begin(&second, 20));
    let done = JobChange {
        submission: Some(Submission::Done),
        upstream_id: Some(Some("t1".into())),
        ..JobChange::default()
    };
    scene.store.update(&first, &done, 30).unwrap().unwrap();
    assert!(scene.store.knows_upstream("t1").unwrap());
    assert!(begin(&second, 40));
    // One that was left in this step keeps the others back no longer than any request takes.
    let (_, third) = scene.add("c", Some("one"));
    let third = third.unwrap();
    assert!(!begin(&third, 40 + SUBMISSION_HELD_MS_MAX - 1));
    assert!(begin(&third, 40 + SUBMISSION_HELD_MS_MAX));
}

#[test]
fn a_submission_that_was_left_in_the_middle_can_be_taken_over_by_those_it_keeps_waiting() {
    let scene = scene();
    let (_, left) = scene.add("a", Some("one"));
    scene.add("b", Some("one"));
    let take = |scope, dead: &'static str| {
        let taken = scene
            .store
            .take_submitting(scope, "two", (50, 200), |name| name == dead);
        taken.unwrap().map(|(job, _)| job.id)
    };
    assert_eq!(take("s", "one"), None);
    assert!(scene.store.begin_submission(&left.unwrap(), 20).unwrap());
    assert_eq!((take("other", "one"), take("s", "")), (None, None));
    assert_eq!(take("s", "one").as_deref(), Some("a"));
}

#[test]
fn the_same_key_is_the_same_job() {
    let scene = scene();
    let new = |id, caller| NewJob {
        id,
        kind: "video",
        caller,
        idempotency_key: Some("k"),
        scope: "s",
        request: "{}",
        deadline_ms: 9000,
    };
    let insert = |new| scene.store.insert(&new, Some(("one", 100)), 10).unwrap();
    assert!(insert(new("a", "me")).1.is_some());
    let (again, lease) = insert(new("b", "me"));
    assert_eq!((again.id.as_str(), lease), ("a", None));
    assert_eq!(insert(new("c", "you")).0.id, "c");
}

#[test]
fn lists_by_caller_and_page() {
    let scene = scene();
    for id in ["a", "b", "c"] {
        scene.add(id, None);
    }
    let ids = |filter: JobFilter<'_>| {
        let jobs = scene.store.list(filter).unwrap();
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let all = JobFilter {
        limit: 9,
        ..JobFilter::default()
    };
    assert_eq!(ids(all), ["c", "b", "a"]);
    assert_eq!(
        ids(JobFilter {
            before: Some(3),
            limit: 1,
            ..all
        }),
        ["b"]
    );
    assert_eq!(
        ids(JobFilter {
            before: Some(1),
            oldest_first: true,
            ..all
        }),
        ["b", "c"]
    );
    assert_eq!(
        ids(JobFilter {
            caller: Some("you"),
            ..all
        }),
        [""; 0]
    );
    let (_, lease) = scene.add("d", Some("one"));
    scene
        .store
        .update(&lease.unwrap(), &to(JobState::Failed), 50)
        .unwrap();
    assert_eq!(
        ids(JobFilter {
            open_only: true,
            ..all
        }),
        ["c", "b", "a"]
    );
}

#[test]
fn an_owner_is_alive_while_it_holds_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let one = Owner::start(folder.path(), "one".into()).unwrap();
    let two = Owner::start(folder.path(), "two".into()).unwrap();
    assert!(!two.is_dead("one") && !one.is_dead("two") && !one.is_dead("one"));
    assert!(one.is_dead("never"));
    drop(one);
    assert!(two.is_dead("one"));
    // One that was killed leaves its file behind, without a lock.
    std::fs::write(folder.path().join("killed"), "").unwrap();
    assert!(two.is_dead("killed"));
}
