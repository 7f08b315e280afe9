use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use catalog::{Catalog, ErrorScope, FailureKind, RetryRule};
use credentials::Secret;
use proptest::prelude::*;

use super::*;
use crate::directory::Target;
use crate::failure::ErrorBody;

const HOST: &str = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1";

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::builtin().unwrap());

/// Returns a route with a key of its own.
pub(super) fn route_with_key(key: &str, model: &str) -> Route {
    route(HOST, key, model)
}

fn route(base_url: &str, key: &str, model: &str) -> Route {
    let catalog = &*CATALOG;
    let target = Target::new(catalog, "qwen", base_url).unwrap();
    let target = target.with_secret(catalog, "key", &Secret::new(key.into()));
    let target = target.with_profile(None, crate::directory::Turn::Ranked(2));
    target.route(model).unwrap()
}

fn failure(class: ErrorClass, scope: ErrorScope) -> Failure {
    let catalog = &*CATALOG;
    let place = route_with_key("sk-a", "m").place();
    let body = ErrorBody::read(b"{\"message\": \"no\"}");
    let kind = FailureKind::Response;
    let mut failure = Failure::of_upstream(catalog, &place, Some(400), body, kind);
    (failure.class, failure.scope) = (class, scope);
    (failure.wait, failure.retry) = (None, RetryRule::NextCandidate);
    failure
}

/// A health whose clock is set by hand.
struct Scene {
    health: Arc<Health>,
    now_ms: Arc<AtomicU64>,
}

impl Scene {
    fn new(rules: Rules) -> Self {
        let now_ms = Arc::new(AtomicU64::new(1_000_000));
        let read = Arc::clone(&now_ms);
        let clock = Arc::new(move || read.load(Ordering::Relaxed));
        let health = Arc::new(Health::new(rules, clock));
        Self { health, now_ms }
    }

    /// Returns what one process of a home sees.
    fn sharing(home: &Home, now_ms: &Arc<AtomicU64>) -> Self {
        let read = Arc::clone(now_ms);
        let clock = Arc::new(move || read.load(Ordering::Relaxed));
        let health = Arc::new(Health::new(Rules::default(), clock).shared_in(home));
        let now_ms = Arc::clone(now_ms);
        Self { health, now_ms }
    }

    fn after(&self, wait: Duration) -> &Self {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap();
        self.now_ms.fetch_add(wait_ms, Ordering::Relaxed);
        self
    }

    async fn fail(&self, route: &Route, failure: &Failure) {
        let permit = match self.health.admit(route).await {
            Decision::Go(permit) => permit,
            // A request that was under way before.
            Decision::Rest(..) => Permit::unconditional(&self.health),
        };
        permit.failed(route, failure).await;
    }

    async fn succeed(&self, route: &Route) {
        Permit::unconditional(&self.health).succeeded(route).await;
    }

    /// Returns how long the route rests, in seconds; none when it may be asked.
    async fn rest_s(&self, route: &Route) -> Option<u64> {
        match self.health.admit(route).await {
            Decision::Go(_) => None,
            Decision::Rest(_, retry_ms) => Some((retry_ms - self.health.now_ms()).div_ceil(1000)),
        }
    }

