//! Whose turn it is among several credentials of one model.

use std::collections::HashMap;
use std::sync::Arc;

use crate::directory::{Route, Turn};

/// How many sessions are remembered with the credential that served them last.
pub const SESSIONS_MAX: usize = 10_000;

/// Who was asked last, by credential and by session.
#[derive(Debug, Default)]
pub(super) struct Turns {
    last: HashMap<Arc<str>, u64>,
    sessions: HashMap<String, Sticky>,
    n: u64,
}

/// The credential that served a session last.
#[derive(Debug)]
struct Sticky {
    key: Arc<str>,
    turn: u64,
}

impl Turns {
    /// Puts neighbours that differ in their credential only into the order in which they are tried: an order that agent
    /// or config name is kept; else logins come before tokens and tokens before keys, and within a kind the one that was
    /// used longest ago. The credential of the session comes first, so that the service's prompt cache is of use.
    pub(super) fn order(&self, routes: &mut [Arc<Route>], session: Option<&str>) {
        let sticky = session.and_then(|session| self.sessions.get(session));
        for group in routes.chunk_by_mut(|a, b| a.is_same_model(b)) {
            group.sort_by_key(|route| {
                let is_other = sticky.is_none_or(|sticky| sticky.key != route.branches().key);
                let (rank, last) = match route.turn() {
                    Turn::Ordered(place) => (place, 0),
                    Turn::Ranked(rank) => (rank, self.last_turn(route)),
                };
                (is_other, rank, last)
            });
        }
    }

    fn last_turn(&self, route: &Route) -> u64 {
        self.last.get(&route.branches().key).copied().unwrap_or(0)
    }

    /// Notes that a request is on its way.
    pub(super) fn used(&mut self, route: &Route, session: Option<&str>) {
        self.n += 1;
        let (turn, key) = (self.n, Arc::clone(&route.branches().key));
        self.last.insert(Arc::clone(&key), turn);
        let Some(session) = session else {
            return;
        };
        if self.sessions.len() >= SESSIONS_MAX && !self.sessions.contains_key(session) {
            self.forget_half();
        }
        self.sessions
            .insert(session.to_owned(), Sticky { key, turn });
    }

    /// Half at once, so that a full memory is not searched for each request.
    fn forget_half(&mut self) {
        let mut turns: Vec<u64> = self.sessions.values().map(|sticky| sticky.turn).collect();
        let middle = turns.len() / 2;
        let (_, median, _) = turns.select_nth_unstable(middle);
        let median = *median;
        self.sessions.retain(|_, sticky| sticky.turn > median);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::route_with_key;
    use super::*;

    fn order(turns: &Turns, session: Option<&str>) -> Vec<String> {
        let mut routes: Vec<_> = ["sk-a", "sk-b", "sk-c"]
            .iter()
            .map(|key| Arc::new(route_with_key(key, "m")))
            .collect();
        turns.order(&mut routes, session);
        let last = |route: &Arc<Route>| route.secret().unwrap().expose().to_owned();
        routes.iter().map(last).collect()
    }

    #[test]
    fn keys_take_turns_and_sessions_stay() {
        let mut turns = Turns::default();
        assert_eq!(order(&turns, None), ["sk-a", "sk-b", "sk-c"]);
        turns.used(&route_with_key("sk-a", "m"), Some("s"));
        assert_eq!(order(&turns, None), ["sk-b", "sk-c", "sk-a"]);
        turns.used(&route_with_key("sk-b", "m"), None);
        assert_eq!(order(&turns, None), ["sk-c", "sk-a", "sk-b"]);
        assert_eq!(order(&turns, Some("s")), ["sk-a", "sk-c", "sk-b"]);
        assert_eq!(order(&turns, Some("other")), ["sk-c", "sk-a", "sk-b"]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut turns = Turns::default();
        let route = route_with_key("sk-a", "m");
        for n in 0..SESSIONS_MAX + 10 {
            turns.used(&route, Some(&format!("s{n}")));
        }
        assert!(turns.sessions.len() <= SESSIONS_MAX);
        let newest = format!("s{}", SESSIONS_MAX + 9);
        assert!(turns.sessions.contains_key(&newest));
        assert!(!turns.sessions.contains_key("s0"));
    }
}
