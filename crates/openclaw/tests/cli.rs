//! The built binary, run as a person runs it: real processes, temporary homes, loopback only.

#[path = "cli/config.rs"]
mod config;
#[path = "cli/gateway.rs"]
mod gateway;
#[path = "cli/home.rs"]
mod home;
#[path = "cli/models.rs"]
mod models;
#[path = "cli/openclaw_homes.rs"]
mod openclaw_homes;
