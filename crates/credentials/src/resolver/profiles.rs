//! Stored profiles: which are eligible, and in which order.

use std::collections::BTreeSet;

use config::{AuthMode, AuthProfile, ProfileId, ProviderId, SecretRef};

use crate::agent_stores::Found;
use crate::profile::{Credential, Expiry, HeldSecret, Kind, Login, Profile};
use crate::secret::Secret;
use crate::source::{Candidate, Resolution, SkipReason, Skipped, Unusable};

use super::scope::Scope;
use super::{Resolver, candidate, skipped};

/// The profile names of one provider id, and where they come from.
enum Listing {
    /// An order names them; they are tried as named.
    Ordered(Vec<ProfileId>),
    /// The config lists them, or the store holds them; they are tried by kind.
    Unordered(Vec<ProfileId>),
}

impl Resolver<'_> {
    /// Adds the eligible profiles, and a reason for each other profile of the provider.
    pub(super) fn add_profiles(&self, scope: &Scope<'_>, now_ms: u64, resolution: &mut Resolution) {
        let mut seen = BTreeSet::new();
        for (position, provider) in scope.accepted.iter().enumerate() {
            let (names, is_ordered) = match self.listing(provider) {
                Listing::Ordered(names) => (names, true),
                Listing::Unordered(names) => (names, false),
            };
            let mut found = Vec::new();
            for name in names {
                if !seen.insert(name.clone()) {
                    continue;
                }
                found.extend(self.profile_candidate(scope, &name, now_ms, resolution));
            }
            resolution.is_ordered |= is_ordered;
            if !is_ordered {
                found.sort_by_key(|candidate| (candidate.kind, is_expired(candidate)));
            }
            resolution.candidates.append(&mut found);
            // An order of the provider itself is complete: what it does not name is not tried.
            if is_ordered && position == 0 {
                break;
            }
        }
        self.add_unlisted(scope, &seen, resolution);
    }

    /// Returns the names to try for one provider id.
    fn listing(&self, provider: &ProviderId) -> Listing {
        if let Some(order) = self.order(provider) {
            return Listing::Ordered(order.to_vec());
        }
        let listed = self
            .settings
            .auth
            .profiles
            .iter()
            .filter(|entry| entry.provider == *provider);
        let listed: Vec<_> = listed.map(|entry| entry.id.clone()).collect();
        // A list that names nothing stored is left over from another set-up and must not hide what is stored.
        if listed.iter().any(|id| self.stores.find(id).is_some()) {
            return Listing::Unordered(listed);
        }
        let stored = self
            .stores
            .winners()
            .filter(|found| found.profile.provider == *provider);
        Listing::Unordered(
            stored
                .map(|found| found.profile.id.clone())
                .chain(listed)
                .collect(),
        )
    }

    fn order(&self, provider: &ProviderId) -> Option<&[ProfileId]> {
        let stored = self.stores.state().order.get(provider);
        let order = stored
            .map(Vec::as_slice)
            .or_else(|| self.settings.auth.order_of(provider))?;
        (!order.is_empty()).then_some(order)
    }

    /// Returns the profile as a candidate, or notes why it is none.
    fn profile_candidate(
        &self,
        scope: &Scope<'_>,
        name: &ProfileId,
        now_ms: u64,
        resolution: &mut Resolution,
    ) -> Option<Candidate> {
        let Some(found) = self.stores.find(name) else {
            let reason = SkipReason::NotStored;
            resolution.skipped.push(Skipped {
                label: name.to_string(),
                provenance: None,
                reason,
            });
            return None;
        };
        if let Some(reason) = self.ineligibility(scope, found.profile, now_ms) {
            resolution.skipped.push(skipped(found.provenance(), reason));
            return None;
        }
        Some(self.eligible(scope, &found, now_ms, resolution))
    }

    /// Returns why the profile is never tried, if so.
    fn ineligibility(
        &self,
        scope: &Scope<'_>,
        profile: &Profile,
        now_ms: u64,
    ) -> Option<SkipReason> {
        if !scope.accepts(&profile.provider) {
            return Some(SkipReason::OtherProvider {
                provider: profile.provider.clone(),
            });
        }
        let entry = self
            .settings
            .auth
            .profiles
            .iter()
            .find(|entry| entry.id == profile.id);
        if let Some(reason) = entry.and_then(|entry| disagreement(entry, profile)) {
            return Some(reason);
        }
        // No generation of DashScope has had a login: one stored under its name was made at the portal.
        if scope.is_dashscope() && profile.kind() == Kind::OAuth {
            return Some(SkipReason::PortalLogin);
        }
        missing_or_past(profile, now_ms)
    }

    fn eligible(
        &self,
        scope: &Scope<'_>,
        found: &Found<'_>,
        now_ms: u64,
        resolution: &mut Resolution,
    ) -> Candidate {
        let secret = match &found.profile.credential {
            Credential::ApiKey { key } | Credential::Token { token: key, .. } => {
                self.held(key, now_ms, resolution)
            }
            Credential::OAuth(login) => access_token(login, now_ms),
        };
        Candidate {
            expires_at_ms: found.profile.expiry().at_ms(),
            reference: reference_of(found.profile).cloned(),
            ..candidate(scope, found.profile.kind(), found.provenance(), secret)
        }
    }

    fn held(
        &self,
        held: &HeldSecret,
        now_ms: u64,
        resolution: &mut Resolution,
    ) -> Result<Secret, Unusable> {
        match held {
            HeldSecret::Inline(secret) => Ok(secret.clone()),
            HeldSecret::Reference(reference) => {
                let followed = self.references().follow(reference, now_ms);
                resolution.warnings.extend(followed.warning);
                followed.secret
            }
            // `missing_or_past` drops such profiles before.
            HeldSecret::Missing => Err(Unusable::Unsendable),
        }
    }

    /// Gives a reason for each stored profile of the provider that no listing named.
    fn add_unlisted(
        &self,
        scope: &Scope<'_>,
        seen: &BTreeSet<ProfileId>,
        resolution: &mut Resolution,
    ) {
        for found in self
            .stores
            .winners()
            .filter(|found| !seen.contains(&found.profile.id))
        {
            let provider = &found.profile.provider;
            if scope.is_related(provider) {
                resolution.skipped.push(skipped(
                    found.provenance(),
                    self.reason_unlisted(scope, provider),
                ));
            }
        }
        for (found, by) in self
            .stores
            .shadowed()
            .filter(|(found, _)| scope.accepts(&found.profile.provider))
        {
            resolution
                .skipped
                .push(skipped(found.provenance(), SkipReason::Shadowed { by }));
        }
    }

    fn reason_unlisted(&self, scope: &Scope<'_>, provider: &ProviderId) -> SkipReason {
        if !scope.accepts(provider) {
            return SkipReason::OtherProvider {
                provider: provider.clone(),
            };
        }
        let ordered = scope
            .accepted
            .first()
            .into_iter()
            .chain([provider])
            .find(|id| self.order(id).is_some());
        match ordered {
            Some(id) => SkipReason::NotInOrder {
                provider: id.clone(),
            },
            None => SkipReason::NotListed,
        }
    }
}

