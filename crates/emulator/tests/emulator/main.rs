//! The emulator over real sockets: what a client of each plan gets to see.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod chat;
mod control;
mod faults;
mod formats;
mod keys;
mod lifetime;
mod media;
mod oauth;
mod proxy;
mod quirks;
mod recorded;
mod support;
mod validation;
mod vectors;
mod video;
