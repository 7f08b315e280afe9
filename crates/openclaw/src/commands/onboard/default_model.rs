//! Which model is the default afterwards: the person's own choice stays as long as it can be used.

use catalog::{Availability, CalendarDay, Catalog, ResolvedRef, Sunset, SunsetSubject};
use config::Settings;
use providers::Directory;

use super::Desk;
use super::site::Site;
use crate::failed::Failed;

/// What happens to the default model, and what else in the config points nowhere.
#[derive(Debug)]
pub(super) struct DefaultModel {
    /// The default model afterwards, as it is or will be written.
    pub(super) reference: String,
    /// Why it changes; none when it stays.
    pub(super) change: Option<String>,
    /// What the person should know about the models in use.
    pub(super) warnings: Vec<String>,
}

/// Decides for a site, on the config as it was read.
pub(super) fn decide(desk: &Desk<'_>, site: &Site) -> Result<DefaultModel, Failed> {
    let survey = Survey {
        catalog: &desk.catalog,
        settings: &desk.config.settings,
        directory: desk.context.directory(desk.config)?,
        today: today(),
        site,
    };
    let own = survey.settings.agents.defaults.model.primary.clone();
    let change = match &own {
        None => Some("none was set".to_owned()),
        Some(own) if *own == site.default_ref() => None,
        Some(own) if desk.args.set_default => Some(format!("instead of {own}: `--set-default`")),
        Some(own) => survey
            .why_unusable(own)
            .map(|why| format!("instead of {own}: {why}")),
    };
    let mut warnings = survey.dead_references();
    let reference = match (&change, own) {
        (None, Some(own)) => {
            warnings.extend(survey.not_on_plan(&own));
            own
        }
        _ => site.default_ref(),
    };
    Ok(DefaultModel {
        reference,
        change,
        warnings,
    })
}

struct Survey<'a> {
    catalog: &'a Catalog,
    settings: &'a Settings,
    directory: Directory,
    today: Option<CalendarDay>,
    site: &'a Site,
}

impl Survey<'_> {
    /// Says why a reference cannot be used, also after this set-up; none when it can.
    fn why_unusable(&self, reference: &str) -> Option<String> {
        if let Some(sunset) = self.sunset(reference) {
            return Some(sunset.text.clone());
        }
        if self.model_on_site(reference).is_some() {
            return None;
        }
        self.directory
            .chain(reference)
            .err()
            .map(|error| error.to_string())
    }

    fn sunset(&self, reference: &str) -> Option<&Sunset> {
        let (provider, _) = self.target(reference).split_once('/')?;
        let today = self.today?;
        self.catalog
            .sunsets_for(SunsetSubject::Provider, provider)
            .find(|sunset| sunset.has_come(today))
    }

    /// Follows an alias of the config.
    fn target<'t>(&'t self, reference: &'t str) -> &'t str {
        self.settings
            .agents
            .defaults
            .models
            .iter()
            .find(|model| model.alias.as_deref() == Some(reference))
            .map_or(reference, |model| &model.reference)
    }

    /// Returns the model id, when the reference means a model of the site's provider.
    fn model_on_site(&self, reference: &str) -> Option<String> {
        let custom: Vec<&str> = self
            .settings
            .models
            .providers
            .iter()
            .map(|provider| provider.id.as_str())
            .chain([self.site.provider.as_str()])
            .collect();
        let models = match self
            .catalog
            .resolve_ref(self.target(reference), &custom, &[])
        {
            ResolvedRef::One { model, .. } => vec![model],
            ResolvedRef::Several(models) => models,
            ResolvedRef::NoSuchModel { .. } | ResolvedRef::NoSuchProvider { .. } => Vec::new(),
        };
        models
            .into_iter()
            .find(|model| model.provider == self.site.provider.as_str())
            .map(|model| model.model)
    }

    /// A default that stays may be one that the new plan does not serve.
    fn not_on_plan(&self, reference: &str) -> Option<String> {
        let id = self.model_on_site(reference)?;
        let row = self
            .catalog
            .model(self.site.provider.as_str(), &id, self.site.plan)?;
        (row.availability != Availability::Yes).then(|| {
            format!(
                "the default model stays {reference}, which is not known to work on {}; `openclaw models set {}` changes it",
                self.site.name,
                self.site.default_ref()
            )
        })
    }

    /// Finds what else points to a model that cannot be used, with the command that repairs it.
    fn dead_references(&self) -> Vec<String> {
        let defaults = &self.settings.agents.defaults;
        let image = defaults.image_model.primary.iter().filter_map(|reference| {
            let why = self.why_unusable(reference)?;
            let next = self.image_model()?;
            Some(format!(
                "the image model is {reference}: {why}; `openclaw config set agents.defaults.imageModel.primary {next}` changes it"
            ))
        });
        let fallbacks = defaults.model.fallbacks.iter().filter_map(|reference| {
            let sunset = self.sunset(reference)?;
            Some(format!(
                "the fallback {reference} is dead: {}; `openclaw models fallbacks remove {reference}` removes it",
                sunset.text
            ))
        });
        image.chain(fallbacks).collect()
    }

    /// Returns a model of the site that looks at images; the default one if it does.
    fn image_model(&self) -> Option<String> {
        let sees = |row: &&catalog::ConfigModelRow| row.input.contains(&catalog::InputKind::Image);
        let rows = &self.site.rows;
        let row = rows
            .iter()
            .filter(sees)
            .find(|row| row.id == self.site.model)
            .or_else(|| rows.iter().find(sees))?;
        Some(format!("{}/{}", self.site.provider, row.id))
    }
}

fn today() -> Option<CalendarDay> {
    let now = jiff::Timestamp::now().to_string();
    now.get(..10)?.parse().ok()
}
