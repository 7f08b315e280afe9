//! What every command starts from: the home, the environment, the config, the catalog. Read once, never written.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use catalog::{Catalog, Language, OverrideFile, Plan};
use config::{
    AgentId, ConfigStore, ConfigText, DotenvReport, Environment, Home, HomeOptions, Problem,
    Settings, Severity, WriteOrigin,
};
use credentials::oauth::LoginStore;
use credentials::{Programs, References, Resolver};
use providers::discovery::ModelLists;
use providers::health::{self, Rules};
use providers::http_client::{HttpClient, NetworkSettings};
use providers::{Directory, Health, Upstream};

use crate::cli::Global;
use crate::failed::Failed;
use crate::model_lists::ModelListFile;
use crate::output::Output;

/// The situation a command runs in.
pub(crate) struct Context {
    pub(crate) out: Output,
    pub(crate) home: Home,
    pub(crate) environment: Environment,
    process: Environment,
    cwd: PathBuf,
    catalog: OnceLock<Arc<Catalog>>,
}

/// The config as read: exact text, meaning, problems.
pub(crate) struct ReadConfig {
    pub(crate) store: ConfigStore,
    pub(crate) text: ConfigText,
    pub(crate) settings: Settings,
    pub(crate) problems: Vec<Problem>,
    pub(crate) exists: bool,
    /// Variables of process, `.env` files and config together.
    pub(crate) environment: Environment,
}

impl Context {
    /// Finds the home and reads the `.env` files.
    pub(crate) fn new(
        global: &Global,
        process: Environment,
        cwd: PathBuf,
        out: Output,
    ) -> Result<Self, Failed> {
        let options = HomeOptions {
            profile: global.profile.clone(),
            dev: global.dev,
        };
        let home = Home::resolve(&process, &options)?;
        let (environment, reports) = process.clone().load(&cwd, &home, None)?;
        for report in reports {
            for bad in &report.bad_lines {
                out.warn(format!(
                    "{}:{}: {}",
                    report.path.display(),
                    bad.line,
                    bad.why
                ));
            }
        }
        Ok(Self {
            out,
            home,
            environment,
            process,
            cwd,
            catalog: OnceLock::new(),
        })
    }

    /// Reads everything again, as the files are now.
    pub(crate) fn reread(&self) -> Result<Self, Failed> {
        let (environment, _) = self.process.clone().load(&self.cwd, &self.home, None)?;
        Ok(Self {
            out: self.out,
            home: self.home.clone(),
            environment,
            process: self.process.clone(),
            cwd: self.cwd.clone(),
            catalog: OnceLock::new(),
        })
    }

    /// Returns the `.env` files that may be there.
    pub(crate) fn dotenv_paths(&self) -> [PathBuf; 2] {
        [self.cwd.join(".env"), self.home.dotenv_path()]
    }

    /// Returns the same situation in another home, with other variables; for the demo.
    pub(crate) fn in_home(out: Output, process: Environment, cwd: &Path) -> Result<Self, Failed> {
        let home = Home::resolve(&process, &HomeOptions::default())?;
        Ok(Self {
            out,
            home,
            environment: process.clone(),
            process,
            cwd: cwd.to_owned(),
            catalog: OnceLock::new(),
        })
    }

