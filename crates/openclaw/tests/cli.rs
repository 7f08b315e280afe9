//! The real binary, run as a user runs it.

mod cli {
    mod config;
    mod home;
    mod models;
}
