use proptest::prelude::*;

use super::*;
use crate::profile::Kind;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

fn profile(text: &str) -> ProfileId {
    ProfileId::new(text).unwrap()
}

fn model(text: &str) -> ModelId {
    ModelId::new(text).unwrap()
}

fn rotation() -> Rotation {
    Rotation::new(CooldownRules::default())
}

fn until(admission: Admission) -> Option<u64> {
    match admission {
        Admission::Resting { until_ms, .. } => Some(until_ms),
        Admission::Ready | Admission::Probe => None,
    }
}

/// Fails again and again, each time as soon as a probe is allowed, and returns the lengths of the rests.
fn ladder(reason: FailureReason, n: usize) -> Vec<u64> {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    let mut now_ms = 1_000;
    (0..n)
        .map(|_| {
            rotation.failed(&id, None, reason, now_ms);
            let until_ms = until(rotation.admit(&id, None, now_ms)).unwrap();
            let length_ms = until_ms - now_ms;
            now_ms = until_ms;
            length_ms
        })
        .collect()
}

#[test]
fn rests_follow_the_ladders() {
    use FailureReason as R;
    for reason in [R::Auth, R::Timeout, R::RateLimit, R::Unknown] {
        assert_eq!(
            ladder(reason, 4),
            [30_000, MINUTE_MS, 5 * MINUTE_MS, 5 * MINUTE_MS],
            "{reason:?}"
        );
    }
    assert_eq!(
        ladder(R::Billing, 4),
        [5 * HOUR_MS, 10 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS]
    );
    assert_eq!(
        ladder(R::AuthPermanent, 4),
        [
            10 * MINUTE_MS,
            20 * MINUTE_MS,
            40 * MINUTE_MS,
            60 * MINUTE_MS
        ]
    );
}

#[test]
fn what_is_wrong_with_the_request_does_not_rest() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    for reason in [FailureReason::Format, FailureReason::ModelNotFound] {
        rotation.failed(&id, Some(&model("m")), reason, 0);
        assert_eq!(rotation.admit(&id, Some(&model("m")), 1), Admission::Ready);
    }
}

#[test]
fn requests_that_were_under_way_count_once() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    for _ in 0..50 {
        rotation.failed(&id, None, FailureReason::Auth, 1_000);
    }
    assert_eq!(until(rotation.admit(&id, None, 1_001)), Some(31_000));
}

#[test]
fn a_long_rest_is_probed_without_growing() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    rotation.failed(&id, None, FailureReason::Billing, 0);
    for probe in 1..20 {
        let now_ms = probe * 10 * MINUTE_MS;
        assert_eq!(
            until(rotation.admit(&id, None, now_ms - 1)),
            Some(5 * HOUR_MS)
        );
        assert_eq!(rotation.admit(&id, None, now_ms), Admission::Probe);
        assert!(until(rotation.admit(&id, None, now_ms)).is_some(), "alone");
        rotation.failed(&id, None, FailureReason::Billing, now_ms);
        assert_eq!(until(rotation.admit(&id, None, now_ms)), Some(5 * HOUR_MS));
    }
    let paid_ms = 4 * HOUR_MS;
    assert_eq!(rotation.admit(&id, None, paid_ms), Admission::Probe);
    rotation.succeeded(&id, None, paid_ms);
    assert_eq!(rotation.admit(&id, None, paid_ms), Admission::Ready);
}

#[test]
fn a_probe_that_never_reports_does_not_keep_others_back_for_ever() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    rotation.failed(&id, None, FailureReason::Auth, 0);
    assert_eq!(rotation.admit(&id, None, 30_000), Admission::Probe);
    assert!(until(rotation.admit(&id, None, 30_001)).is_some());
    assert_eq!(rotation.admit(&id, None, 150_000), Admission::Probe);
}

#[test]
fn an_old_trouble_does_not_make_a_new_one_longer() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    for now_ms in [0, 30_000, 90_000] {
        rotation.failed(&id, None, FailureReason::Auth, now_ms);
    }
    let later_ms = 90_000 + 10 * MINUTE_MS;
    rotation.failed(&id, None, FailureReason::Auth, later_ms);
    let rest = until(rotation.admit(&id, None, later_ms));
    assert_eq!(rest, Some(later_ms + 30_000));
}

#[test]
fn want_of_money_replaces_a_short_rest() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    rotation.failed(&id, None, FailureReason::Timeout, 0);
    rotation.failed(&id, None, FailureReason::Billing, 10);
    assert_eq!(until(rotation.admit(&id, None, 20)), Some(10 + 5 * HOUR_MS));
    rotation.failed(&id, None, FailureReason::Timeout, 30);
    assert_eq!(until(rotation.admit(&id, None, 40)), Some(10 + 5 * HOUR_MS));
}

