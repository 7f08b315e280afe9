//! One way to a model: host, model id, credential. Made once, used for every call.

use std::sync::Arc;
use std::time::Duration;

use catalog::{
    Catalog, EndpointFamily, KEY_PREFIX_BYTES_MAX, KeyFamily, Plan, Region, ReplyForm, Surface,
};
use config::{AgentId, ProfileId};
use credentials::Secret;
use http::Uri;
use http::header::{HeaderMap, HeaderValue};

use crate::chat_rules::ChatRules;
use crate::failure::Place;
use crate::formats::Format;
use crate::health::Branches;
use crate::upstream_url::{BaseUrl, UrlError, path};

use super::native_formats::NativeFormats;
use super::surfaces::Surfaces;

/// Longest time for the beginning of a stream, or for a whole reply, when the config names none. Model Studio's
/// shared hosts close a request after 600 s.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_mins(10);

/// A host that is ready to be called, without a model yet.
#[derive(Debug, Clone)]
pub struct Target {
    /// Provider id.
    pub provider: Arc<str>,
    /// Base URL.
    pub base: BaseUrl,
    /// Host name.
    pub host: Arc<str>,
    /// What the host speaks.
    pub family: EndpointFamily,
    /// Plan of the host, when it is one of the vendor's.
    pub plan: Option<Plan>,
    /// Region of the host, when it is one of the vendor's.
    pub region: Option<Region>,
    /// Whether streams are asked for usage.
    pub asks_usage: bool,
    /// Longest time for one call.
    pub timeout: Duration,
    /// Headers that the config adds.
    pub extra_headers: HeaderMap,
    models_path: Option<String>,
    surfaces: Arc<Surfaces>,
    native_formats: Arc<NativeFormats>,
    login: Option<Login>,
    renewed: Option<(Arc<str>, StoredProfile)>,
    profile: Option<Arc<StoredProfile>>,
    turn: Turn,
}

/// A stored profile, and who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProfile {
    /// Agent that uses it.
    pub agent: AgentId,
    /// Its id.
    pub id: ProfileId,
}

/// How a credential takes turns with others of its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It has this place in the order that agent or config name.
    Ordered(u16),
    /// It takes turns with those of its rank; lower ranks come first.
    Ranked(u16),
}

/// The credential of a target.
#[derive(Debug, Clone)]
struct Login {
    label: Arc<str>,
    family: KeyFamily,
    secret: Secret,
    header: HeaderValue,
}

/// A target and a model on it.
#[derive(Debug, Clone)]
pub struct Route {
    /// Provider id.
    pub provider: Arc<str>,
    /// Model id as the host knows it.
    pub model: Arc<str>,
    /// Host name.
    pub host: Arc<str>,
    /// Name and fingerprint of the credential, such as `qwen:default (sk-…3f2a)`.
    pub credential: Arc<str>,
    /// URL of chat completions.
    pub chat_url: Uri,
    /// URL of the model list; none when the host has none.
    pub models_url: Option<Uri>,
    /// Whether streams are asked for usage.
    pub asks_usage: bool,
    /// Whether each request is billed; none when that is not known.
    pub is_metered: Option<bool>,
    /// Longest time for one call.
    pub timeout: Duration,
    /// Headers that the config adds.
    pub extra_headers: HeaderMap,
    /// Plan of the host, when it is one of the vendor's.
    pub plan: Option<Plan>,
    /// What the model may be asked in a chat; without rules a request goes out as the client wrote it.
    pub rules: Option<Arc<ChatRules>>,
    /// How the model answers, once that was looked up.
    reply_form: Option<ReplyForm>,
    family: EndpointFamily,
    surfaces: Arc<Surfaces>,
    native_formats: Arc<NativeFormats>,
    login: Option<Login>,
    renewed: Option<StoredProfile>,
    profile: Option<Arc<StoredProfile>>,
    turn: Turn,
    branches: Branches,
}

