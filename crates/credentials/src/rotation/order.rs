//! The order in which the profiles of a provider are tried.

use config::{ModelId, ProfileId};

use crate::profile::Kind;

use super::cooldown::Admission;
use super::{Health, Rotation};

/// A request that needs a profile.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// The eligible profiles; in the order that agent or config name, if they name one.
    pub candidates: &'a [(ProfileId, Kind)],
    /// Whether agent or config name an order.
    pub is_ordered: bool,
    /// The profile that the person chose for this conversation.
    pub pinned: Option<&'a ProfileId>,
    /// The conversation; it stays with its profile while that is well.
    pub session: Option<&'a str>,
    /// The model that is asked for.
    pub model: Option<&'a ModelId>,
}

impl Rotation {
    /// Returns the candidates in the order in which they are to be tried; those that rest come last, the one that rests
    /// shortest first. Nothing is promised to them: each is still to be [admitted](Rotation::admit).
    ///
    /// A named order is kept. Without one, logins come before tokens and tokens before keys, and within a kind the one
    /// that was used longest ago. A pinned profile is first in any case, the one of the session when it does not rest.
    pub fn order(&self, turn: &Turn<'_>, now_ms: u64) -> Vec<ProfileId> {
        let mut ready = Vec::new();
        let mut resting = Vec::new();
        for (place, (id, kind)) in turn.candidates.iter().enumerate() {
            match self.rest_of(id, turn.model, now_ms) {
                None => ready.push((self.rank(turn, id, *kind, place), id)),
                Some(until_ms) => resting.push((until_ms, id)),
            }
        }
        ready.sort();
        resting.sort_by_key(|(until_ms, _)| *until_ms);
        let mut order: Vec<_> = ready.into_iter().map(|(_, id)| id.clone()).collect();
        let sticky = turn.session.and_then(|session| self.sessions.get(session));
        move_to_front(&mut order, sticky.map(|sticky| &sticky.profile));
        order.extend(resting.into_iter().map(|(_, id)| id.clone()));
        move_to_front(&mut order, turn.pinned);
        order
    }

    fn rank(
        &self,
        turn: &Turn<'_>,
        id: &ProfileId,
        kind: Kind,
        place: usize,
    ) -> (Kind, u64, u64, usize) {
        if turn.is_ordered {
            return (Kind::OAuth, 0, 0, place);
        }
        let health = self.profiles.get(id);
        let used_ms = health.and_then(|health| health.last_used_ms);
        let last_turn = health.map(|health| health.last_turn);
        // Turns tell more than times: many requests fit into a millisecond. Times are from before this process.
        (
            kind,
            last_turn.unwrap_or_default(),
            used_ms.unwrap_or_default(),
            place,
        )
    }

    /// Returns until when the profile rests; none when a request, or a probe, may be sent.
    fn rest_of(&self, id: &ProfileId, model: Option<&ModelId>, now_ms: u64) -> Option<u64> {
        let health = self.profiles.get(id)?;
        let of_model = model.and_then(|model| health.models.get(model));
        [Some(&health.account), of_model]
            .into_iter()
            .flatten()
            .filter_map(|breaker| match breaker.peek(now_ms) {
                Admission::Resting { until_ms, .. } => Some(until_ms),
                Admission::Ready | Admission::Probe => None,
            })
            .max()
    }

    /// Returns which models of a profile rest, and until when, in milliseconds since 1970 UTC.
    pub fn resting_models(
        &self,
        id: &ProfileId,
        now_ms: u64,
    ) -> impl Iterator<Item = (&ModelId, u64)> {
        let models = self.profiles.get(id).map(|health: &Health| &health.models);
        models
            .into_iter()
            .flatten()
            .filter_map(move |(model, breaker)| {
                let until_ms = breaker.until_ms().filter(|until_ms| now_ms < *until_ms)?;
                Some((model, until_ms))
            })
    }
}

fn move_to_front(order: &mut Vec<ProfileId>, first: Option<&ProfileId>) {
    let place = first.and_then(|first| order.iter().position(|id| id == first));
    if let Some(place) = place {
        let id = order.remove(place);
        order.insert(0, id);
    }
}