#[test]
fn the_state_file_keeps_what_rests() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    rotation.used(&id, None, 5);
    rotation.failed(&id, Some(&model("m")), FailureReason::RateLimit, 1_000);
    let usage = rotation.usage(&id);
    assert_eq!(
        (usage.cooldown_until_ms, usage.cooldown_model.as_deref()),
        (Some(31_000), Some("m"))
    );
    assert_eq!(usage.cooldown_reason.as_deref(), Some("rate_limit"));
    assert_eq!((usage.error_count, usage.last_used_ms), (1, Some(5)));
    assert_eq!(usage.failure_counts["rate_limit"], 1);
    let mut state = ProfileState::default();
    state.usage.insert(id.clone(), usage);
    let mut restored = self::rotation();
    restored.restore(&state, 2_000);
    assert_eq!(
        restored.admit(&id, Some(&model("n")), 2_000),
        Admission::Ready
    );
    assert_eq!(restored.rest(&id, "m", 2_001), Some(31_000));
    assert_eq!(
        until(restored.admit(&id, Some(&model("m")), 2_001)),
        Some(31_000)
    );
    rotation.failed(&id, None, FailureReason::Billing, 3_000);
    let usage = rotation.usage(&id);
    assert_eq!(usage.disabled_until_ms, Some(3_000 + 5 * HOUR_MS));
    assert_eq!(usage.disabled_reason.as_deref(), Some("billing"));
    rotation.clear(&id);
    assert_eq!(rotation.usage(&id).disabled_until_ms, None);
}

impl Rotation {
    /// Returns the end of the rest that the books have, whether or not a probe is due.
    fn rest(&self, id: &ProfileId, name: &str, now_ms: u64) -> Option<u64> {
        self.resting_models(id, now_ms)
            .find(|(model, _)| model.as_str() == name)
            .map(|(_, until_ms)| until_ms)
    }
}

fn order(rotation: &Rotation, turn: &Turn<'_>, now_ms: u64) -> Vec<String> {
    let order = rotation.order(turn, now_ms);
    order.iter().map(ToString::to_string).collect()
}

#[test]
fn logins_come_first_and_kinds_take_turns() {
    let candidates = [
        (profile("key:1"), Kind::ApiKey),
        (profile("oauth:1"), Kind::OAuth),
        (profile("oauth:2"), Kind::OAuth),
        (profile("token:1"), Kind::Token),
    ];
    let mut rotation = rotation();
    let turn = Turn {
        candidates: &candidates,
        is_ordered: false,
        pinned: None,
        session: None,
        model: None,
    };
    let mut firsts = Vec::new();
    for now_ms in 0..4 {
        let order = order(&rotation, &turn, now_ms);
        assert_eq!(&order[2..], ["token:1", "key:1"]);
        rotation.used(&profile(&order[0]), None, now_ms);
        firsts.push(order[0].clone());
    }
    assert_eq!(firsts, ["oauth:1", "oauth:2", "oauth:1", "oauth:2"]);
    rotation.failed(&profile("oauth:1"), None, FailureReason::Auth, 10);
    assert_eq!(
        order(&rotation, &turn, 11),
        ["oauth:2", "token:1", "key:1", "oauth:1"]
    );
}

#[test]
fn a_named_order_is_kept_and_what_rests_goes_to_the_end() {
    let candidates = ["c:1", "a:1", "b:1"].map(|id| (profile(id), Kind::ApiKey));
    let mut rotation = rotation();
    let mut turn = Turn {
        candidates: &candidates,
        is_ordered: true,
        pinned: None,
        session: None,
        model: None,
    };
    rotation.used(&profile("c:1"), None, 1);
    assert_eq!(order(&rotation, &turn, 2), ["c:1", "a:1", "b:1"]);
    rotation.failed(&profile("c:1"), None, FailureReason::Billing, 3);
    rotation.failed(&profile("a:1"), None, FailureReason::Auth, 3);
    assert_eq!(order(&rotation, &turn, 4), ["b:1", "a:1", "c:1"]);
    let pinned = profile("c:1");
    turn.pinned = Some(&pinned);
    assert_eq!(order(&rotation, &turn, 4), ["c:1", "b:1", "a:1"]);
}

#[test]
fn a_session_stays_with_its_profile_while_that_is_well() {
    let candidates = ["a:1", "b:1"].map(|id| (profile(id), Kind::ApiKey));
    let mut rotation = rotation();
    let turn = Turn {
        candidates: &candidates,
        is_ordered: false,
        pinned: None,
        session: Some("s"),
        model: None,
    };
    rotation.used(&profile("b:1"), Some("s"), 1);
    for now_ms in 2..5 {
        assert_eq!(order(&rotation, &turn, now_ms), ["b:1", "a:1"]);
        rotation.used(&profile("b:1"), Some("s"), now_ms);
    }
    rotation.failed(&profile("b:1"), None, FailureReason::Auth, 6);
    assert_eq!(order(&rotation, &turn, 7), ["a:1", "b:1"]);
}