/// Returns where the profile says its secret is, when it does not hold it.
fn reference_of(profile: &Profile) -> Option<&SecretRef> {
    match &profile.credential {
        Credential::ApiKey { key } | Credential::Token { token: key, .. } => match key {
            HeldSecret::Reference(reference) => Some(reference),
            HeldSecret::Inline(_) | HeldSecret::Missing => None,
        },
        Credential::OAuth(_) => None,
    }
}

/// Returns how the config contradicts the store about a profile, if it does.
fn disagreement(entry: &AuthProfile, profile: &Profile) -> Option<SkipReason> {
    if entry.provider != profile.provider {
        return Some(SkipReason::OtherProvider {
            provider: entry.provider.clone(),
        });
    }
    let agrees = match entry.mode {
        AuthMode::ApiKey => profile.kind() == Kind::ApiKey,
        AuthMode::Token => profile.kind() == Kind::Token,
        // A login may be stored as the bare token that it led to.
        AuthMode::OAuth => profile.kind() != Kind::ApiKey,
        AuthMode::AwsSdk => false,
    };
    (!agrees).then_some(SkipReason::KindMismatch {
        listed: entry.mode,
        stored: profile.kind(),
    })
}

/// Returns why a profile has nothing to send and never will, if so.
fn missing_or_past(profile: &Profile, now_ms: u64) -> Option<SkipReason> {
    let (is_missing, expiry) = match &profile.credential {
        Credential::ApiKey { key } => (*key == HeldSecret::Missing, Expiry::Never),
        Credential::Token { token, expiry } => (*token == HeldSecret::Missing, *expiry),
        // A login that can be refreshed has no last day.
        Credential::OAuth(Login {
            refresh: Some(_), ..
        }) => (false, Expiry::Never),
        Credential::OAuth(Login { access, expiry, .. }) => (access.is_none(), *expiry),
    };
    if is_missing {
        Some(SkipReason::NoSecret)
    } else {
        past(expiry, now_ms)
    }
}

fn past(expiry: Expiry, now_ms: u64) -> Option<SkipReason> {
    match expiry {
        Expiry::Invalid => Some(SkipReason::InvalidExpiry),
        Expiry::AtMs(at_ms) if now_ms >= at_ms => Some(SkipReason::Expired { at_ms }),
        Expiry::AtMs(_) | Expiry::Never => None,
    }
}

/// Returns the access token while it is valid.
fn access_token(login: &Login, now_ms: u64) -> Result<Secret, Unusable> {
    login
        .access
        .clone()
        .filter(|_| !login.expiry.is_past(now_ms))
        .ok_or(Unusable::Expired {
            at_ms: login.expiry.at_ms(),
        })
}

fn is_expired(candidate: &Candidate) -> bool {
    matches!(candidate.secret, Err(Unusable::Expired { .. }))
}
