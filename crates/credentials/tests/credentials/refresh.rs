//! Refreshes that go well: when there is one, when there is none, and what is on disk then.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use credentials::oauth::{LoginState, LoginStore, NewLogin};
use credentials::{Expiry, Login, Secret};
use tokio_util::sync::CancellationToken;

use super::identity_server::{
    DEFAULT, Fault, IdentityServer, START_MS, home_with, home_with_ended_login, main_agent,
    on_disk, profile, store_with,
};
use super::test_home::TestHome;

const MINUTE_MS: u64 = 60_000;

/// Waits until everything that was begun has ended.
async fn settled(refresher: &credentials::oauth::Refresher) {
    assert!(refresher.close().await);
}

#[tokio::test(start_paused = true)]
async fn a_token_far_from_its_end_is_used_without_a_call() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + 6 * MINUTE_MS);
    let refresher = server.refresher(&home.home);
    let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
    let access = access.unwrap();
    assert!(access.token.matches("at-0"));
    assert_eq!(access.base_url, None, "nobody has named a host");
    settled(&refresher).await;
    assert_eq!(server.n_calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_near_its_end_is_used_and_renewed_beside() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + 4 * MINUTE_MS);
    let refresher = server.refresher(&home.home);
    let ask = || async {
        refresher
            .access(&main_agent(), &profile(DEFAULT))
            .await
            .unwrap()
    };
    assert!(ask().await.token.matches("at-0"));
    settled(&refresher).await;
    let access = ask().await;
    assert!(access.token.matches("at-1"));
    assert_eq!(
        access.base_url.as_deref(),
        Some("https://portal.qwen.ai/v1")
    );
    assert_eq!(server.n_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ended_token_is_waited_for_and_on_disk_before_it_is_used() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    let refresher = server.refresher(&home.home);
    let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
    assert!(access.unwrap().token.matches("at-1"));
    let (access, refresh, expires) = on_disk(&home, DEFAULT);
    assert_eq!((access.as_str(), refresh.as_str()), ("at-1", "rt-1"));
    assert!((START_MS + 3_600_000..START_MS + 3_601_000).contains(&expires));
    let text = fs::read_to_string(home.store_path()).unwrap();
    assert!(text.contains("someone@example.org"), "other fields stay");
    let locks = home.home.state_dir().join("locks/oauth-refresh");
    assert_eq!(fs::read_dir(locks).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_seconds_of_a_token_are_not_trusted_to_the_clock() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + 20_000);
    let refresher = server.refresher(&home.home);
    let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
    assert!(access.unwrap().token.matches("at-1"));
}

