//! Asks the hosts: does the key work here, and if not, where does it belong?

use std::sync::Arc;

use catalog::{Catalog, Endpoint, ErrorClass, KEY_PREFIX_BYTES_MAX, KeyFamily};
use credentials::Secret;
use providers::probe::{self, Verdict};
use providers::{Failure, Upstream};

use super::site::Site;
use super::voice::Voice;
use crate::context::{Context, ReadConfig};
use crate::exit_code::Exit;
use crate::failed::Failed;

/// What is known about the key after the hosts were asked.
#[derive(Debug)]
pub(super) enum Answer {
    /// The key works; the ids of the host's model list, when it has one.
    Works(Vec<String>),
    /// The key belongs to the host, but cannot be used right now.
    WorksLater(Box<Failure>),
    /// The hosts were not asked.
    NotAsked,
}

/// Why a site is not set up.
pub(super) enum Refused {
    /// The key works elsewhere; best place first.
    Elsewhere(Vec<Site>, Failed),
    /// The key works nowhere, or nobody could be asked.
    Nowhere(Failed),
}

impl Refused {
    /// Returns the failure for a person who cannot be asked.
    pub(super) fn into_failed(self) -> Failed {
        match self {
            Self::Elsewhere(_, failed) | Self::Nowhere(failed) => failed,
        }
    }
}

/// What asks the hosts.
pub(super) struct Asker {
    upstream: Arc<Upstream>,
    catalog: Arc<Catalog>,
    voice: Voice,
}

impl Asker {
    /// Makes the way out; nothing is opened yet.
    pub(super) fn new(
        context: &Context,
        config: &ReadConfig,
        voice: Voice,
    ) -> Result<Self, Failed> {
        Ok(Self {
            upstream: Arc::new(context.upstream(&config.environment)?),
            catalog: context.catalog()?,
            voice,
        })
    }

    /// Asks the site's host; when it refuses, the other hosts of the key's family.
    pub(super) async fn ask(&self, site: &Site, key: Option<&Secret>) -> Result<Answer, Refused> {
        if let Some(key) = key {
            self.check_kind(site, key).await?;
        }
        let host = site.host();
        self.voice
            .note(format!("Asking {host} whether the key works …"));
        let route = site.route(&self.catalog, key).map_err(Refused::Nowhere)?;
        match probe::probe(&self.upstream, &route, &site.model).await {
            Verdict::Works(models) => {
                self.voice.note(format!("{host} accepts it"));
                Ok(Answer::Works(models))
            }
            Verdict::WorksLater(failure) => Ok(Answer::WorksLater(Box::new(failure))),
            Verdict::Unknown(failure) => Err(Refused::Nowhere(could_not_ask(&failure))),
            Verdict::Refused(failure) => match key.filter(|_| site.endpoint.is_some()) {
                Some(key) => {
                    let said = format!("this key is refused by {host}");
                    let hint = failure.hint().to_owned();
                    Err(self.elsewhere(site, key, said, Some(hint)).await)
                }
                None => Err(Refused::Nowhere(refused_by_own(site, key, &failure))),
            },
        }
    }

    /// Finds the place of a key of which nothing else is known; best first, never empty.
    pub(super) async fn find(&self, key: &Secret) -> Result<Vec<Site>, Failed> {
        let family = family(&self.catalog, key);
        let hosts: Vec<&Endpoint> = self.catalog.endpoints_for_key(family).collect();
        self.voice.note(format!(
            "Asking {} where the key belongs …",
            match hosts.as_slice() {
                [one] => one.host().to_owned(),
                several => format!("{} hosts", several.len()),
            }
        ));
        let homes = self.homes(key, "").await?;
        if !homes.is_empty() {
            return Ok(homes);
        }
        // None accepted it. One of them is asked again for the reason: refused, or not reachable.
        let Some(first) = hosts.first() else {
            return Err(Failed::new("no host takes keys of this form").exit(Exit::Auth));
        };
        let site = Site::of_endpoint(&self.catalog, first, None)?;
        let route = site.route(&self.catalog, Some(key))?;
        match probe::probe(&self.upstream, &route, &site.model).await {
            Verdict::Works(_) | Verdict::WorksLater(_) => Ok(vec![site]),
            Verdict::Unknown(failure) => Err(could_not_ask(&failure)),
            Verdict::Refused(failure) => Err(refused_by_all(family, &hosts, &failure)),
        }
    }

    /// Asks several sites at once and returns those that accept the key.
    pub(super) async fn accepting(
        &self,
        sites: &[Site],
        key: &Secret,
    ) -> Result<Vec<Site>, Failed> {
        self.voice.note(format!(
            "Asking {} regions for the workspace …",
            sites.len()
        ));
        let mut asking = tokio::task::JoinSet::new();
        for (position, site) in sites.iter().enumerate() {
            let route = site.route(&self.catalog, Some(key))?;
            let (upstream, model) = (Arc::clone(&self.upstream), site.model.clone());
            asking.spawn(async move { (position, probe::probe(&upstream, &route, &model).await) });
        }
        let mut verdicts = asking.join_all().await;
        verdicts.sort_by_key(|(position, _)| *position);
        let accepts =
            |verdict: &Verdict| matches!(verdict, Verdict::Works(_) | Verdict::WorksLater(_));
        let accepted: Vec<Site> = verdicts
            .iter()
            .filter(|(_, verdict)| accepts(verdict))
            .filter_map(|(position, _)| sites.get(*position).cloned())
            .collect();
        if !accepted.is_empty() {
            return Ok(accepted);
        }
        let unknown = verdicts.iter().find_map(|(_, verdict)| match verdict {
            Verdict::Unknown(failure) => Some(could_not_ask(failure)),
            _ => None,
        });
        Err(unknown.unwrap_or_else(|| {
            Failed::new("no region knows this workspace with this key")
                .exit(Exit::Auth)
                .hint("a workspace host takes only keys made in that workspace; check the id")
        }))
    }