    fn untils(&self) -> Vec<(Scope, u64)> {
        let inner = self.health.lock();
        let mut all: Vec<_> = inner
            .breakers
            .values()
            .map(|known| (known.breaker.scope.clone(), known.breaker.until_ms))
            .collect();
        all.sort();
        all
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(test)
}

#[test]
fn a_failure_reaches_as_far_as_its_scope() {
    let (a, a_small) = (route_with_key("sk-a", "m"), route_with_key("sk-a", "small"));
    let b = route_with_key("sk-b", "m");
    let cn = "https://dashscope.aliyuncs.com/compatible-mode/v1";
    let a_elsewhere = route(cn, "sk-a", "m");
    let cases = [
        (ErrorScope::Request, [false, false, false, false]),
        (ErrorScope::Model, [true, false, false, false]),
        (ErrorScope::Key, [true, true, false, false]),
        (ErrorScope::Host, [true, true, true, false]),
        (ErrorScope::Account, [true, true, false, true]),
    ];
    for (scope, expected) in cases {
        run(async {
            let scene = Scene::new(Rules::default());
            scene
                .fail(&a, &failure(ErrorClass::InvalidKey, scope))
                .await;
            for (route, rests) in [&a, &a_small, &b, &a_elsewhere].iter().zip(expected) {
                assert_eq!(
                    scene.rest_s(route).await.is_some(),
                    rests,
                    "{scope} {route:?}"
                );
            }
            scene.succeed(&a).await;
            assert_eq!(scene.untils(), []);
        });
    }
}

#[test]
fn rests_follow_the_ladders() {
    let ladder = |class, n: u64| {
        let failure = failure(class, ErrorScope::Key);
        let rest = |n| Rules::default().rest(&failure, n);
        (1..=n)
            .map(|n| rest(n).map_or(0, |rest| rest.as_secs()))
            .collect::<Vec<_>>()
    };
    assert_eq!(ladder(ErrorClass::InvalidKey, 5), [30, 60, 300, 300, 300]);
    assert_eq!(ladder(ErrorClass::Throttled, 4), [30, 60, 60, 60]);
    let hour = 3600;
    assert_eq!(
        ladder(ErrorClass::Arrears, 4),
        [5 * hour, 10 * hour, 24 * hour, 24 * hour]
    );
    assert_eq!(ladder(ErrorClass::UpstreamFault, 5), [0, 10, 20, 100, 200]);
    assert_eq!(ladder(ErrorClass::InvalidParameter, 2), [0, 0]);
    let mut asked = failure(ErrorClass::Throttled, ErrorScope::Model);
    asked.retry_after = Some(600);
    let rest = Rules::default().rest(&asked, 1);
    assert_eq!(rest, Some(Duration::from_mins(10)));
    asked.retry_after = Some(u32::MAX);
    assert_eq!(Rules::default().rest(&asked, 1), Some(RETRY_AFTER_MAX));
}

#[test]
fn many_requests_under_way_count_once_and_a_probe_is_alone() {
    run(async {
        let scene = Scene::new(Rules::default());
        let (route, failure) = (
            route_with_key("sk-a", "m"),
            failure(ErrorClass::InvalidKey, ErrorScope::Key),
        );
        for _ in 0..50 {
            scene.fail(&route, &failure).await;
        }
        let rest_s = scene.rest_s(&route).await.unwrap();
        assert!((27..=30).contains(&rest_s), "{rest_s}");
        scene.after(Duration::from_secs(30));
        let Decision::Go(probe) = scene.health.admit(&route).await else {
            panic!("the window has passed");
        };
        assert_eq!(scene.rest_s(&route).await, Some(60), "the lease");
        drop(probe);
        let Decision::Go(probe) = scene.health.admit(&route).await else {
            panic!("the client of the first probe has gone");
        };
        probe.failed(&route, &failure).await;
        let rest_s = scene.rest_s(&route).await.unwrap();
        assert!((54..=60).contains(&rest_s), "{rest_s}");
        // A probe that is never heard of again keeps others back for its lease only.
        scene.after(Duration::from_mins(1));
        let Decision::Go(probe) = scene.health.admit(&route).await else {
            panic!("the window has passed");
        };
        std::mem::forget(probe);
        assert_eq!(scene.rest_s(&route).await, Some(60));
        assert_eq!(
            scene.after(Duration::from_mins(1)).rest_s(&route).await,
            None
        );
    });
}

#[test]
fn a_long_rest_is_probed() {
    run(async {
        let scene = Scene::new(Rules::default());
        let (route, failure) = (
            route_with_key("sk-a", "m"),
            failure(ErrorClass::Arrears, ErrorScope::Account),
        );
        scene.fail(&route, &failure).await;
        let before = scene.untils();
        assert_eq!(scene.rest_s(&route).await, Some(600));
        scene.after(Duration::from_mins(10));
        scene.fail(&route, &failure).await;
        assert_eq!(scene.untils(), before, "a probe within the window");
        assert_eq!(scene.rest_s(&route).await, Some(600));
        scene.after(Duration::from_mins(10));
        let Decision::Go(probe) = scene.health.admit(&route).await else {
            panic!("it is time for a probe");
        };
        probe.succeeded(&route).await;
        assert_eq!(scene.untils(), [], "the account was topped up");
    });
}

#[test]
fn gateways_and_logins_do_not_rest() {
    run(async {
        let rules = Rules {
            without: vec!["qwen".into()],
            ..Rules::default()
        };
        let scene = Scene::new(rules);
        let route = route_with_key("sk-a", "m");
        let refused = failure(ErrorClass::InvalidKey, ErrorScope::Key);
        scene.fail(&route, &refused).await;
        assert_eq!(scene.untils(), []);
    });
}

#[test]
fn memory_is_bounded() {
    run(async {
        let scene = Scene::new(Rules::default());
        let failure = failure(ErrorClass::Throttled, ErrorScope::Model);
        let route = route_with_key("sk-a", "m");
        for n in 0..BREAKERS_MAX + 5 {
            let route = route.clone().with_model(&format!("m{n}"));
            scene.fail(&route, &failure).await;
        }
        assert_eq!(scene.untils().len(), BREAKERS_MAX);
    });
}

#[test]
fn processes_share_what_they_learn() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let set = config::Environment::from_pairs([("HOME", folder.path().to_str().unwrap())]);
        let home = Home::resolve(&set, &config::HomeOptions::default()).unwrap();
        let now_ms = Arc::new(AtomicU64::new(1_000_000));
        let process = || Scene::sharing(&home, &now_ms);
        let (one, two) = (process(), process());
        let (route, failure) = (
            route_with_key("sk-a", "m"),
            failure(ErrorClass::InvalidKey, ErrorScope::Key),
        );
        assert_eq!(two.rest_s(&route).await, None);
        one.fail(&route, &failure).await;
        two.health.sync().await;
        assert!(two.rest_s(&route).await.is_some());
        assert!(process().rest_s(&route).await.is_some(), "after a restart");
        now_ms.fetch_add(30_000, Ordering::Relaxed);
        let probe = one.health.admit(&route).await;
        assert!(matches!(probe, Decision::Go(_)));
        assert!(
            two.rest_s(&route).await.is_some(),
            "one probe among processes"
        );
        let Decision::Go(probe) = probe else { return };
        probe.succeeded(&route).await;
        two.health.sync().await;
        assert_eq!(two.rest_s(&route).await, None);
        assert_eq!(read(&home).unwrap(), []);
        one.fail(&route, &failure).await;
        let removed = unblock(&home, |breaker| breaker.scope.kind() == "key").unwrap();
        assert_eq!(removed.len(), 1);
        one.health.sync().await;
        assert_eq!(one.rest_s(&route).await, None, "a person said so");
    });
}

