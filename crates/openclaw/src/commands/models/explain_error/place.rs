//! Where a pasted error came from: what `--host` says, else a host in the text, else the most likely one.

use catalog::{Catalog, Endpoint, EndpointFamily};

use super::pasted::Pasted;
use crate::context::ReadConfig;

/// How the host became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// `--host` named it.
    Given,
    /// The text names it.
    Found,
    /// Nothing names it.
    Assumed,
}

/// Where an error came from.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// What the endpoint speaks.
    pub(super) family: EndpointFamily,
    /// Host, as far as it is known.
    pub(super) host: Option<String>,
    /// Name of the host for people.
    pub(super) label: Option<String>,
    /// How it became known.
    pub(super) known: Known,
}

impl Place {
    /// Finds the place of an error.
    pub(super) fn of(
        given: Option<&str>,
        pasted: &Pasted,
        catalog: &Catalog,
        config: Option<&ReadConfig>,
    ) -> Self {
        let place = match given {
            Some(given) => Self::given(given, catalog, config),
            None => Self::in_text(&pasted.text, catalog).unwrap_or_else(|| Self::assumed(pasted)),
        };
        place.shaped(pasted)
    }

    fn given(given: &str, catalog: &Catalog, config: Option<&ReadConfig>) -> Self {
        let given = given.trim();
        let configured = config.and_then(|config| {
            let providers = &config.settings.models.providers;
            let provider = providers
                .iter()
                .find(|provider| provider.id.as_str() == given)?;
            provider.base_url.clone()
        });
        if let Some(url) = configured {
            return Self::of_url(&url, Known::Given, catalog)
                .unwrap_or_else(|| Self::foreign(&url));
        }
        let by_provider = || {
            let provider = catalog.provider(given)?;
            catalog.endpoint(&provider.assumed_endpoint)
        };
        match catalog.endpoint(given).or_else(by_provider) {
            Some(endpoint) => Self::of_endpoint(endpoint, Known::Given),
            None => Self::of_url(given, Known::Given, catalog)
                .or_else(|| Self::short(given, catalog))
                .unwrap_or_else(|| Self::foreign(given)),
        }
    }

    /// Understands the first label of a host, such as `coding-intl`, and the plan's own word.
    fn short(given: &str, catalog: &Catalog) -> Option<Self> {
        let fits = |endpoint: &&Endpoint| {
            endpoint.host().split('.').next() == Some(given) || endpoint.plan.as_str() == given
        };
        let endpoint = catalog.endpoints().iter().find(fits)?;
        Some(Self::of_endpoint(endpoint, Known::Given))
    }

    fn in_text(text: &str, catalog: &Catalog) -> Option<Self> {
        let words = text.split(|c: char| {
            !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_' | ':' | '/' | '~')
        });
        words
            .map(|word| word.trim_matches(['.', ':', '/', '-']))
            .filter(|word| word.contains('.'))
            .find_map(|word| Self::of_url(word, Known::Found, catalog))
    }

    fn of_url(url: &str, known: Known, catalog: &Catalog) -> Option<Self> {
        let found = catalog.endpoint_for_url(url)?;
        let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
        Some(Self {
            family: found.family,
            host: bare.split('/').next().map(str::to_owned),
            label: Some(found.endpoint.label.clone()),
            known,
        })
    }

    fn of_endpoint(endpoint: &Endpoint, known: Known) -> Self {
        Self {
            family: endpoint.family,
            host: Some(endpoint.host().to_owned()),
            label: Some(endpoint.label.clone()),
            known,
        }
    }

    fn foreign(name: &str) -> Self {
        Self {
            family: EndpointFamily::OpenaiCustom,
            host: Some(name.to_owned()),
            label: None,
            known: Known::Given,
        }
    }

    /// Guesses by words that only one plan uses; else a Standard host.
    fn assumed(pasted: &Pasted) -> Self {
        let lower = pasted.text.to_ascii_lowercase();
        let holds = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let family = if holds(&["token-plan", "token plan"]) {
            EndpointFamily::OpenaiToken
        } else if holds(&[
            "coding plan",
            "hour allocated",
            "week allocated",
            "month allocated",
        ]) {
            EndpointFamily::OpenaiCoding
        } else if holds(&["qwen-oauth", "qwen-portal", "qwen oauth", "device_code"]) {
            EndpointFamily::Portal
        } else {
            EndpointFamily::OpenaiStandard
        };
        Self {
            family,
            host: None,
            label: None,
            known: Known::Assumed,
        }
    }

    /// Lets the form of the error decide between the surfaces of a Standard host.
    fn shaped(mut self, pasted: &Pasted) -> Self {
        if self.family == EndpointFamily::OpenaiStandard && pasted.is_native {
            self.family = EndpointFamily::Native;
        } else if self.family == EndpointFamily::OpenaiStandard && pasted.is_anthropic {
            self.family = EndpointFamily::Anthropic;
        }
        self
    }
}