#[test]
fn memory_is_bounded() {
    let (mut rotation, id) = (rotation(), profile("a:b"));
    for n in 0..SESSIONS_MAX + 10 {
        rotation.used(&id, Some(&format!("s{n}")), 1);
    }
    assert!(rotation.sessions.len() <= SESSIONS_MAX);
    assert!(
        rotation
            .sessions
            .contains_key(&format!("s{}", SESSIONS_MAX + 9))
    );
    for n in 0..MODELS_MAX + 10 {
        let name = model(&format!("m{n}"));
        rotation.failed(&id, Some(&name), FailureReason::RateLimit, 1);
    }
    assert_eq!(rotation.profiles[&id].models.len(), MODELS_MAX);
}

/// Something that happens, and how long after the last thing, in milliseconds.
#[derive(Debug, Clone)]
enum Event {
    Ask(u64, usize),
    Succeed(u64, usize),
    Fail(u64, usize, FailureReason),
}

const MODELS: [&str; 2] = ["large", "small"];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let wait = prop_oneof![0..1_000_u64, 0..10 * MINUTE_MS, 0..30 * HOUR_MS];
    let which = 0..MODELS.len();
    let reason = prop_oneof![
        Just(FailureReason::Auth),
        Just(FailureReason::RateLimit),
        Just(FailureReason::Billing),
        Just(FailureReason::AuthPermanent),
        Just(FailureReason::Format),
    ];
    let event = prop_oneof![
        6 => (wait.clone(), which.clone()).prop_map(|(wait, model)| Event::Ask(wait, model)),
        1 => (wait.clone(), which.clone()).prop_map(|(wait, model)| Event::Succeed(wait, model)),
        3 => (wait, which, reason).prop_map(|(wait, model, why)| Event::Fail(wait, model, why)),
    ];
    proptest::collection::vec(event, 0..60)
}

/// Returns the ends of all rests.
fn rests(rotation: &Rotation, id: &ProfileId) -> Vec<Option<u64>> {
    let Some(health) = rotation.profiles.get(id) else {
        return vec![None; 3];
    };
    let of_model = |name: &str| health.models.get(&model(name)).and_then(Breaker::until_ms);
    vec![
        health.account.until_ms(),
        of_model(MODELS[0]),
        of_model(MODELS[1]),
    ]
}

proptest! {
    #[test]
    fn only_a_real_failure_moves_a_window_and_never_back(events in events()) {
        let (mut rotation, id) = (rotation(), profile("a:b"));
        let mut now_ms = 1_000;
        for event in events {
            let before = rests(&rotation, &id);
            match event {
                Event::Ask(wait_ms, which) => {
                    now_ms += wait_ms;
                    rotation.admit(&id, Some(&model(MODELS[which])), now_ms);
                    prop_assert_eq!(rests(&rotation, &id), before);
                }
                Event::Succeed(wait_ms, which) => {
                    now_ms += wait_ms;
                    let name = model(MODELS[which]);
                    rotation.succeeded(&id, Some(&name), now_ms);
                    prop_assert_eq!(rotation.admit(&id, Some(&name), now_ms), Admission::Ready);
                }
                Event::Fail(wait_ms, which, reason) => {
                    now_ms += wait_ms;
                    rotation.failed(&id, Some(&model(MODELS[which])), reason, now_ms);
                    let after = rests(&rotation, &id);
                    for (before, after) in before.iter().zip(&after) {
                        prop_assert!(after >= before, "{before:?} {after:?}");
                    }
                    if reason == FailureReason::RateLimit {
                        prop_assert_eq!(after[0], before[0]);
                        prop_assert_eq!(after[2 - which], before[2 - which], "the sibling");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_stays_dark_longer_than_a_probe_takes_to_come(events in events()) {
        let (mut rotation, id) = (rotation(), profile("a:b"));
        let mut now_ms = 1_000;
        for event in events {
            match event {
                Event::Ask(wait_ms, which) => {
                    now_ms += wait_ms;
                    rotation.admit(&id, Some(&model(MODELS[which])), now_ms);
                }
                Event::Succeed(wait_ms, which) => {
                    now_ms += wait_ms;
                    rotation.succeeded(&id, Some(&model(MODELS[which])), now_ms);
                }
                Event::Fail(wait_ms, which, reason) => {
                    now_ms += wait_ms;
                    rotation.failed(&id, Some(&model(MODELS[which])), reason, now_ms);
                }
            }
        }
        let rules = CooldownRules::default();
        let later_ms = now_ms + rules.probe_every_ms + rules.probe_lease_ms;
        let admission = rotation.admit(&id, Some(&model(MODELS[0])), later_ms);
        prop_assert_eq!(until(admission), None);
    }

    #[test]
    fn a_probe_is_alone(asks in proptest::collection::vec(0..1_000_u64, 1..50)) {
        let (mut rotation, id) = (rotation(), profile("a:b"));
        rotation.failed(&id, None, FailureReason::Auth, 0);
        let admitted = asks
            .iter()
            .filter(|ask_ms| rotation.admit(&id, None, 30_000 + **ask_ms) != until_30s())
            .count();
        prop_assert_eq!(admitted, 1);
    }
}

fn until_30s() -> Admission {
    Admission::Resting {
        until_ms: 30_000,
        reason: FailureReason::Auth,
    }
}