    /// Makes one call of one token, as a client would.
    pub(super) async fn one_token(&self, site: &Site, key: &Secret) -> Result<(), Failure> {
        // Cannot fail: the route was made before.
        let Ok(route) = site.route(&self.catalog, Some(key)) else {
            return Ok(());
        };
        probe::one_token(&self.upstream, &route, &site.model).await
    }

    /// Refuses before anything is sent when the key's form shows that the host is not its host: a portal token is never
    /// sent to `DashScope`, and a `DashScope` key never to the portal.
    async fn check_kind(&self, site: &Site, key: &Secret) -> Result<(), Refused> {
        let Some(endpoint) = site
            .endpoint
            .as_deref()
            .and_then(|id| self.catalog.endpoint(id))
        else {
            return Ok(());
        };
        let family = family(&self.catalog, key);
        if family == KeyFamily::Unknown && endpoint.key_family != KeyFamily::Unknown {
            return Err(Refused::Nowhere(not_key_shaped(site)));
        }
        if endpoint.admits(family) {
            return Ok(());
        }
        let said = format!("this key is of another kind than {} takes", site.host());
        let hint = "check that the whole key was copied".to_owned();
        Err(self.elsewhere(site, key, said, Some(hint)).await)
    }

    async fn elsewhere(
        &self,
        site: &Site,
        key: &Secret,
        said: String,
        hint: Option<String>,
    ) -> Refused {
        self.voice
            .note("Asking the hosts that take keys of its kind …");
        let homes = match self
            .homes(key, site.endpoint.as_deref().unwrap_or_default())
            .await
        {
            Ok(homes) => homes,
            Err(failed) => return Refused::Nowhere(failed),
        };
        let Some(first) = homes.first() else {
            let others = "and by every other host that takes keys of its kind";
            let failed = Failed::new(format!("{said} {others}")).exit(Exit::Auth);
            return Refused::Nowhere(failed.maybe_hint(hint));
        };
        let names: Vec<&str> = homes.iter().map(|home| home.name.as_str()).collect();
        let next = first
            .auth_choice
            .as_ref()
            .map(|id| format!("`openclaw onboard --auth-choice {id}`"));
        let failed = Failed::new(format!("{said}; it belongs to {}", names.join(" and ")))
            .exit(Exit::Auth)
            .maybe_hint(next);
        Refused::Elsewhere(homes, failed)
    }

    async fn homes(&self, key: &Secret, except: &str) -> Result<Vec<Site>, Failed> {
        let ids = probe::find_home(&self.upstream, &self.catalog, key, except).await;
        ids.iter()
            .filter_map(|id| self.catalog.endpoint(id))
            .map(|endpoint| Site::of_endpoint(&self.catalog, endpoint, None))
            .collect()
    }
}

fn family(catalog: &Catalog, key: &Secret) -> KeyFamily {
    let head: String = key.expose().chars().take(KEY_PREFIX_BYTES_MAX).collect();
    catalog.key_family(&head)
}

fn not_key_shaped(site: &Site) -> Failed {
    Failed::new(format!(
        "this is no key for {}: those begin with `sk-`",
        site.name
    ))
    .exit(Exit::Auth)
    .hint("a Qwen Portal token belongs to `openclaw onboard --auth-choice qwen-oauth`")
}

fn could_not_ask(failure: &Failure) -> Failed {
    let said = match failure.status {
        Some(status) => format!("it answered {status} {}", failure.message),
        None => failure.message.clone(),
    };
    let failed = Failed::new(format!(
        "{} could not be asked whether the key works: {}",
        failure.host,
        said.trim_end()
    ));
    match failure.class {
        // The host is there and answers; only not to this client.
        ErrorClass::ClientNotAdmitted => failed.exit(Exit::Auth).hint(failure.hint()),
        _ => failed
            .exit(Exit::Network)
            .hint("nothing was written; `--skip-probe` stores the key without asking"),
    }
}

fn refused_by_own(site: &Site, key: Option<&Secret>, failure: &Failure) -> Failed {
    let host = site.host();
    match key {
        Some(_) => Failed::new(format!(
            "this key is refused by {host}: {}",
            failure.client_message()
        ))
        .exit(Exit::Auth),
        None => Failed::new(format!("{host} wants a key: {}", failure.client_message()))
            .exit(Exit::Auth)
            .hint("give it with `--custom-api-key` or `--api-key-stdin`"),
    }
}

fn refused_by_all(family: KeyFamily, hosts: &[&Endpoint], failure: &Failure) -> Failed {
    let names: Vec<&str> = hosts.iter().map(|endpoint| endpoint.host()).collect();
    let failed = Failed::new(format!(
        "this key is refused by every host that takes keys of its kind: {}",
        names.join(", ")
    ))
    .exit(Exit::Auth);
    match family {
        KeyFamily::Unknown => failed
            .hint("keys of Model Studio begin with `sk-`; check that the whole key was copied"),
        KeyFamily::PayAsYouGo => failed.hint(format!(
            "{}; a key of a workspace in Tokyo or Frankfurt needs `--workspace-id`",
            failure.hint()
        )),
        KeyFamily::Plan => failed.hint(failure.hint()),
    }
}