impl Target {
    /// Creates a target for `base_url`, which decides what is known about the host.
    ///
    /// # Errors
    /// [`UrlError`] when the base URL cannot be used.
    pub fn new(catalog: &Catalog, provider: &str, base_url: &str) -> Result<Self, UrlError> {
        let base = BaseUrl::parse(base_url)?;
        let known = catalog.endpoint_for_url(base.as_str());
        Ok(Self {
            provider: provider.into(),
            host: base.host().into(),
            family: known
                .as_ref()
                .map_or(EndpointFamily::OpenaiCustom, |known| known.family),
            plan: known.as_ref().map(catalog::EndpointMatch::plan),
            region: known.as_ref().map(catalog::EndpointMatch::region),
            // Servers of other vendors mostly report usage when asked, and ignore the option when they do not know it.
            asks_usage: known
                .as_ref()
                .is_none_or(catalog::EndpointMatch::native_streaming_usage),
            timeout: TIMEOUT_DEFAULT,
            extra_headers: HeaderMap::new(),
            models_path: match &known {
                Some(known) => known.endpoint.models_path.clone(),
                None => Some(path::MODELS.to_owned()),
            },
            surfaces: Surfaces::of(catalog, &base).into(),
            native_formats: NativeFormats::of(known.as_ref(), &base)?.into(),
            base,
            login: None,
            renewed: None,
            profile: None,
            turn: Turn::Ordered(0),
        })
    }

    /// Sets the stored profile that the credential comes from, and how it takes turns.
    #[must_use]
    pub fn with_profile(mut self, profile: Option<StoredProfile>, turn: Turn) -> Self {
        self.profile = profile.map(Arc::new);
        self.turn = turn;
        self
    }

    /// Sets the credential that is sent to this host.
    #[must_use]
    pub fn with_secret(mut self, catalog: &Catalog, label: &str, secret: &Secret) -> Self {
        self.login = Login::new(catalog, label, secret);
        self
    }

    /// Sets the login whose access tokens are sent to this host.
    #[must_use]
    pub fn with_renewed(mut self, label: &str, login: StoredProfile) -> Self {
        self.renewed = Some((format!("{label} (login)").into(), login));
        self
    }

    /// Says whether the access token has to be asked for before each call.
    pub fn is_renewed(&self) -> bool {
        self.renewed.is_some()
    }

    /// Returns the credential's name and fingerprint.
    pub fn credential(&self) -> Option<&Arc<str>> {
        let renewed = self.renewed.as_ref().map(|(label, _)| label);
        renewed.or_else(|| self.login.as_ref().map(|login| &login.label))
    }

    /// Returns the route to `model` on this target.
    ///
    /// # Errors
    /// [`UrlError`] when the base URL and the endpoint paths do not make a URL.
    pub fn route(&self, model: &str) -> Result<Route, UrlError> {
        let no_login = || Arc::from("none");
        let chat_url = self.base.join(path::CHAT_COMPLETIONS)?;
        let branches = Branches {
            host: chat_url.authority().map_or("", |host| host.as_str()).into(),
            key: self.key(),
            model: model.into(),
        };
        Ok(Route {
            provider: Arc::clone(&self.provider),
            model: model.into(),
            host: Arc::clone(&self.host),
            credential: self.credential().map_or_else(no_login, Arc::clone),
            chat_url,
            models_url: self
                .models_path
                .as_deref()
                .map(|path| self.base.join(path))
                .transpose()?,
            asks_usage: self.asks_usage,
            is_metered: self.plan.map(Plan::is_metered),
            timeout: self.timeout,
            extra_headers: self.extra_headers.clone(),
            plan: self.plan,
            rules: None,
            reply_form: None,
            family: self.family,
            surfaces: Arc::clone(&self.surfaces),
            native_formats: Arc::clone(&self.native_formats),
            login: self.login.clone(),
            renewed: self.renewed.as_ref().map(|(_, login)| login.clone()),
            profile: self.profile.clone(),
            turn: self.turn,
            branches,
        })
    }

    /// Returns what tells this credential from others. A login keeps its name while its tokens change.
    fn key(&self) -> Arc<str> {
        match (&self.renewed, &self.login) {
            (Some((_, login)), _) => format!("login:{}/{}", login.agent, login.id).into(),
            (None, Some(login)) => login.secret.identity().into(),
            (None, None) => "none".into(),
        }
    }
}

