//! Routes to models that do something else than chat.

use std::sync::Arc;

use catalog::{Availability, InputKind, MediaModel, ModelKind};

use super::{Directory, Entry, Route, RouteError, SUGGESTIONS_MAX, Skipped, shown};
use crate::failover::Chain;

impl Directory {
    /// Returns the candidates for a model of `kind`: the one that is named, else the configured one and its fallbacks,
    /// else the first that the keys of this home can use.
    ///
    /// # Errors
    /// [`RouteError`]: the name is not of that kind, or no key includes such a model.
    pub fn media_chain(
        &self,
        name: Option<&str>,
        kind: ModelKind,
    ) -> Result<Arc<Chain>, RouteError> {
        self.media_chain_where(name, kind, |_| true)
    }

    /// As [`Self::media_chain`]; when no model is named or configured, only those that `fits` come into question.
    ///
    /// # Errors
    /// [`RouteError`], as there.
    pub fn media_chain_where(
        &self,
        name: Option<&str>,
        kind: ModelKind,
        fits: impl Fn(&MediaModel) -> bool,
    ) -> Result<Arc<Chain>, RouteError> {
        let models = match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => vec![name.to_owned()],
            None => self.media_models(kind, &fits)?,
        };
        let (mut routes, mut skipped, mut first_error) = (Vec::new(), Vec::new(), None);
        for model in models {
            match self.media_routes(&model, kind) {
                Ok(found) => routes.extend(found),
                Err(error) => {
                    let reason = error.to_string();
                    skipped.push(Skipped { model, reason });
                    first_error.get_or_insert(error);
                }
            }
        }
        let routes = routes.into_iter().map(Arc::new).collect();
        Chain::new(routes, skipped)
            .map(Arc::new)
            .ok_or_else(|| first_error.unwrap_or_else(|| none_of(kind)))
    }

    /// Returns the candidates of `chain` that take all of `needed`; when none does, those this home looks with.
    ///
    /// # Errors
    /// [`RouteError::CannotSee`] with the reason why there is none of these either.
    pub fn seeing(
        &self,
        chain: &Arc<Chain>,
        needed: &[InputKind],
    ) -> Result<Arc<Chain>, RouteError> {
        if needed.is_empty() || chain.routes().all(|route| self.sees(route, needed)) {
            return Ok(Arc::clone(chain));
        }
        let (seeing, blind): (Vec<_>, Vec<_>) = chain
            .routes()
            .cloned()
            .partition(|route| self.sees(route, needed));
        let kinds: Vec<&str> = needed.iter().map(|kind| kind.as_str()).collect();
        let kinds = kinds.join(" and ");
        let skipped = blind.iter().map(|route| Skipped {
            model: route.reference(),
            reason: format!("it does not take {kinds} input"),
        });
        if let Some(chain) = Chain::new(seeing, skipped.collect()) {
            return Ok(Arc::new(chain));
        }
        let with_eyes = self.media_chain(None, ModelKind::Vision);
        with_eyes.map_err(|error| RouteError::CannotSee {
            model: chain.first().reference(),
            kinds,
            reason: error.to_string(),
        })
    }

    /// Says whether a model takes all of `needed`. One that nobody knows is the upstream's to judge.
    fn sees(&self, route: &Route, needed: &[InputKind]) -> bool {
        let entry = self
            .providers
            .iter()
            .find(|entry| entry.id == *route.provider);
        let listed =
            entry.and_then(|entry| entry.models.iter().find(|model| model.id == *route.model));
        if let Some(listed) = listed.filter(|listed| listed.says_input) {
            let takes = |kind: &InputKind| listed.input.iter().any(|input| input == kind.as_str());
            return needed.iter().all(takes);
        }
        let known = self
            .catalog
            .model(&route.provider, &route.model, route.plan);
        known.is_none_or(|row| needed.iter().all(|kind| row.input().contains(kind)))
    }

    /// Returns the models that are asked when none is named.
    fn media_models(
        &self,
        kind: ModelKind,
        fits: &impl Fn(&MediaModel) -> bool,
    ) -> Result<Vec<String>, RouteError> {
        let is_fit = |model: &str| {
            let id = model.rsplit('/').next().unwrap_or(model);
            self.catalog.media_model(id).is_none_or(fits)
        };
        let configured = self.media_choices.iter().find(|(known, _)| *known == kind);
        if let Some((_, choice)) = configured
            && let Some(primary) = &choice.primary
            && is_fit(primary)
        {
            let mut models = vec![primary.clone()];
            models.extend(choice.fallbacks.iter().cloned());
            return Ok(models);
        }
        let usable = self
            .providers
            .iter()
            .filter(|entry| entry.problem.is_none());
        let mut found = usable.filter_map(|entry| self.first_of(entry, kind, fits));
        match found.next() {
            Some(model) => Ok(vec![model]),
            None => Err(self.why_none(kind)),
        }
    }

    fn first_of(
        &self,
        entry: &Entry,
        kind: ModelKind,
        fits: &impl Fn(&MediaModel) -> bool,
    ) -> Option<String> {
        let plan = entry.targets.first()?.plan;
        let mut rows = self.catalog.models_of_kind(&entry.id, plan, kind);
        let fitting = rows.find(|row| self.catalog.media_model(row.id()).is_none_or(fits));
        Some(format!("{}/{}", entry.id, fitting?.id()))
    }

    /// Returns why no model of `kind` can be used: there is no key at all, or no key of a plan that includes one.
    fn why_none(&self, kind: ModelKind) -> RouteError {
        let serves = |entry: &&Entry| {
            let mut rows = self.catalog.models_of_kind(&entry.id, None, kind);
            rows.next().is_some()
        };
        let problem = |entry: &Entry| entry.problem.clone();
        let mut problems = self.providers.iter().filter(serves).filter_map(problem);
        problems.next().unwrap_or_else(|| none_of(kind))
    }

    fn media_routes(&self, name: &str, kind: ModelKind) -> Result<Vec<Route>, RouteError> {
        let routes = self.find_model(name)?;
        let mut refused = None;
        let mut fits = Vec::new();
        for route in routes {
            match self.check_media(name, &route, kind) {
                Ok(()) => fits.push(route),
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        match refused {
            Some(error) if fits.is_empty() => Err(error),
            _ => Ok(fits),
        }
    }

    /// Checks what is known of the model. One that nobody knows is the upstream's to judge.
    fn check_media(&self, name: &str, route: &Route, kind: ModelKind) -> Result<(), RouteError> {
        let catalog = &self.catalog;
        let row = catalog.model(&route.provider, &route.model, route.plan);
        let is = row.map(|row| row.model.kind);
        if let Some(is) = is.filter(|is| !does(*is, kind, row.map_or(&[], |row| row.input()))) {
            let rows = catalog.models_of_kind(&route.provider, route.plan, kind);
            let others = rows.take(SUGGESTIONS_MAX).map(|row| row.key()).collect();
            return Err(RouteError::WrongKind {
                text: shown(name),
                is: with_article(is),
                wanted: with_article(kind),
                others,
            });
        }
        let refused = row.is_some_and(|row| row.availability == Availability::No);
        match route.plan {
            Some(plan) if refused => Err(RouteError::NotOnPlan {
                model: shown(name),
                plan: plan.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// Says whether a model of the kind `is` does what `wanted` models do: chat models that see do what vision models do.
fn does(is: ModelKind, wanted: ModelKind, input: &[catalog::InputKind]) -> bool {
    let sees = matches!(is, ModelKind::Chat | ModelKind::Omni)
        && input.contains(&catalog::InputKind::Image);
    is == wanted || (wanted == ModelKind::Vision && sees)
}

fn none_of(kind: ModelKind) -> RouteError {
    RouteError::NoneOfKind {
        wanted: with_article(kind),
    }
}

fn with_article(kind: ModelKind) -> String {
    let article = match kind {
        ModelKind::Embedding | ModelKind::Image | ModelKind::Omni => "an",
        _ => "a",
    };
    format!("{article} {kind}")
}
