//! `onboard` against the emulator: real processes, real hosts by name, through the emulator's proxy.

#[path = "onboard/arguments.rs"]
mod arguments;
#[path = "onboard/existing_home.rs"]
mod existing_home;
#[path = "onboard/key_sources.rs"]
mod key_sources;
#[path = "onboard/killed.rs"]
mod killed;
#[path = "onboard/other_hosts.rs"]
mod other_hosts;
#[path = "onboard/plans.rs"]
mod plans;
#[path = "onboard/studio.rs"]
pub(crate) mod studio;
#[path = "onboard/trouble.rs"]
mod trouble;