impl Login {
    /// Makes the header once; `None` for a text that no header can hold.
    fn new(catalog: &Catalog, label: &str, secret: &Secret) -> Option<Self> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", secret.expose())).ok()?;
        header.set_sensitive(true);
        let head: String = secret.expose().chars().take(KEY_PREFIX_BYTES_MAX).collect();
        Some(Self {
            label: format!("{label} ({})", secret.mask()).into(),
            family: catalog.key_family(&head),
            secret: secret.clone(),
            header,
        })
    }
}

impl Route {
    /// Returns the login whose access token has to be asked for before a call.
    pub fn renewed(&self) -> Option<&StoredProfile> {
        self.renewed.as_ref()
    }

    /// Returns the stored profile that the credential comes from.
    pub fn profile(&self) -> Option<&StoredProfile> {
        self.profile.as_deref()
    }

    /// Returns the branches of the breaker tree that it is on.
    pub fn branches(&self) -> &Branches {
        &self.branches
    }

    /// Returns how it takes turns with other credentials of its provider.
    pub(crate) fn turn(&self) -> Turn {
        self.turn
    }

    /// Says whether two routes differ in their credential only.
    pub(crate) fn is_same_model(&self, other: &Self) -> bool {
        self.provider == other.provider
            && self.model == other.model
            && self.chat_url == other.chat_url
    }

    /// Returns the same route with an access token in place of the login it comes from.
    #[must_use]
    pub(crate) fn with_access(&self, catalog: &Catalog, token: &Secret) -> Self {
        let login = Login::new(catalog, &self.credential, token);
        Self {
            login,
            renewed: None,
            ..self.clone()
        }
    }

    /// Returns the same route to another model of the host.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        self.model = model.into();
        self.branches.model = Arc::clone(&self.model);
        // What is known of the one model is not known of the other.
        (self.rules, self.reply_form) = (None, None);
        self
    }

    /// Returns the route for a model that cannot be asked for usage in streams.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.asks_usage = false;
        self
    }

    /// Returns the URL of `path`, which starts with a slash, on one of the host's surfaces.
    ///
    /// # Errors
    /// [`UrlError`] when the host does not have that surface.
    pub fn url(&self, surface: Surface, path: &str) -> Result<Uri, UrlError> {
        self.surfaces.url(surface, path)
    }

    /// Returns what the host speaks.
    pub fn family(&self) -> EndpointFamily {
        self.family
    }

    /// Returns the route with what its model may be asked.
    #[must_use]
    pub fn with_rules(mut self, catalog: &Catalog, rules: Arc<ChatRules>) -> Self {
        self.rules = Some(rules);
        self.reply_form = Some(self.reply_form(catalog));
        self
    }

    /// Returns how the model answers on this host.
    pub(crate) fn reply_form(&self, catalog: &Catalog) -> ReplyForm {
        let looked_up = || catalog.reply_form(self.family, &self.model);
        self.reply_form.unwrap_or_else(looked_up)
    }

    /// Returns the URL of `path` where long jobs of this region run, whatever host chats go to.
    ///
    /// # Errors
    /// [`UrlError::NoSuchSurface`] when nothing is known of such a place.
    pub fn jobs_url(&self, path: &str) -> Result<Uri, UrlError> {
        self.surfaces.jobs_url(path)
    }

    /// Returns the URL where the host speaks `format` itself. A login whose tokens are renewed is for chat completions.
    pub(crate) fn native_url(&self, format: Format) -> Option<&Uri> {
        let url = self.native_formats.url(format)?;
        self.renewed.is_none().then_some(url)
    }

    /// Returns the same route with errors read as the surface of `format` says them.
    #[must_use]
    pub(crate) fn speaking(&self, format: Format) -> Self {
        let family = match format {
            Format::Chat => self.family,
            Format::Responses => EndpointFamily::Native,
            Format::Messages => EndpointFamily::Anthropic,
        };
        Self {
            family,
            ..self.clone()
        }
    }

    /// Returns `provider/model`.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }

    /// Returns what the classifier needs to know of this route.
    pub fn place(&self) -> Place {
        let key = self
            .login
            .as_ref()
            .map_or(KeyFamily::Unknown, |login| login.family);
        Place {
            host: Arc::clone(&self.host),
            family: self.family,
            key,
        }
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.login.as_ref().map(|login| &login.header)
    }

    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.login.as_ref().map(|login| &login.secret)
    }
}
