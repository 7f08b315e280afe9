//! The seven steps in which the original lost logins (its issue 36982), against this program: none of the losses.

use std::fs;
use std::time::Duration;

use credentials::oauth::{LoginStore, QwenSync, Refresher};
use credentials::{Usage, UsageFile};
use serde_json::json;

use super::identity_server::{
    DEFAULT, IdentityServer, QWEN_CODE, START_MS, home_with, home_with_ended_login, main_agent,
    on_disk, profile, store_with,
};
use super::test_home::TestHome;

async fn call(server: &IdentityServer, refresher: &Refresher, id: &str) {
    let access = refresher.access(&main_agent(), &profile(id)).await;
    let access = access.unwrap();
    assert!(server.accepts(access.token.expose()), "{access:?}");
}

/// What the original wrote after each answer: that the profile was used, and that it was good.
fn write_statistics(home: &TestHome, id: &str, now_ms: u64) {
    let file = UsageFile::of_agent(&home.home, &main_agent());
    let usage = Usage {
        last_used_ms: Some(now_ms),
        ..Usage::default()
    };
    file.record(&[(profile(id), usage)]).unwrap();
    let provider = config::ProviderId::new("qwen-portal").unwrap();
    file.record_good(&provider, &profile(id)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn step_1_each_process_goes_on_from_the_tokens_of_the_last() {
    let server = IdentityServer::new(4);
    let home = home_with_ended_login();
    for _ in 0..5 {
        call(&server, &server.refresher(&home.home), DEFAULT).await;
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    assert_eq!(server.spent(), ["rt-0", "rt-1", "rt-2", "rt-3", "rt-4"]);
}

#[tokio::test(start_paused = true)]
async fn step_2_one_gateway_refreshes_again_and_again() {
    let server = IdentityServer::new(4);
    let home = home_with_ended_login();
    let gateway = server.refresher(&home.home);
    for _ in 0..5 {
        call(&server, &gateway, DEFAULT).await;
        write_statistics(&home, DEFAULT, server.now_ms());
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    assert_eq!(server.spent(), ["rt-0", "rt-1", "rt-2", "rt-3", "rt-4"]);
}

#[tokio::test(start_paused = true)]
async fn step_3_statistics_never_put_old_tokens_back() {
    let server = IdentityServer::new(4);
    let home = home_with_ended_login();
    call(&server, &server.refresher(&home.home), DEFAULT).await;
    let after_refresh = fs::read(home.store_path()).unwrap();
    for _ in 0..3 {
        write_statistics(&home, DEFAULT, server.now_ms());
    }
    assert_eq!(fs::read(home.store_path()).unwrap(), after_refresh);
    let state = home.home.agent_dir(&main_agent()).join("auth-state.json");
    let state = fs::read_to_string(state).unwrap();
    assert!(state.contains("lastUsed") && !state.contains("rt-") && !state.contains("at-"));
}

/// The original itself, run beside ours, still does it: then the record knows better than the store.
#[tokio::test(start_paused = true)]
async fn step_3_even_tokens_that_the_original_puts_back_cost_nothing() {
    let server = IdentityServer::new(4);
    let home = home_with_ended_login();
    let before = fs::read_to_string(home.store_path()).unwrap();
    let gateway = server.refresher(&home.home);
    for _ in 0..4 {
        call(&server, &gateway, DEFAULT).await;
        fs::write(home.store_path(), &before).unwrap();
        call(&server, &gateway, DEFAULT).await;
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    call(&server, &server.refresher(&home.home), DEFAULT).await;
    assert_eq!(server.spent(), ["rt-0", "rt-1", "rt-2", "rt-3", "rt-4"]);
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-5");
}

#[tokio::test(start_paused = true)]
async fn step_4_a_gateway_sees_what_other_processes_refreshed() {
    let server = IdentityServer::new(4);
    let home = home_with_ended_login();
    let gateway = server.refresher(&home.home);
    call(&server, &gateway, DEFAULT).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(6)).await;
        call(&server, &server.refresher(&home.home), DEFAULT).await;
        call(&server, &gateway, DEFAULT).await;
    }
    assert_eq!(server.spent(), ["rt-0", "rt-1", "rt-2", "rt-3"]);
}

#[tokio::test(start_paused = true)]
async fn step_5_gateway_and_command_line_never_disagree() {
    let server = IdentityServer::new(4);
    let home = home_with_ended_login();
    let (gateway, command) = (server.refresher(&home.home), server.refresher(&home.home));
    for _ in 0..4 {
        let (agent, id) = (main_agent(), profile(DEFAULT));
        let (one, other) = tokio::join!(gateway.access(&agent, &id), command.access(&agent, &id));
        assert_eq!(one.unwrap().token, other.unwrap().token);
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    assert_eq!(server.n_calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn step_6_an_older_file_of_qwen_code_never_replaces_newer_tokens() {
    let server = IdentityServer::new(4);
    let home = home_with(QWEN_CODE, 0, START_MS - 1);
    let folder = home.path().join(".qwen");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("oauth_creds.json");
    let creds = |generation: u64, at_ms: u64| {
        json!({
            "access_token": format!("at-{generation}"),
            "refresh_token": format!("rt-{generation}"),
            "token_type": "Bearer",
            "resource_url": "portal.qwen.ai",
            "expiry_date": at_ms,
        })
        .to_string()
    };
    fs::write(&file, creds(0, START_MS - 1)).unwrap();
    let gateway = server.refresher(&home.home);
    call(&server, &gateway, QWEN_CODE).await;
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"rt-1\""), "given back: {text}");
    // An old copy appears, with an end that makes it look young.
    fs::write(&file, creds(0, START_MS + 99_000_000)).unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    call(&server, &gateway, QWEN_CODE).await;
    assert_eq!(server.spent(), ["rt-0", "rt-1"]);
    assert!(fs::read_to_string(&file).unwrap().contains("\"rt-2\""));
    let store = LoginStore::new(&home.home);
    assert_eq!(store.sync_qwen_code().unwrap(), QwenSync::Nothing);
}

#[tokio::test(start_paused = true)]
async fn step_7_a_refused_login_is_not_asked_for_again_and_a_new_one_is_used_at_once() {
    let server = IdentityServer::new(4);
    let home = home_with_ended_login();
    let gateway = server.refresher(&home.home);
    server.revoke();
    for _ in 0..5 {
        let result = gateway.access(&main_agent(), &profile(DEFAULT)).await;
        assert!(result.is_err());
        tokio::time::sleep(Duration::from_mins(2)).await;
    }
    assert_eq!(server.n_calls(), 1);
    let new_login = store_with(DEFAULT, 7, server.now_ms() + 3_600_000);
    home.put_agent("main", "auth-profiles.json", &new_login);
    let access = gateway.access(&main_agent(), &profile(DEFAULT)).await;
    assert!(access.unwrap().token.matches("at-7"));
}