#[test]
fn a_probe_within_a_window_counts_for_every_process() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let set = config::Environment::from_pairs([("HOME", folder.path().to_str().unwrap())]);
        let home = Home::resolve(&set, &config::HomeOptions::default()).unwrap();
        let now_ms = Arc::new(AtomicU64::new(1_000_000));
        let process = || Scene::sharing(&home, &now_ms);
        let (one, route) = (process(), route_with_key("sk-a", "m"));
        let failure = failure(ErrorClass::Arrears, ErrorScope::Account);
        one.fail(&route, &failure).await;
        now_ms.fetch_add(600_000, Ordering::Relaxed);
        one.fail(&route, &failure).await;
        assert_eq!(one.rest_s(&route).await, Some(600));
        assert_eq!(process().rest_s(&route).await, Some(600), "after a restart");
    });
}

/// Something that happens to one of the routes, and how long after the last thing.
#[derive(Debug, Clone)]
enum Happening {
    Ask,
    Succeed,
    Fail(ErrorClass, ErrorScope),
}

fn events() -> impl Strategy<Value = Vec<(u64, usize, Happening)>> {
    let wait_ms = prop_oneof![0..1_000_u64, 0..600_000_u64, 0..100_000_000_u64];
    let classes = [
        ErrorClass::InvalidKey,
        ErrorClass::Throttled,
        ErrorClass::Arrears,
        ErrorClass::NotEntitled,
        ErrorClass::UpstreamFault,
        ErrorClass::InvalidParameter,
    ];
    let scopes = ErrorScope::ALL;
    let event = prop_oneof![
        5 => Just(Happening::Ask),
        1 => Just(Happening::Succeed),
        3 => (proptest::sample::select(classes.to_vec()), proptest::sample::select(scopes.to_vec()))
            .prop_map(|(class, scope)| Happening::Fail(class, scope)),
    ];
    proptest::collection::vec((wait_ms, 0..6_usize, event), 0..60)
}

