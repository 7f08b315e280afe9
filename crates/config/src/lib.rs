//! openclaw.json: its text, its meaning, its places; edits one value and keeps every other byte.
//!
//! Reading goes from the outside in: [`Environment`] holds the variables, [`Home`] says where the files are,
//! [`ConfigStore`] reads the file, [`ConfigText`] keeps its exact bytes beside the parsed value, and [`Settings`] is
//! the typed view the rest of the product uses. Writing goes the other way: [`ConfigText::set`] makes a new text that
//! differs in one value only, and [`ConfigStore::commit`] is the single place that replaces the file.
//!
//! There is no async code, no network and no calendar clock in here: callers pass time stamps in. The one exception is
//! [`LockFile`], which cannot wait or judge the age of a lock without looking at a watch.

mod dotenv;
pub mod env_var;
mod environment;
mod error;
mod file;
mod home;
mod ids;
mod include;
mod lock_file;
mod secret;
mod settings;
mod shell_env;
mod store;
mod text;
mod transaction;
mod value_path;

pub use dotenv::{BadLine, Dotenv};
pub use environment::{DotenvReport, Environment, Origin, PROVIDER_KEY_NAMES};
pub use error::Error;
pub use file::{
    FILE_MODE_SECRET, FOLDER_MODE_SECRET, create_private_folder, mode_of, put_back,
    sweep_temporaries, write_atomic,
};
pub use home::{DEV_PORT, GATEWAY_PORT, Home, HomeOptions};
pub use ids::{AgentId, ModelId, ModelRef, ProfileId, ProviderId};
pub use include::included_files;
pub use lock_file::{LOCK_STALE_AFTER, LockFile};
pub use secret::{Hidden, RefSource, SecretInput, SecretRef, Unresolved, substitute};
pub use settings::{
    AgentDefaults, AgentEntry, AgentModel, AgentsSettings, AuthMode, AuthProfile, AuthSettings,
    Bind, Cost, EnvSettings, ExecPlace, FileMode, FilePlace, GatewayAuth, GatewayAuthMode,
    GatewayMode, GatewaySettings, LegacyMove, LogLevel, LoggingSettings, ModelChoice, ModelRow,
    ModelsMode, ModelsSettings, Opaque, PluginEntry, Problem, ProviderSettings, ReferenceProblem,
    ReloadMode, RoutingSettings, SecretPlace, SecretProvider, SecretsSettings, Settings, Severity,
    json_schema, legacy_moves,
};
pub use shell_env::{ShellEnv, ShellEnvError};
pub use store::{
    BACKUPS_MAX, Committed, ConfigStore, GENERATIONS_MAX, Generation, History, Loaded, UndoPlan,
    WriteOrigin, sha256,
};
pub use text::{
    ConfigText, DEPTH_MAX, Edit, EditError, FILE_BYTES_MAX, Location, ParseError, excerpt_of,
};
pub use transaction::{FINISHED_MAX, Finished, Transaction};
pub use value_path::{PathError, Segment, ValuePath};
