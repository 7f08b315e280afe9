//! The tokens of finished logins.
//!
//! A login has one refresh token that is live; those before it are spent. A
//! spent one that comes back within the grace gets the live one again, so that
//! a client that lost a reply is not locked out.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::settings::Settings;
use crate::identity::IdSource;

/// Most tokens of each kind remembered; the oldest go first.
const TOKENS_MAX: usize = 10_000;

struct AccessToken {
    text: String,
    login: u64,
    expires_at_ms: u64,
    revoked: bool,
    n_admitted: u64,
    n_refused: u64,
}

struct RefreshToken {
    text: String,
    login: u64,
    spent_at_ms: Option<u64>,
    revoked: bool,
    n_accepted: u64,
    n_refused: u64,
    n_failed: u64,
}

/// What a refresh came to, with the refresh token to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// The token was spent; this is its successor.
    Rotated(String),
    /// The token stays.
    Kept(String),
    /// The token was spent before, within the grace; this is the live one.
    Replayed(String),
    /// The token is spent or revoked.
    Refused,
    /// The token was never issued.
    Unknown,
}

/// Every token issued, oldest first.
#[derive(Default)]
pub(super) struct TokenBook {
    access: VecDeque<AccessToken>,
    refresh: VecDeque<RefreshToken>,
    n_logins: u64,
    ids: IdSource,
}

impl TokenBook {
    /// Begins a login and returns its refresh token, `wanted` if given.
    pub(super) fn log_in(&mut self, wanted: Option<String>) -> String {
        self.n_logins += 1;
        self.mint_refresh(self.n_logins, wanted)
    }

    /// Issues an access token for the login of `refresh_token`.
    pub(super) fn mint_access(
        &mut self,
        refresh_token: &str,
        wanted: Option<String>,
        expires_at_ms: u64,
    ) -> String {
        let login = find(&self.refresh, |token| token.text == refresh_token)
            .map_or(self.n_logins, |token| token.login);
        let ids = &self.ids;
        let text = wanted.unwrap_or_else(|| format!("emulator-at-{}", ids.uuid()));
        let token = AccessToken {
            text: text.clone(),
            login,
            expires_at_ms,
            revoked: false,
            n_admitted: 0,
            n_refused: 0,
        };
        remember(&mut self.access, token);
        text
    }

    /// Carries out a refresh, as far as tokens go.
    pub(super) fn refresh(&mut self, written: &str, now_ms: u64, settings: &Settings) -> Refresh {
        let live = self.live_beside(written);
        let found = self.refresh.iter_mut().rev();
        let Some(token) = found.into_iter().find(|token| token.text == written) else {
            return Refresh::Unknown;
        };
        let login = token.login;
        let in_grace = token
            .spent_at_ms
            .is_some_and(|spent_at_ms| now_ms.saturating_sub(spent_at_ms) < settings.grace_ms);
        let outcome = match (token.revoked, token.spent_at_ms, live) {
            (false, None, _) if settings.rotate && !settings.omit_refresh_token => {
                token.spent_at_ms = Some(now_ms);
                None
            }
            (false, None, _) => Some(Refresh::Kept(token.text.clone())),
            (false, Some(_), Some(live)) if in_grace => Some(Refresh::Replayed(live)),
            _ => Some(Refresh::Refused),
        };
        let refused = outcome == Some(Refresh::Refused);
        token.n_accepted += u64::from(!refused);
        token.n_refused += u64::from(refused);
        if refused && settings.revoke_on_reuse && token.spent_at_ms.is_some() {
            self.revoke_login(login);
        }
        outcome.unwrap_or_else(|| Refresh::Rotated(self.mint_refresh(login, None)))
    }

    /// Notes that the server failed before it looked at a refresh token.
    pub(super) fn note_failed(&mut self, written: &str) {
        let mut newest_first = self.refresh.iter_mut().rev();
        if let Some(token) = newest_first.find(|token| token.text == written) {
            token.n_failed += 1;
        }
    }

    /// Tells whether an access token is good, and counts the attempt.
    pub(super) fn admits(&mut self, written: &str, now_ms: u64) -> bool {
        let mut newest_first = self.access.iter_mut().rev();
        let Some(token) = newest_first.find(|token| token.text == written) else {
            return false;
        };
        let good = token.state(now_ms) == "valid";
        token.n_admitted += u64::from(good);
        token.n_refused += u64::from(!good);
        good
    }

