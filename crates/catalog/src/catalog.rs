//! The catalog: all tables, and the questions they answer.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Error;
use crate::auth_choice::{AuthChoice, ChoiceMatch};
use crate::chat_rule::{self, ChatRule, HostRule, ReplyForm};
use crate::endpoint::{self, Endpoint, EndpointFamily, EndpointMatch};
use crate::failure::{self, Classification, ErrorRow, FailureFacts};
use crate::format::FormatRow;
use crate::key::{self, KeyFamily, KeyPrefix};
use crate::language::Language;
use crate::media::MediaModel;
use crate::model::{self, Availability, KindPattern, Model, ModelKind, ModelRow};
use crate::nearest::nearest;
use crate::oauth::OauthServer;
use crate::plan::{Plan, Region};
use crate::provider::{Provider, Standing};
use crate::sunset::{Sunset, SunsetSubject};
use crate::table::{self, FILES, OverrideFile, Row};
use crate::video::VideoModel;

/// Everything that is known about the service; immutable once built.
#[derive(Debug, Clone)]
pub struct Catalog {
    providers: Vec<Provider>,
    endpoints: Vec<Endpoint>,
    auth_choices: Vec<AuthChoice>,
    keys: Vec<KeyPrefix>,
    models: Vec<Model>,
    kinds: Vec<KindPattern>,
    chat_rules: Vec<ChatRule>,
    host_rules: Vec<HostRule>,
    formats: Vec<FormatRow>,
    errors: Vec<ErrorRow>,
    sunsets: Vec<Sunset>,
    oauth_servers: Vec<OauthServer>,
    videos: Vec<VideoModel>,
    media: Vec<MediaModel>,
    language: Language,
    /// Untyped rows of the tables that were overridden, so that a further file can be laid over them.
    merged: BTreeMap<&'static str, Vec<Value>>,
}

impl Catalog {
    /// Reads the shipped tables.
    ///
    /// # Errors
    /// [`Error::Syntax`] when a shipped file is broken, which the tests of this crate exclude.
    pub fn builtin() -> Result<Self, Error> {
        Ok(Self {
            providers: table::shipped()?,
            endpoints: table::shipped()?,
            auth_choices: table::shipped()?,
            keys: table::shipped()?,
            models: table::shipped()?,
            kinds: table::shipped()?,
            chat_rules: table::shipped()?,
            host_rules: table::shipped()?,
            formats: table::shipped()?,
            errors: table::shipped()?,
            sunsets: table::shipped()?,
            oauth_servers: table::shipped()?,
            videos: table::shipped()?,
            media: table::shipped()?,
            language: Language::English,
            merged: BTreeMap::new(),
        })
    }

    /// Lays the user's files over the tables, in the order given.
    ///
    /// A row with a known `id` replaces the fields it names (objects field by field, lists whole); another `id` is a
    /// new row and goes to the end, in tables where the first match wins (`errors.json5`, `kinds.json5`, `chat_rules.json5`) to the
    /// front.
    ///
    /// # Errors
    /// Any variant of [`Error`]; each names the file, and the row where one is to blame. Nothing is half applied.
    pub fn with_overrides(mut self, files: &[OverrideFile<'_>]) -> Result<Self, Error> {
        for file in files {
            match table_name(file.name) {
                Provider::FILE => self.providers = self.merge(file)?,
                Endpoint::FILE => self.endpoints = self.merge(file)?,
                AuthChoice::FILE => self.auth_choices = self.merge(file)?,
                KeyPrefix::FILE => self.keys = self.merge(file)?,
                Model::FILE => self.models = self.merge(file)?,
                KindPattern::FILE => self.kinds = self.merge(file)?,
                ChatRule::FILE => self.chat_rules = self.merge(file)?,
                HostRule::FILE => self.host_rules = self.merge(file)?,
                FormatRow::FILE => self.formats = self.merge(file)?,
                ErrorRow::FILE => self.errors = self.merge(file)?,
                Sunset::FILE => self.sunsets = self.merge(file)?,
                OauthServer::FILE => self.oauth_servers = self.merge(file)?,
                VideoModel::FILE => self.videos = self.merge(file)?,
                MediaModel::FILE => self.media = self.merge(file)?,
                _ => {
                    return Err(Error::UnknownTable {
                        file: file.name.to_owned(),
                        tables: FILES.join(", "),
                    });
                }
            }
        }
        self.check()?;
        Ok(self)
    }

    /// Returns what the service honours of the formats that its hosts speak besides chat completions.
    pub fn formats(&self) -> &[FormatRow] {
        &self.formats
    }

    /// Lets the atlas explain failures in another language.
    #[must_use]
    pub fn with_language(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// Returns the language in which the atlas explains failures.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Checks that rows point to rows that exist; [`Self::with_overrides`] does it by itself.
    ///
    /// # Errors
    /// [`Error::Row`] for the first row that points nowhere or repeats an id.
    pub fn check(&self) -> Result<(), Error> {
        crate::consistency::check(self)
    }

    /// Returns all providers, in catalog order.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// Returns the provider with this id or alias, case and outer spaces ignored.
    ///
    /// Knows nothing of custom providers; see [`Self::resolve_provider`].
    pub fn provider(&self, id_or_alias: &str) -> Option<&Provider> {
        let text = id_or_alias.trim();
        self.providers
            .iter()
            .find(|provider| provider.answers_to(text))
    }

    /// Returns all endpoints, in catalog order.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Returns the endpoint with this id.
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// Returns the endpoint of a plan in a region; workspace endpoints are patterns.
    pub fn endpoint_of(&self, plan: Plan, region: Region) -> Option<&Endpoint> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.plan == plan && endpoint.region == region)
    }

