//! `gateway run` between real clients and a scripted upstream, over real sockets.

#[path = "gateway/access.rs"]
mod access;
#[path = "gateway/accounting.rs"]
mod accounting;
#[path = "gateway/bad_requests.rs"]
mod bad_requests;
#[path = "gateway/breakers.rs"]
mod breakers;
#[path = "gateway/client.rs"]
pub(crate) mod client;
#[path = "gateway/disconnect.rs"]
mod disconnect;
#[path = "gateway/drain.rs"]
mod drain;
#[path = "gateway/failover.rs"]
mod failover;
#[path = "gateway/failures.rs"]
mod failures;
#[path = "gateway/fault_matrix.rs"]
mod fault_matrix;
#[path = "gateway/formats.rs"]
mod formats;
#[cfg(target_os = "linux")]
#[path = "gateway/install.rs"]
mod install;
#[path = "gateway/ledger.rs"]
mod ledger;
#[cfg(unix)]
#[path = "gateway/life.rs"]
mod life;
#[path = "gateway/patching.rs"]
mod patching;
#[path = "gateway/process.rs"]
pub(crate) mod process;
#[path = "gateway/reload.rs"]
mod reload;
#[path = "gateway/requests.rs"]
mod requests;
#[path = "gateway/scene.rs"]
mod scene;
#[path = "gateway/start.rs"]
mod start;
#[path = "gateway/streams.rs"]
mod streams;
#[path = "gateway/stub.rs"]
mod stub;
