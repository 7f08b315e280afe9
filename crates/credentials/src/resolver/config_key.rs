//! `models.providers.<id>.apiKey`: in clear, as `${NAME}`, or as a reference.

use config::SecretInput;

use crate::profile::Kind;
use crate::source::{Candidate, Provenance, Resolution};

use super::scope::Scope;
use super::{Resolver, candidate};

impl Resolver<'_> {
    /// Adds the keys that the config holds for the accepted ids.
    pub(super) fn add_config_keys(
        &self,
        scope: &Scope<'_>,
        now_ms: u64,
        resolution: &mut Resolution,
    ) {
        let blocks = scope
            .accepted
            .iter()
            .filter_map(|id| self.settings.models.provider(id));
        for (block, input) in blocks.filter_map(|block| Some((block, block.api_key.as_ref()?))) {
            let provenance = Provenance::Config {
                path: format!("models.providers.{}.apiKey", block.key),
                file: self.home.config_path().to_owned(),
            };
            let followed = self.references().resolve_with_warning(input, now_ms);
            resolution.warnings.extend(followed.warning);
            let reference = match input {
                SecretInput::Ref(reference) => Some(reference.clone()),
                SecretInput::Plain(_) | SecretInput::EnvTemplate(_) => None,
            };
            resolution.candidates.push(Candidate {
                reference,
                ..candidate(scope, Kind::ApiKey, provenance, followed.secret)
            });
        }
    }
}