#[tokio::test(start_paused = true)]
async fn what_another_process_put_on_disk_is_used_without_a_call() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + 6 * MINUTE_MS);
    let refresher = server.refresher(&home.home);
    let ask = async || refresher.access(&main_agent(), &profile(DEFAULT)).await;
    assert!(ask().await.unwrap().token.matches("at-0"));
    let generation = server.rotate_for_another();
    let store = store_with(DEFAULT, generation, START_MS + 60 * MINUTE_MS);
    home.put_agent("main", "auth-profiles.json", &store);
    assert!(ask().await.unwrap().token.matches("at-1"));
    assert_eq!(server.n_calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_a_refresh_token_keeps_the_old_one() {
    let server = IdentityServer::new(60);
    let home = home_with_ended_login();
    server.fail([Fault::NoRefreshToken]);
    let refresher = server.refresher(&home.home);
    let ask = async || refresher.access(&main_agent(), &profile(DEFAULT)).await;
    assert!(ask().await.unwrap().token.matches("at-0-again"));
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-0");
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(ask().await.unwrap().token.matches("at-1"));
    assert_eq!(server.spent(), ["rt-0", "rt-0"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_does_not_lose_the_new_tokens() {
    let server = IdentityServer::new(3600);
    server.set_latency(Duration::from_secs(5));
    let home = home_with_ended_login();
    let refresher = server.refresher(&home.home);
    let (agent, id) = (main_agent(), profile(DEFAULT));
    let hung_up = tokio::time::timeout(Duration::from_secs(1), refresher.access(&agent, &id)).await;
    assert!(hung_up.is_err());
    settled(&refresher).await;
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-1");
    assert_eq!(server.n_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_renewed_once_however_many_complain() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + 60 * MINUTE_MS);
    let refresher = server.refresher(&home.home);
    let (agent, id) = (main_agent(), profile(DEFAULT));
    let rejected = Secret::new("at-0".to_owned());
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..40_u64 {
        let (refresher, agent, id) = (refresher.clone(), agent.clone(), id.clone());
        let rejected = rejected.clone();
        callers.spawn(async move {
            // Some complain while the refresh is under way, some long after it.
            tokio::time::sleep(Duration::from_millis(caller * 3)).await;
            refresher
                .force_refresh_after_401(&agent, &id, &rejected)
                .await
        });
    }
    while let Some(result) = callers.join_next().await {
        assert!(result.unwrap().unwrap().token.matches("at-1"));
    }
    assert_eq!(server.n_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gives_the_rejected_token_again_is_told_from_a_good_one() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + 60 * MINUTE_MS);
    server.fail([Fault::SameAccess("at-0")]);
    let refresher = server.refresher(&home.home);
    let (agent, id) = (main_agent(), profile(DEFAULT));
    let rejected = Secret::new("at-0".to_owned());
    for _ in 0..5 {
        let result = refresher
            .force_refresh_after_401(&agent, &id, &rejected)
            .await;
        assert!(result.is_err(), "{result:?}");
    }
    assert_eq!(server.n_calls(), 1, "and not asked again at once");
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-1", "the rotation is kept");
}

#[tokio::test(start_paused = true)]
async fn agents_share_the_login_of_main() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    let refresher = server.refresher(&home.home);
    let work = config::AgentId::new("work").unwrap();
    let access = refresher.access(&work, &profile(DEFAULT)).await;
    assert!(access.unwrap().token.matches("at-1"));
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-1");
    assert!(!home.home.agent_dir(&work).exists(), "nothing is copied");
}

#[tokio::test(start_paused = true)]
async fn an_old_copy_in_another_agent_is_not_spent() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    home.put_agent(
        "work",
        "auth-profiles.json",
        &store_with(DEFAULT, 0, START_MS - 1),
    );
    let refresher = server.refresher(&home.home);
    let work = config::AgentId::new("work").unwrap();
    for agent in [main_agent(), work] {
        let access = refresher.access(&agent, &profile(DEFAULT)).await;
        assert!(access.unwrap().token.matches("at-1"), "{agent}");
    }
    assert_eq!(server.spent(), ["rt-0"]);
}

#[tokio::test(start_paused = true)]
async fn states_are_told_apart() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + MINUTE_MS);
    let refresher = server.refresher(&home.home);
    let (agent, id) = (main_agent(), profile(DEFAULT));
    let state = || async { refresher.state(&agent, &id).await.unwrap().0 };
    assert_eq!(state().await, LoginState::Expiring);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(state().await, LoginState::ExpiredRefreshable);
    server.revoke();
    assert!(refresher.access(&agent, &id).await.is_err());
    assert_eq!(state().await, LoginState::Revoked);
    let new = NewLogin {
        login: Login {
            access: Some(Secret::new("at-new".to_owned())),
            refresh: Some(Secret::new("rt-new".to_owned())),
            expiry: Expiry::AtMs(server.now_ms() + 3_600_000),
        },
        lifetime_ms: 3_600_000,
        resource_url: None,
    };
    let provider = config::ProviderId::new("qwen-portal").unwrap();
    let store = LoginStore::new(&home.home);
    store.check_writable(&agent).unwrap();
    store.save(&agent, &id, &provider, &new).unwrap();
    assert_eq!(state().await, LoginState::Valid, "a new login is another");
    store.forget(&agent, &id).unwrap();
    assert!(refresher.state(&agent, &id).await.is_err());
    let left = fs::read_dir(home.home.agent_dir(&agent).join("oauth-refresh")).unwrap();
    assert_eq!(left.count(), 0, "no token is left behind");
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_short_lived_tokens_has_one_refresh_each_and_no_failure() {
    let server = IdentityServer::new(60);
    let home = home_with_ended_login();
    let refresher = server.refresher(&home.home);
    let stop = CancellationToken::new();
    let mut timer = tokio::task::JoinSet::new();
    let (fresh, stopped) = (refresher.clone(), stop.clone());
    timer.spawn(async move { fresh.keep_fresh(&[main_agent()], &stopped).await });
    for request in 0..1_000 {
        let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
        let access = access.unwrap_or_else(|error| panic!("request {request}: {error}"));
        assert!(server.accepts(access.token.expose()), "request {request}");
        tokio::time::sleep(Duration::from_millis(3_600)).await;
    }
    stop.cancel();
    while timer.join_next().await.is_some() {}
    settled(&refresher).await;
    let mut spent = server.spent();
    let n_calls = spent.len();
    spent.dedup();
    assert_eq!(spent.len(), n_calls, "no token is spent twice");
    assert!((60..=67).contains(&n_calls), "{n_calls} refreshes");
}

#[tokio::test(start_paused = true)]
async fn logins_are_renewed_without_any_request() {
    let server = IdentityServer::new(600);
    let home = home_with(DEFAULT, 0, START_MS + 10 * MINUTE_MS);
    let refresher = server.refresher(&home.home);
    let stop = CancellationToken::new();
    let mut timer = tokio::task::JoinSet::new();
    let (fresh, stopped) = (refresher.clone(), stop.clone());
    timer.spawn(async move { fresh.keep_fresh(&[main_agent()], &stopped).await });
    tokio::time::sleep(Duration::from_hours(2)).await;
    stop.cancel();
    while timer.join_next().await.is_some() {}
    settled(&refresher).await;
    let (access, _, expires) = on_disk(&home, DEFAULT);
    assert!(server.accepts(&access) && expires > server.now_ms());
    assert!(
        (12..=14).contains(&server.n_calls()),
        "{}",
        server.n_calls()
    );
}

#[tokio::test(start_paused = true)]
async fn legacy_logins_are_taken_over_by_the_first_refresh() {
    let server = IdentityServer::new(3600);
    let home = TestHome::made("{}", r#"{"version":1,"profiles":{}}"#, &[]);
    let folder = home.home.state_dir().join("credentials");
    fs::create_dir_all(&folder).unwrap();
    let legacy = format!(
        r#"{{"qwen-portal":{{"access":"at-0","refresh":"rt-0","expires":{}}}}}"#,
        START_MS - 1
    );
    let path = folder.join("oauth.json");
    fs::write(&path, &legacy).unwrap();
    let refresher = server.refresher(&home.home);
    for _ in 0..2 {
        let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
        assert!(access.unwrap().token.matches("at-1"));
    }
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-1");
    assert_eq!(fs::read_to_string(&path).unwrap(), legacy, "untouched");
    assert_eq!(server.n_calls(), 1);
    drop(Arc::new(refresher));
}
