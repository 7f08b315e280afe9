//! What a service manager has to know about the gateway of a home; each manager's own file is made from it.

use std::path::{Path, PathBuf};

use config::{SecretPlace, env_var};

use crate::cli::Global;
use crate::context::{Context, ReadConfig, log_path};
use crate::failed::Failed;

/// The variables that say where a home is. They are no secrets and stand in the service's own file.
const PLACES: [&str; 7] = [
    env_var::OPENCLAW_HOME,
    env_var::STATE_DIR,
    env_var::CONFIG_PATH,
    env_var::PROFILE,
    env_var::AGENT_DIR,
    env_var::WORKSPACE_DIR,
    env_var::INCLUDE_ROOTS,
];

/// The variables that change what a gateway does and may hold secrets, whether or not the config names them.
const KEPT: [&str; 17] = [
    env_var::GATEWAY_TOKEN,
    env_var::GATEWAY_PASSWORD,
    env_var::GATEWAY_PORT,
    env_var::LOG_LEVEL,
    env_var::LOCALE,
    env_var::LOAD_SHELL_ENV,
    env_var::SHELL_ENV_TIMEOUT_MS,
    env_var::AUTH_STORE_READONLY,
    env_var::HTTPS_PROXY,
    env_var::HTTPS_PROXY_LOWER,
    env_var::HTTP_PROXY_LOWER,
    env_var::ALL_PROXY,
    env_var::ALL_PROXY_LOWER,
    env_var::NO_PROXY,
    env_var::NO_PROXY_LOWER,
    env_var::SSL_CERT_FILE,
    env_var::SSL_CERT_DIR,
];

/// The gateway of one home as a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// `openclaw-gateway`, and the profile when there is one.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Variables without secrets.
    pub(crate) environment: Vec<(String, String)>,
    /// The private file with the variables that may be secrets.
    pub(crate) kept_file: PathBuf,
    pub(crate) state_dir: PathBuf,
    /// Folders outside of the home that the gateway writes to.
    pub(crate) writable: Vec<PathBuf>,
    /// Whose the home is.
    pub(crate) owner: u32,
    /// Secrets come from programs, which may make code at run time.
    pub(crate) runs_programs: bool,
}

impl Description {
    /// Describes the gateway of this home.
    pub(crate) fn of(
        port: Option<u16>,
        global: &Global,
        config: &ReadConfig,
        context: &Context,
    ) -> Result<Self, Failed> {
        let home = &context.home;
        let program = std::env::current_exe()
            .map_err(|error| Failed::new(format!("cannot find this program: {error}")))?;
        let name = match home.profile() {
            Some(profile) => format!("openclaw-gateway-{profile}"),
            None => "openclaw-gateway".to_owned(),
        };
        let place = |name: &&str| {
            let value = context.environment.path_var(name)?;
            Some(((*name).to_owned(), value.to_owned()))
        };
        let mut environment: Vec<(String, String)> = PLACES.iter().filter_map(place).collect();
        environment.push((
            env_var::HOME.to_owned(),
            home.user_home().display().to_string(),
        ));
        environment.extend(place(&env_var::PATH));
        environment.push((env_var::SERVICE_MARKER.to_owned(), "openclaw".to_owned()));
        let mut writable = vec![home.user_home().join(".qwen")];
        writable.extend([home.agent_dir(&config::AgentId::main())]);
        writable.extend(
            log_path(home, &config.settings)?
                .parent()
                .map(Path::to_owned),
        );
        writable.retain(|folder| !folder.starts_with(home.state_dir()));
        let providers = &config.settings.secrets.providers;
        let is_program =
            |place: &config::SecretProvider| matches!(place.place, Ok(SecretPlace::Exec(_)));
        Ok(Self {
            name,
            program,
            arguments: super::run_arguments(port, global),
            environment,
            kept_file: home.state_dir().join("service.env"),
            state_dir: home.state_dir().to_owned(),
            writable,
            owner: owner(home.state_dir()),
            runs_programs: providers.iter().any(is_program),
        })
    }
}

/// Returns what the service's file has to hold: variables that the gateway may need and would not find by itself.
pub(crate) fn kept_variables(
    config: &ReadConfig,
    context: &Context,
) -> Result<Vec<(String, String)>, Failed> {
    let catalog = context.catalog()?;
    let providers = catalog.providers().iter();
    let keys = providers.flat_map(catalog::Provider::all_env_vars);
    let referred = config.settings.variables.iter().map(String::as_str);
    let mut kept: Vec<(String, String)> = Vec::new();
    for name in keys.chain(referred).chain(KEPT) {
        let is_lost = !matches!(
            config.environment.origin(name),
            Some(config::Origin::DotenvHome(_) | config::Origin::Config) | None
        );
        let is_new = kept.iter().all(|(known, _)| known != name);
        if let Some(value) = config.environment.path_var(name)
            && is_lost
            && is_new
            && !PLACES.contains(&name)
        {
            kept.push((name.to_owned(), value.to_owned()));
        }
    }
    kept.sort();
    Ok(kept)
}

/// Writes variables in the form of a `.env` file.
pub(crate) fn as_dotenv(variables: &[(String, String)]) -> String {
    let start = "# Variables that `openclaw gateway install` kept for the service. Private.\n";
    let lines = variables.iter().map(|(name, value)| {
        let escaped = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        format!("{name}=\"{escaped}\"\n")
    });
    std::iter::once(start.to_owned()).chain(lines).collect()
}

#[cfg(unix)]
fn owner(folder: &Path) -> u32 {
    std::fs::metadata(folder).map_or(0, |metadata| std::os::unix::fs::MetadataExt::uid(&metadata))
}

#[cfg(not(unix))]
fn owner(_: &Path) -> u32 {
    0
}
