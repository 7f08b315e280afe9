//! One module per command: arguments in, exit code out.

pub(crate) mod agent;
pub(crate) mod backup;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod emulator;
pub(crate) mod gateway;
pub(crate) mod gateway_run;
pub(crate) mod health;
pub(crate) mod infer;
pub(crate) mod later;
pub(crate) mod logs;
pub(crate) mod migrate;
pub(crate) mod models;
pub(crate) mod onboard;
pub(crate) mod plugins;
pub(crate) mod status;
pub(crate) mod tasks;
pub(crate) mod trace;
pub(crate) mod usage;