    /// Tells whether a token of either kind was ever issued.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.login_of(text).is_some()
    }

    /// Ends the login a token belongs to; tells whether there was one.
    pub(super) fn revoke(&mut self, text: &str) -> bool {
        let login = self.login_of(text);
        if let Some(login) = login {
            self.revoke_login(login);
        }
        login.is_some()
    }

    /// Ends every login.
    pub(super) fn revoke_all(&mut self) {
        self.revoke_access();
        for token in &mut self.refresh {
            token.revoked = true;
        }
    }

    /// Makes every access token worthless; refresh tokens stay good.
    pub(super) fn revoke_access(&mut self) {
        for token in &mut self.access {
            token.revoked = true;
        }
    }

    /// Lists the access tokens.
    pub(super) fn report_access(&self, now_ms: u64) -> Vec<Value> {
        let describe = |token: &AccessToken| {
            json!({
                "token": token.text,
                "login": token.login,
                "state": token.state(now_ms),
                "expires_at_ms": token.expires_at_ms,
                "admitted": token.n_admitted,
                "refused": token.n_refused,
            })
        };
        self.access.iter().map(describe).collect()
    }

    /// Lists the refresh tokens.
    pub(super) fn report_refresh(&self) -> Vec<Value> {
        let describe = |token: &RefreshToken| {
            json!({
                "token": token.text,
                "login": token.login,
                "state": token.state(),
                "accepted": token.n_accepted,
                "refused": token.n_refused,
                "failed": token.n_failed,
            })
        };
        self.refresh.iter().map(describe).collect()
    }

    fn mint_refresh(&mut self, login: u64, wanted: Option<String>) -> String {
        let ids = &self.ids;
        let text = wanted.unwrap_or_else(|| format!("emulator-rt-{}", ids.uuid()));
        let token = RefreshToken {
            text: text.clone(),
            login,
            spent_at_ms: None,
            revoked: false,
            n_accepted: 0,
            n_refused: 0,
            n_failed: 0,
        };
        remember(&mut self.refresh, token);
        text
    }

    /// Returns the live refresh token of the login that `text` belongs to.
    fn live_beside(&self, text: &str) -> Option<String> {
        let login = find(&self.refresh, |token| token.text == text)?.login;
        let live = |token: &RefreshToken| token.login == login && token.state() == "live";
        find(&self.refresh, live).map(|token| token.text.clone())
    }

    fn login_of(&self, text: &str) -> Option<u64> {
        let refresh = find(&self.refresh, |token| token.text == text).map(|token| token.login);
        refresh.or_else(|| find(&self.access, |token| token.text == text).map(|token| token.login))
    }

    fn revoke_login(&mut self, login: u64) {
        for token in self.access.iter_mut().filter(|token| token.login == login) {
            token.revoked = true;
        }
        for token in self.refresh.iter_mut().filter(|token| token.login == login) {
            token.revoked = true;
        }
    }
}

impl AccessToken {
    fn state(&self, now_ms: u64) -> &'static str {
        if self.revoked {
            "revoked"
        } else if now_ms >= self.expires_at_ms {
            "expired"
        } else {
            "valid"
        }
    }
}

impl RefreshToken {
    fn state(&self) -> &'static str {
        match self.spent_at_ms {
            _ if self.revoked => "revoked",
            Some(_) => "spent",
            None => "live",
        }
    }
}

/// Finds the newest token that `is_meant`.
fn find<T>(tokens: &VecDeque<T>, is_meant: impl Fn(&T) -> bool) -> Option<&T> {
    tokens.iter().rev().find(|token| is_meant(token))
}

fn remember<T>(tokens: &mut VecDeque<T>, token: T) {
    if tokens.len() == TOKENS_MAX {
        tokens.pop_front();
    }
    tokens.push_back(token);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(grace_ms: u64) -> Settings {
        Settings {
            grace_ms,
            ..Settings::default()
        }
    }

    fn rotated(refresh: Refresh) -> String {
        match refresh {
            Refresh::Rotated(token) => token,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_grace_begins_with_the_first_use_and_leads_to_the_live_token() {
        let mut book = TokenBook::default();
        let first = book.log_in(None);
        let second = rotated(book.refresh(&first, 1000, &settings(500)));
        let replay = |book: &mut TokenBook, now_ms| book.refresh(&first, now_ms, &settings(500));
        assert_eq!(replay(&mut book, 1499), Refresh::Replayed(second.clone()));
        let third = rotated(book.refresh(&second, 1499, &settings(500)));
        assert_eq!(replay(&mut book, 1499), Refresh::Replayed(third.clone()));
        assert_eq!(replay(&mut book, 1500), Refresh::Refused);
        assert!(matches!(
            book.refresh(&third, 1500, &settings(0)),
            Refresh::Rotated(_)
        ));
    }

    #[test]
    fn reuse_ends_the_login_only_when_asked_to_and_no_other_login() {
        let mut book = TokenBook::default();
        let (first, other) = (book.log_in(None), book.log_in(None));
        let second = rotated(book.refresh(&first, 0, &settings(0)));
        assert_eq!(book.refresh(&first, 0, &settings(0)), Refresh::Refused);
        let strict = Settings {
            revoke_on_reuse: true,
            ..settings(0)
        };
        let third = rotated(book.refresh(&second, 0, &strict));
        let access = book.mint_access(&third, None, 10);
        assert!(book.admits(&access, 0));
        assert_eq!(book.refresh(&first, 0, &strict), Refresh::Refused);
        assert_eq!(book.refresh(&third, 0, &strict), Refresh::Refused);
        assert!(!book.admits(&access, 0));
        assert!(matches!(
            book.refresh(&other, 0, &strict),
            Refresh::Rotated(_)
        ));
    }

    #[test]
    fn without_rotation_the_token_stays() {
        let mut book = TokenBook::default();
        let token = book.log_in(Some("rt_OLD".to_owned()));
        for (rotate, omit_refresh_token) in [(false, false), (true, true), (false, true)] {
            let keeping = Settings {
                rotate,
                omit_refresh_token,
                ..Settings::default()
            };
            let kept = book.refresh(&token, 0, &keeping);
            assert_eq!(kept, Refresh::Kept("rt_OLD".to_owned()));
        }
        assert_eq!(book.refresh("rt_NEVER", 0, &settings(0)), Refresh::Unknown);
    }

    #[test]
    fn remembers_the_newest_tokens() {
        let mut book = TokenBook::default();
        let first = book.log_in(None);
        for _ in 0..TOKENS_MAX {
            book.log_in(None);
        }
        assert_eq!(book.report_refresh().len(), TOKENS_MAX);
        assert!(!book.knows(&first));
    }
}
