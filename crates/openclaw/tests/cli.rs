//! The built binary, run as a person runs it: real processes, temporary homes, loopback only.

#[path = "cli/gateway.rs"]
mod gateway;
#[path = "cli/home.rs"]
mod home;
