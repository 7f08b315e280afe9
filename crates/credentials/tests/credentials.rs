//! Credentials as a whole: real homes, precedence, misdirection, and stores under writers.

#[cfg(test)]
mod credentials {
    mod databases;
    mod homes;
    mod misdirection;
    mod precedence;
    mod store;
    mod test_home;
}