fn routes() -> Vec<Route> {
    let cn = "https://dashscope.aliyuncs.com/compatible-mode/v1";
    vec![
        route_with_key("sk-a", "large"),
        route_with_key("sk-a", "small"),
        route_with_key("sk-b", "large"),
        route_with_key("sk-b", "small"),
        route(cn, "sk-a", "large"),
        route(cn, "sk-b", "small"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Asking changes no window; a success closes all of its own branches and no other; a failure moves the one branch
    /// of its scope, and never back.
    #[test]
    fn no_cross_talk(events in events()) {
        run(async {
            let (scene, routes) = (Scene::new(Rules::default()), routes());
            for (wait_ms, which, event) in events {
                scene.after(Duration::from_millis(wait_ms));
                let (route, before) = (&routes[which], scene.untils());
                let own = route.branches().scopes();
                match event {
                    Happening::Ask => {
                        scene.rest_s(route).await;
                        prop_assert_eq!(scene.untils(), before);
                    }
                    Happening::Succeed => {
                        scene.succeed(route).await;
                        let others: Vec<_> = before
                            .into_iter()
                            .filter(|(scope, _)| !own.contains(scope))
                            .collect();
                        prop_assert_eq!(scene.untils(), others);
                        prop_assert_eq!(scene.rest_s(route).await, None);
                    }
                    Happening::Fail(class, scope) => {
                        scene.fail(route, &failure(class, scope)).await;
                        let after = scene.untils();
                        for (scope, until_ms) in &before {
                            let now = after.iter().find(|(after, _)| after == scope);
                            prop_assert!(now.is_some_and(|(_, now_ms)| now_ms >= until_ms));
                        }
                        let blamed = route.branches().scope(scope);
                        for (scope, until_ms) in &after {
                            let is_new = !before.contains(&(scope.clone(), *until_ms));
                            prop_assert!(!is_new || blamed.as_ref() == Some(scope));
                        }
                    }
                }
            }
            Ok(())
        })?;
    }

    /// Whatever happened, somebody may try again before long.
    #[test]
    fn nothing_stays_dark(events in events()) {
        run(async {
            let (scene, routes) = (Scene::new(Rules::default()), routes());
            for (wait_ms, which, event) in events {
                scene.after(Duration::from_millis(wait_ms));
                match event {
                    Happening::Ask => drop(scene.health.admit(&routes[which]).await),
                    Happening::Succeed => scene.succeed(&routes[which]).await,
                    Happening::Fail(class, scope) => {
                        scene.fail(&routes[which], &failure(class, scope)).await;
                    }
                }
            }
            let rules = Rules::default();
            scene.after(rules.probe_every + rules.probe_lease);
            for route in &routes {
                prop_assert_eq!(scene.rest_s(route).await, None);
            }
            Ok(())
        })?;
    }
}
