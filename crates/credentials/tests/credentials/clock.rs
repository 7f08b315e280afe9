//! A clock of this machine that is days off, or is put right in the middle: no request fails, and hardly a call is wasted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use catalog::Catalog;
use credentials::oauth::Refresher;
use tokio_util::sync::CancellationToken;

use super::identity_server::{
    DEFAULT, Fault, IdentityServer, START_MS, home_with, main_agent, profile,
};
use super::test_home::TestHome;

const HOUR_MS: u64 = 60 * 60 * 1000;
const TWO_DAYS_MS: i64 = 2 * 24 * 60 * 60 * 1000;
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// How far this machine's clock is ahead of the true time, in milliseconds.
#[derive(Clone, Default)]
struct Skew(Arc<AtomicI64>);

impl Skew {
    fn new(ms: i64) -> Self {
        let skew = Self::default();
        skew.set(ms);
        skew
    }

    fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::SeqCst);
    }

    /// Makes a refresher that reads the wrong clock.
    fn refresher(&self, server: &IdentityServer, home: &TestHome) -> Refresher {
        let (truth, skew) = (server.clock(), self.clone());
        let clock = move || truth().saturating_add_signed(skew.0.load(Ordering::SeqCst));
        let catalog = Catalog::builtin().unwrap();
        Refresher::new(&home.home, &catalog, server.transport(), Arc::new(clock)).unwrap()
    }
}

/// Asks every five minutes, as a request does: a token that the service refuses is renewed once and tried again.
async fn ask(server: &IdentityServer, refresher: &Refresher, n_requests: u32) {
    let (agent, id) = (main_agent(), profile(DEFAULT));
    for request in 0..n_requests {
        let access = refresher.access(&agent, &id).await;
        let mut token = access
            .unwrap_or_else(|why| panic!("{request}: {why}"))
            .token;
        if !server.accepts(token.expose()) {
            let renewed = refresher.force_refresh_after_401(&agent, &id, &token).await;
            token = renewed
                .unwrap_or_else(|why| panic!("{request}: {why}"))
                .token;
        }
        assert!(server.accepts(token.expose()), "request {request}");
        tokio::time::sleep(FIVE_MINUTES).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_two_days_off_costs_no_request_and_no_login() {
    for skew_ms in [TWO_DAYS_MS, -TWO_DAYS_MS] {
        let server = IdentityServer::new(3600);
        // Stored while the clock was right: the wrong one takes it for long ended, or good for days.
        let home = home_with(DEFAULT, 0, START_MS + HOUR_MS);
        let refresher = Skew::new(skew_ms).refresher(&server, &home);
        let stop = CancellationToken::new();
        let mut timer = tokio::task::JoinSet::new();
        let (fresh, stopped) = (refresher.clone(), stop.clone());
        timer.spawn(async move { fresh.keep_fresh(&[main_agent()], &stopped).await });
        ask(&server, &refresher, 72).await;
        stop.cancel();
        while timer.join_next().await.is_some() {}
        assert!(refresher.close().await);
        assert!(
            (6..=8).contains(&server.n_calls()),
            "{skew_ms}: {} calls in six hours",
            server.n_calls()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_right_costs_one_refresh_at_most() {
    for skew_ms in [TWO_DAYS_MS, -TWO_DAYS_MS] {
        let server = IdentityServer::new(3600);
        let home = home_with(DEFAULT, 0, START_MS + HOUR_MS);
        let skew = Skew::new(skew_ms);
        let refresher = skew.refresher(&server, &home);
        ask(&server, &refresher, 3).await;
        let before = server.n_calls();
        skew.set(0);
        ask(&server, &refresher, 12).await;
        assert!(refresher.close().await);
        let n_calls = server.n_calls() - before;
        assert!((1..=2).contains(&n_calls), "{skew_ms}: {n_calls} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_after_a_failure_does_not_last_for_days_when_the_clock_is_put_back() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS - 1);
    let skew = Skew::new(TWO_DAYS_MS);
    let refresher = skew.refresher(&server, &home);
    server.fail(vec![Fault::Answer(503, "{}"); 4]);
    let (agent, id) = (main_agent(), profile(DEFAULT));
    refresher.access(&agent, &id).await.unwrap_err();
    skew.set(0);
    for _ in 0..8 {
        if refresher.access(&agent, &id).await.is_ok() {
            return;
        }
        tokio::time::sleep(FIVE_MINUTES).await;
    }
    panic!("still paused after 40 minutes");
}