    /// Returns the catalog: shipped data and what the home adds.
    pub(crate) fn catalog(&self) -> Result<Arc<Catalog>, Failed> {
        if let Some(catalog) = self.catalog.get() {
            return Ok(Arc::clone(catalog));
        }
        let folder = self.home.catalog_dir();
        let mut texts = Vec::new();
        for &name in catalog::TABLE_FILES {
            let path = folder.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => texts.push((name, text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Failed::new(format!(
                        "cannot read {}: {error}",
                        self.home.display(&path)
                    )));
                }
            }
        }
        let locale = self.environment.get(config::env_var::LOCALE);
        let language = Language::of_locale(locale.unwrap_or_default());
        let catalog = Catalog::builtin()?.with_language(language);
        let files: Vec<OverrideFile<'_>> = texts
            .iter()
            .map(|(name, contents)| OverrideFile { name, contents })
            .collect();
        let catalog = if files.is_empty() {
            catalog
        } else {
            catalog.with_overrides(&files).map_err(|error| {
                Failed::of(&error).hint(format!("the file is in {}", self.home.display(&folder)))
            })?
        };
        Ok(Arc::clone(self.catalog.get_or_init(|| Arc::new(catalog))))
    }

    /// Reads the config; a missing file is an empty config.
    pub(crate) fn config(&self) -> Result<ReadConfig, Failed> {
        self.try_config()?.map_err(Failed::of_config)
    }

    /// Reads the config, and keeps the reason apart when its text is at fault.
    pub(crate) fn try_config(&self) -> Result<Result<ReadConfig, config::Error>, Failed> {
        let store = ConfigStore::new(&self.home, &self.environment);
        let loaded = match store.load() {
            Ok(loaded) => loaded,
            Err(error) => return Ok(Err(error)),
        };
        let exists = loaded.text.is_some();
        let text = loaded.text_or_new();
        let (settings, problems) = Settings::read(&text);
        let (environment, _) = self
            .process
            .clone()
            .load(&self.cwd, &self.home, Some(&settings))?;
        Ok(Ok(ReadConfig {
            store,
            text,
            settings,
            problems,
            exists,
            environment,
        }))
    }

    /// Returns what the `.env` files of this situation hold.
    pub(crate) fn dotenv_reports(&self) -> Result<Vec<DotenvReport>, Failed> {
        let loaded = self.process.clone().load(&self.cwd, &self.home, None)?;
        Ok(loaded.1)
    }

    /// Brings the login of Qwen Code up to date here, or ours there: the newer one wins. Only for commands that are about
    /// to call a model; those that only show something must not write.
    pub(crate) fn synchronise_logins(&self, config: &ReadConfig) -> Result<(), Failed> {
        let catalog = self.catalog()?;
        let is_portal = |provider: &config::ProviderSettings| {
            let url = provider.base_url.as_deref().unwrap_or_default();
            let host = catalog.endpoint_for_url(url);
            host.is_some_and(|host| host.plan() == Plan::Portal)
        };
        if config.settings.models.providers.iter().any(is_portal)
            && let Err(error) = LoginStore::new(&self.home).sync_qwen_code()
        {
            self.out.warn(Failed::from(error).message);
        }
        Ok(())
    }

    /// Returns what models exist for this home and how each is reached.
    pub(crate) fn directory(&self, config: &ReadConfig) -> Result<Directory, Failed> {
        self.directory_with(config, Programs::Run)
    }

    /// The same; `programs` says whether those that give secrets are started.
    pub(crate) fn directory_with(
        &self,
        config: &ReadConfig,
        programs: Programs,
    ) -> Result<Directory, Failed> {
        let catalog = self.catalog()?;
        let lists = ModelListFile::of(&self.home).read();
        // It is a cache: without it the shipped data holds.
        let lists = lists.unwrap_or_else(|failed| {
            self.out.warn(failed.message);
            ModelLists::default()
        });
        // What cannot be read teaches nothing; `models status` says why it cannot.
        let breakers = health::read(&self.home).unwrap_or_default();
        let directory_of = |agent: &AgentId| {
            let resolver = self.resolver_of(config, &catalog, agent);
            let resolver = resolver.with_programs(programs);
            let catalog = Arc::clone(&catalog);
            Directory::build(catalog, &config.settings, &resolver, now_ms())
                .with_lists(&lists)
                .with_refusals(&breakers)
        };
        let entries = &config.settings.agents.entries;
        let apart = entries.iter().map(|entry| &entry.id).filter(|agent| {
            let folder = self.home.agent_dir(agent);
            let has = |name: &str| folder.join(name).exists();
            **agent != AgentId::main()
                && (has(credentials::FILE_NAME) || has(credentials::STATE_FILE_NAME))
        });
        Ok(
            apart.fold(directory_of(&AgentId::main()), |directory, agent| {
                directory.with_agent_apart(agent.as_str(), directory_of(agent))
            }),
        )
    }

    /// Returns what follows the references of the config to the secrets themselves.
    pub(crate) fn references<'a>(&'a self, config: &'a ReadConfig) -> References<'a> {
        let secrets = &config.settings.secrets;
        References::new(&self.home, &config.environment, secrets, Programs::Run)
    }

    /// Returns what finds credentials for the main agent.
    pub(crate) fn resolver<'a>(
        &'a self,
        config: &'a ReadConfig,
        catalog: &'a Catalog,
    ) -> Resolver<'a> {
        self.resolver_of(config, catalog, &AgentId::main())
    }

    fn resolver_of<'a>(
        &'a self,
        config: &'a ReadConfig,
        catalog: &'a Catalog,
        agent: &AgentId,
    ) -> Resolver<'a> {
        Resolver::new(
            &self.home,
            &config.environment,
            &config.settings,
            catalog,
            agent,
        )
    }

    /// Returns the way out to upstreams, with proxies and roots as the environment says.
    pub(crate) fn upstream(&self, environment: &Environment) -> Result<Upstream, Failed> {
        let upstream = Upstream::new(self.catalog()?, network_settings(environment));
        Ok(upstream.with_logins(&self.home, Arc::new(now_ms))?)
    }

    /// Returns the way out for requests that choose among candidates: it remembers who failed, for all processes of the
    /// home.
    pub(crate) fn routed_upstream(&self, config: &ReadConfig) -> Result<Upstream, Failed> {
        self.routed(config, None)
    }

    /// Returns the same for a process that has one already.
    pub(crate) fn routed_upstream_after(
        &self,
        config: &ReadConfig,
        old: &Upstream,
    ) -> Result<Upstream, Failed> {
        self.routed(config, Some(old))
    }

    fn routed(&self, config: &ReadConfig, old: Option<&Upstream>) -> Result<Upstream, Failed> {
        let (rules, unknown) = Rules::of(&config.settings);
        for word in unknown {
            let warning = format!("`{word}` in `routing` is no failure class and means nothing");
            self.out.warn(warning);
        }
        let health = Health::new(rules, Arc::new(now_ms)).shared_in(&self.home);
        let network = network_settings(&config.environment);
        let upstream = Upstream::new(self.catalog()?, network).with_health(health);
        let upstream = match old {
            Some(old) => upstream.taking_over(old),
            None => upstream,
        };
        Ok(upstream.with_logins(&self.home, Arc::new(now_ms))?)
    }

    /// Returns the client for calls that are not to an upstream, such as logins.
    pub(crate) fn http_client(environment: &Environment) -> HttpClient {
        HttpClient::new(network_settings(environment))
    }

    /// Returns where the gateway logs.
    pub(crate) fn log_path(&self) -> Result<PathBuf, Failed> {
        let config = self.config()?;
        log_path(&self.home, &config.settings)
    }

    /// Returns who writes, for the audit log: the command words only, since arguments can be secrets.
    pub(crate) fn write_origin(words: &[&str]) -> WriteOrigin {
        WriteOrigin {
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            at: jiff::Timestamp::now().to_string(),
        }
    }

    /// Returns the port of the gateway: environment, config, default.
    pub(crate) fn gateway_port(&self, config: &ReadConfig) -> u16 {
        let from_env = config
            .environment
            .get(config::env_var::GATEWAY_PORT)
            .and_then(|port| port.trim().parse().ok());
        from_env
            .or(config.settings.gateway.port)
            .unwrap_or_else(|| self.home.default_port())
    }
}

