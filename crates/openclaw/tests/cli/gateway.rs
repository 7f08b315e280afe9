//! `gateway run` and its clients.
