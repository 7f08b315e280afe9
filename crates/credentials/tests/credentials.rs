//! Credentials as a whole: real homes, precedence, misdirection, and stores under writers.

#[cfg(test)]
mod credentials {
    mod clock;
    mod databases;
    mod device_login;
    mod homes;
    mod identity_server;
    mod killed_refresh;
    mod misdirection;
    mod original_bug;
    mod precedence;
    mod qwen_code;
    mod references;
    mod refresh;
    mod refresh_failures;
    mod refresh_races;
    mod store;
    mod test_home;
    mod usage_file;
}
