//! Many who need the same token at the same time, in one process and in several.

use std::time::Duration;

use super::identity_server::{
    DEFAULT, IdentityServer, home_with_ended_login, main_agent, on_disk, profile,
};

/// Two refreshers share nothing but the files: they stand for two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_tasks_in_two_processes_make_one_call() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    let processes = [server.refresher(&home.home), server.refresher(&home.home)];
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..50 {
        let refresher = processes[task % 2].clone();
        tasks.spawn(async move { refresher.access(&main_agent(), &profile(DEFAULT)).await });
    }
    while let Some(result) = tasks.join_next().await {
        assert!(result.unwrap().unwrap().token.matches("at-1"));
    }
    assert_eq!(server.n_calls(), 1);
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-1");
}

#[tokio::test(start_paused = true)]
async fn fifty_processes_make_one_call() {
    let server = IdentityServer::new(3600);
    server.set_latency(Duration::from_secs(3));
    let home = home_with_ended_login();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let refresher = server.refresher(&home.home);
        tasks.spawn(async move { refresher.access(&main_agent(), &profile(DEFAULT)).await });
    }
    while let Some(result) = tasks.join_next().await {
        assert!(result.unwrap().unwrap().token.matches("at-1"));
    }
    assert_eq!(server.n_calls(), 1);
}

/// A statistics write has its own file: whatever its timing, the tokens stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_other_profiles_lose_nothing() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    let refresher = server.refresher(&home.home);
    let store = credentials::ProfileStore::at(&home.store_path());
    let writer = tokio::task::spawn_blocking(move || {
        for n in 0..20 {
            let provider = config::ProviderId::new("qwen").unwrap();
            let key = credentials::HeldSecret::Inline(credentials::Secret::new(format!("k{n}")));
            let id = profile(&format!("qwen:{n}"));
            let other = credentials::Profile::api_key(id, provider, key);
            store.upsert(&other).unwrap();
        }
    });
    let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
    assert!(access.unwrap().token.matches("at-1"));
    writer.await.unwrap();
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-1");
    let stored = credentials::ProfileStore::at(&home.store_path()).load();
    assert_eq!(stored.unwrap().unwrap().profiles.len(), 21);
}
