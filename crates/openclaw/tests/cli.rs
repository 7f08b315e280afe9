//! The built binary, run as a person runs it: real processes, temporary homes, loopback only.

#[cfg(test)]
#[path = "cli/backup.rs"]
mod backup;
#[cfg(test)]
#[path = "cli/canary.rs"]
mod canary;
#[cfg(test)]
#[path = "cli/config.rs"]
mod config;
#[cfg(test)]
#[path = "cli/discovery.rs"]
mod discovery;
#[cfg(test)]
#[path = "cli/doctor.rs"]
mod doctor;
#[cfg(test)]
#[path = "cli/explain_error.rs"]
mod explain_error;
#[cfg(test)]
#[path = "cli/faults.rs"]
mod faults;
#[cfg(test)]
#[path = "cli/gateway.rs"]
mod gateway;
#[cfg(test)]
#[path = "cli/home.rs"]
mod home;
#[cfg(test)]
#[path = "cli/infer_media.rs"]
mod infer_media;
#[cfg(test)]
#[path = "cli/killed_edit.rs"]
mod killed_edit;
#[cfg(test)]
#[path = "cli/migrate.rs"]
mod migrate;
#[cfg(test)]
#[path = "cli/models.rs"]
mod models;
#[cfg(test)]
#[path = "cli/models_auth.rs"]
mod models_auth;
#[cfg(test)]
#[path = "cli/models_homes.rs"]
mod models_homes;
#[cfg(test)]
#[path = "cli/onboard.rs"]
mod onboard;
#[cfg(test)]
#[path = "cli/openclaw_homes.rs"]
mod openclaw_homes;
#[cfg(test)]
#[path = "cli/plugins.rs"]
mod plugins;
#[cfg(test)]
#[path = "cli/portal.rs"]
mod portal;
#[cfg(test)]
#[path = "cli/random.rs"]
mod random;
#[cfg(test)]
#[cfg(unix)]
#[path = "cli/terminal.rs"]
mod terminal;
#[cfg(test)]
#[path = "cli/verify.rs"]
mod verify;
#[cfg(test)]
#[path = "cli/video.rs"]
mod video;
#[cfg(test)]
#[path = "cli/whoami.rs"]
mod whoami;
