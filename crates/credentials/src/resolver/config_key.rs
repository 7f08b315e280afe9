//! `models.providers.<id>.apiKey`: in clear, as `${NAME}`, or as a reference.

use config::{SecretInput, Unresolved};

use crate::profile::Kind;
use crate::secret::Secret;
use crate::secret_reference;
use crate::source::{Provenance, Resolution, Unusable};

use super::scope::Scope;
use super::{Resolver, candidate};

impl Resolver<'_> {
    /// Adds the keys that the config holds for the accepted ids.
    pub(super) fn add_config_keys(&self, scope: &Scope<'_>, resolution: &mut Resolution) {
        let blocks = scope
            .accepted
            .iter()
            .filter_map(|id| self.settings.models.provider(id));
        for (block, input) in blocks.filter_map(|block| Some((block, block.api_key.as_ref()?))) {
            let provenance = Provenance::Config {
                path: format!("models.providers.{}.apiKey", block.key),
                file: self.home.config_path().to_owned(),
            };
            let secret = self.configured(input, resolution);
            resolution
                .candidates
                .push(candidate(scope, Kind::ApiKey, provenance, secret));
        }
    }

    fn configured(
        &self,
        input: &SecretInput,
        resolution: &mut Resolution,
    ) -> Result<Secret, Unusable> {
        if let SecretInput::Ref(reference) = input {
            let followed = secret_reference::follow(reference, self.home, self.environment);
            resolution.warnings.extend(followed.warning);
            return followed.secret;
        }
        match input.resolve(self.environment) {
            Ok(text) => Ok(Secret::new(text.expose().trim().to_owned())),
            Err(Unresolved::MissingVariable { name }) => Err(Unusable::MissingVariable { name }),
            Err(Unresolved::UnsupportedSource { source_name }) => {
                Err(Unusable::UnsupportedReference { source_name })
            }
            // The enum may grow; a form that is not known here cannot be followed here.
            Err(_) => Err(Unusable::UnsupportedReference {
                source_name: "unknown",
            }),
        }
    }
}
