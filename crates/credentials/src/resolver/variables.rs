//! Variables: by the order of names in the catalog, wherever each was set.

use crate::profile::Kind;
use crate::secret_reference;
use crate::source::{Candidate, Caution, Provenance, Resolution, SkipReason};

use super::scope::Scope;
use super::{Resolver, candidate, skipped};

impl Resolver<'_> {
    /// Adds the variables that are set; a provider that only the config defines has none.
    pub(super) fn add_variables(&self, scope: &Scope<'_>, resolution: &mut Resolution) {
        for name in scope.variables() {
            let (Ok(secret), Some(origin)) = (
                secret_reference::variable(name, self.environment),
                self.environment.origin(name),
            ) else {
                continue;
            };
            let provenance = Provenance::Env {
                name: name.to_owned(),
                origin: origin.clone(),
            };
            let looks_like_key = !secret.family_prefix().is_empty();
            if scope.is_portal() && looks_like_key {
                // The same variable serves DashScope, so its name does not tell whom the value is meant for.
                resolution
                    .skipped
                    .push(skipped(provenance, SkipReason::DashScopeKey));
                continue;
            }
            let is_odd = scope.is_dashscope() && !looks_like_key;
            resolution.candidates.push(Candidate {
                caution: is_odd.then_some(Caution::NotKeyShaped),
                ..candidate(scope, Kind::ApiKey, provenance, Ok(secret))
            });
        }
    }
}
