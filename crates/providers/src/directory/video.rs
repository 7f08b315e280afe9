//! Routes to models that make videos. They run where the region's long jobs run, whatever host chats go to, and are paid
//! for by a Standard or Token Plan key.

use std::sync::Arc;

use catalog::{Availability, KeyFamily, ModelKind, Plan};

use super::{Directory, Route, RouteError, shown};

impl Directory {
    /// Returns the models to try, in order: the one that is named, else the configured one and its fallbacks, else the
    /// service's usual one.
    pub fn video_models(&self, name: Option<&str>) -> Vec<String> {
        if let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) {
            return vec![name.to_owned()];
        }
        let configured = &self.video_model;
        let mut models: Vec<String> = configured.primary.iter().cloned().collect();
        models.extend(configured.fallbacks.iter().cloned());
        models.dedup();
        if models.is_empty() {
            models.extend(self.usual_video_model());
        }
        models
    }

    /// Returns the routes to a video model, one per credential that can pay for it.
    ///
    /// # Errors
    /// [`RouteError`]; [`RouteError::NoVideo`] when the keys there are belong to a plan without videos.
    pub fn video_routes(&self, name: &str) -> Result<Vec<Arc<Route>>, RouteError> {
        let routes = self.find_model(name)?;
        if let Some(route) = routes.first()
            && self.catalog.model_kind(&route.model) != ModelKind::Video
        {
            return Err(wrong_kind(&self.catalog, name, route));
        }
        let (paying, refused): (Vec<Route>, Vec<Route>) = routes
            .into_iter()
            .partition(|route| self.pays_for_videos(route));
        match refused.first() {
            Some(route) if paying.is_empty() => Err(RouteError::NoVideo {
                provider: route.provider.to_string(),
                credential: route.credential.to_string(),
            }),
            _ => Ok(paying.into_iter().map(Arc::new).collect()),
        }
    }

    fn pays_for_videos(&self, route: &Route) -> bool {
        let is_plan_key = route.place().key == KeyFamily::Plan;
        match route.plan {
            Some(Plan::Portal) => false,
            Some(Plan::Token) => {
                let row = self
                    .catalog
                    .model(&route.provider, &route.model, Some(Plan::Token));
                row.is_none_or(|row| row.availability != Availability::No)
            }
            // A Coding Plan host is only where chats go; a key of another family pays at the region's own host.
            Some(Plan::Coding | Plan::Standard | Plan::Workspace | Plan::Trial) => !is_plan_key,
            None => true,
        }
    }

    fn usual_video_model(&self) -> Option<String> {
        let usual = |id: &str| {
            let known = self.catalog.provider(id)?;
            let model = known.default_video_model.as_ref()?;
            Some(format!("{id}/{model}"))
        };
        let mut usable = self
            .usable_providers()
            .filter_map(|provider| usual(provider.id));
        let mut known = self
            .catalog
            .providers()
            .iter()
            .filter_map(|known| usual(&known.id));
        usable.next().or_else(|| known.next())
    }
}

fn wrong_kind(catalog: &catalog::Catalog, name: &str, route: &Route) -> RouteError {
    let others = catalog.video_models().iter();
    RouteError::WrongKind {
        text: shown(name),
        is: format!("a {}", catalog.model_kind(&route.model)),
        wanted: "a video".to_owned(),
        others: others
            .map(|model| format!("{}/{}", route.provider, model.id))
            .collect(),
    }
}