    /// Iterates over the hosts that a key of this family could belong to, for finding its home by asking them.
    ///
    /// Workspace patterns and trial hosts are left out: the former need an id, the latter open to every Standard key.
    pub fn endpoints_for_key(&self, family: KeyFamily) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(move |endpoint| {
            endpoint.key_family == family
                && !endpoint.is_workspace_pattern()
                && endpoint.plan != Plan::Trial
        })
    }

    /// Recognises a URL as one of the endpoints, by its host.
    ///
    /// Case, trailing dots and slashes, query, fragment and the default port do not matter, and the scheme may be
    /// missing. URLs with user information, odd characters or another port are never recognised.
    pub fn endpoint_for_url(&self, url: &str) -> Option<EndpointMatch<'_>> {
        endpoint::find_by_url(&self.endpoints, url)
    }

    /// Returns all auth choices, in menu order.
    pub fn auth_choices(&self) -> &[AuthChoice] {
        &self.auth_choices
    }

    /// Returns the auth choice with this id, or with this deprecated id.
    pub fn auth_choice(&self, id: &str) -> Option<ChoiceMatch<'_>> {
        let id = id.trim();
        let current = self.auth_choices.iter().find(|choice| choice.id == id);
        let by_old_id = || {
            self.auth_choices
                .iter()
                .find(|choice| choice.deprecated_ids.iter().any(|old| old == id))
        };
        current
            .map(|choice| ChoiceMatch {
                choice,
                deprecated: false,
            })
            .or_else(|| {
                by_old_id().map(|choice| ChoiceMatch {
                    choice,
                    deprecated: true,
                })
            })
    }

    /// Returns the auth choice whose key is given by this flag, with or without its dashes.
    pub fn choice_for_flag(&self, flag: &str) -> Option<&AuthChoice> {
        let name = flag.trim_start_matches('-');
        self.auth_choices.iter().find(|choice| {
            choice
                .flag
                .as_deref()
                .is_some_and(|own| own.trim_start_matches('-') == name)
        })
    }

    /// Returns the auth choice that sets up an endpoint, offered ones only.
    pub fn choice_for_endpoint(&self, endpoint_id: &str) -> Option<&AuthChoice> {
        self.auth_choices.iter().find(|choice| {
            choice.endpoint == endpoint_id
                && matches!(choice.status, Standing::Offered | Standing::Legacy)
        })
    }

    /// Iterates over the chat models to offer on a provider and plan, in catalog order.
    ///
    /// Only models known to answer there: a Coding Plan list has no model that only Standard hosts are known to
    /// serve. Without a plan: those known to answer on any plan of the provider. Media models are never among them.
    pub fn models(
        &self,
        provider: &str,
        plan: Option<Plan>,
    ) -> impl Iterator<Item = ModelRow<'_>> + use<'_> {
        self.all_models(provider, plan).filter(ModelRow::is_offered)
    }

    /// Iterates over every model of a provider, of every kind, with what is known about it on the plan.
    pub fn all_models(
        &self,
        provider: &str,
        plan: Option<Plan>,
    ) -> impl Iterator<Item = ModelRow<'_>> + use<'_> {
        let provider = self.provider(provider);
        self.models
            .iter()
            .filter_map(move |model| model::view(provider?, model, plan))
    }

    /// Iterates over the models of one kind that are known to answer on a provider and plan.
    pub fn models_of_kind(
        &self,
        provider: &str,
        plan: Option<Plan>,
        kind: ModelKind,
    ) -> impl Iterator<Item = ModelRow<'_>> + use<'_> {
        self.all_models(provider, plan).filter(move |row| {
            row.model.kind == kind && row.availability == Availability::Yes && !row.hidden
        })
    }

    /// Returns one model of a provider, whatever its kind and availability.
    ///
    /// An exact id is preferred; otherwise ASCII case is ignored, so that the service's spelling can be used.
    pub fn model(&self, provider: &str, id: &str, plan: Option<Plan>) -> Option<ModelRow<'_>> {
        let provider = self.provider(provider)?;
        let exact = self.models.iter().find(|model| model.id == id);
        let model = exact.or_else(|| {
            self.models
                .iter()
                .find(|model| model.id.eq_ignore_ascii_case(id))
        })?;
        model::view(provider, model, plan)
    }

    /// Returns what a model is for: by its row, else by its name, else chat.
    pub fn model_kind(&self, id: &str) -> ModelKind {
        let row = self
            .models
            .iter()
            .find(|model| model.id.eq_ignore_ascii_case(id));
        let lower = id.to_ascii_lowercase();
        let by_name = || {
            self.kinds
                .iter()
                .find(|kind| kind.fits(&lower))
                .map(|kind| kind.kind)
        };
        row.map(|model| model.kind)
            .or_else(by_name)
            .unwrap_or(ModelKind::Chat)
    }

    /// Returns what a chat request to a model may say on a plan; none when nothing is known of the model.
    pub fn chat_rule(&self, model: &str, plan: Option<Plan>) -> Option<ChatRule> {
        chat_rule::find(&self.chat_rules, model, plan)
    }

    /// Returns the rows about what models may be asked, in the order they are looked through.
    pub fn chat_rules(&self) -> &[ChatRule] {
        &self.chat_rules
    }

    /// Returns the rows about what families of hosts refuse.
    pub fn host_rules(&self) -> &[HostRule] {
        &self.host_rules
    }

    /// Returns how `model` answers on hosts of `family`.
    pub fn reply_form(&self, family: EndpointFamily, model: &str) -> ReplyForm {
        let host = self.host_rules.iter().find(|row| row.id == family.as_str());
        chat_rule::reply_form(&self.chat_rules, host, model)
    }

    /// Returns what hosts of a family refuse; without a row, nothing is known to be refused.
    pub fn host_rule(&self, family: EndpointFamily) -> HostRule {
        let row = self.host_rules.iter().find(|row| row.id == family.as_str());
        row.cloned().unwrap_or_default()
    }

    /// Returns up to `n` model names close to a mistyped one: `provider/id` when it holds a slash, else ids.
    pub fn nearest_models(&self, text: &str, n: usize) -> Vec<String> {
        let chats = self
            .models
            .iter()
            .filter(|model| model.kind == ModelKind::Chat);
        if !text.contains('/') {
            return owned(nearest(text, chats.map(|model| model.id.as_str()), n));
        }
        let keys: Vec<String> = self
            .providers
            .iter()
            .flat_map(|provider| self.models(&provider.id, None))
            .map(|row| row.key())
            .collect();
        owned(nearest(text, keys.iter().map(String::as_str), n))
    }

    /// Returns what the first characters of a key tell; pass no more than [`crate::KEY_PREFIX_BYTES_MAX`] bytes of it.
    pub fn key_family(&self, key_prefix_text: &str) -> KeyFamily {
        key::family_of(&self.keys, key_prefix_text)
    }

    /// Returns the rows of the error atlas, in the order they are asked.
    pub fn error_rows(&self) -> &[ErrorRow] {
        &self.errors
    }

    /// Says what a failure means: the first row of the atlas that fits.
    ///
    /// What no row fits is class `unknown`, blames nothing beyond the request, and shows as not documented.
    pub fn classify(&self, facts: &FailureFacts<'_>) -> Classification<'_> {
        failure::classify(&self.errors, facts, self.language)
    }

    /// Returns the identity servers, in catalog order.
    pub fn oauth_servers(&self) -> &[OauthServer] {
        &self.oauth_servers
    }

    /// Returns the identity server of a provider, which may be given by an alias; none for one that only takes keys.
    pub fn oauth_server(&self, provider: &str) -> Option<&OauthServer> {
        let provider = self.provider(provider)?;
        self.oauth_servers
            .iter()
            .find(|server| server.provider == provider.id)
    }

    /// Returns what the video models take, in catalog order.
    pub fn video_models(&self) -> &[VideoModel] {
        &self.videos
    }

    /// Returns what a video model takes; upper and lower case matter, as to the service.
    pub fn video_model(&self, id: &str) -> Option<&VideoModel> {
        self.videos.iter().find(|model| model.id == id)
    }

    /// Returns what the media models take, in catalog order.
    pub fn media_models(&self) -> &[MediaModel] {
        &self.media
    }

    /// Returns what a media model takes; upper and lower case matter, as to the service.
    pub fn media_model(&self, id: &str) -> Option<&MediaModel> {
        self.media.iter().find(|model| model.id == id)
    }

    /// Returns the sunset table.
    pub fn sunsets(&self) -> &[Sunset] {
        &self.sunsets
    }

    /// Iterates over the sunset rows about one name.
    pub fn sunsets_for(&self, subject: SunsetSubject, name: &str) -> impl Iterator<Item = &Sunset> {
        self.sunsets
            .iter()
            .filter(move |row| row.concerns(subject, name))
    }

    fn merge<R: Row>(&mut self, file: &OverrideFile<'_>) -> Result<Vec<R>, Error> {
        let mut values = match self.merged.remove(R::FILE) {
            Some(values) => values,
            None => table::shipped_values::<R>()?,
        };
        let rows = table::merge(&mut values, file)?;
        self.merged.insert(R::FILE, values);
        Ok(rows)
    }
}

fn table_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}