impl ReadConfig {
    /// Tells the person about the problems that matter for any command; `config validate` shows all.
    pub(crate) fn warn_about_errors(&self, out: Output) {
        for problem in self
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
        {
            out.warn(problem.one_line());
        }
    }
}

impl Failed {
    /// Turns an unreadable config into one line with its place, the source line, and a hint.
    pub(crate) fn of_config(error: config::Error) -> Self {
        let excerpt = match &error {
            config::Error::Parse(parse) => Some(parse.excerpt().to_string()),
            _ => None,
        };
        let failed = Self::from(error);
        match excerpt {
            Some(excerpt) => failed.excerpt(excerpt),
            None => failed,
        }
    }
}

/// Returns the log file: `logging.file`, or `logs/openclaw.log` in the home.
pub(crate) fn log_path(home: &Home, settings: &Settings) -> Result<PathBuf, Failed> {
    match &settings.logging.file {
        Some(file) => Ok(home.expand(file)?),
        None => Ok(home.log_dir().join("openclaw.log")),
    }
}

pub(crate) fn network_settings(environment: &Environment) -> NetworkSettings {
    let first = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| environment.path_var(name))
            .map(str::to_owned)
    };
    NetworkSettings {
        https_proxy: first([config::env_var::HTTPS_PROXY, "https_proxy"]),
        no_proxy: first([config::env_var::NO_PROXY, "no_proxy"]),
        extra_roots: environment
            .path_var(config::env_var::SSL_CERT_FILE)
            .map(PathBuf::from),
        loopback_media: environment.is_on(config::env_var::MEDIA_ALLOW_LOOPBACK),
    }
}

/// Returns the time in Unix milliseconds, as the stores count.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}
