//! Turns a provider into a usable secret: stores, sources, provenance.
//!
//! A [`Resolver`] reads all stores of an agent once and answers, for a provider, with a [`Resolution`]: the
//! [`Candidate`]s in the order in which they are tried, each with its [`Provenance`], and everything that was found and
//! is not tried, with the reason. A [`ProfileStore`] changes the one store that this program writes, entry by entry. A
//! [`Secret`] cannot be printed.
//!
//! A [`oauth::Refresher`] keeps logins alive.
//!
//! There is no clock and no HTTP client in here: callers pass the time in, and a [`oauth::TokenTransport`]. Async code
//! is in [`oauth`] only.

mod agent_stores;
mod document;
mod error;
pub mod exec_secret;
mod key_lint;
mod keyring_secret;
mod legacy_import;
pub mod oauth;
mod profile;
mod profile_plan;
mod profile_state;
mod profile_store;
mod profile_usage;
mod program_answers;
pub mod qwen_cli;
mod resolver;
mod secret;
mod secret_reference;
mod source;
pub mod sqlite_store;
mod store;
mod store_file;

pub use agent_stores::{AgentStores, Found};
pub use error::{Error, ShapeProblem};
pub use key_lint::{KEY_BYTES_MAX, KeyProblem, placeholder_reason};
pub use keyring_secret::SERVICE_DEFAULT as KEYRING_SERVICE_DEFAULT;
pub use profile::{
    Credential, EntryProblem, Expiry, HeldSecret, Kind, Login, Profile, UnknownFields,
};
pub use profile_plan::{AppliedProfile, ProfilePlan, write_api_key_profile};
pub use profile_state::{FILE_NAME as STATE_FILE_NAME, ProfileState, Usage};
pub use profile_store::{FILE_NAME, ProfileStore};
pub use profile_usage::UsageFile;
pub use program_answers::{ANSWER_FRESH_MS, FAILURE_FRESH_MS};
pub use resolver::Resolver;
pub use secret::{MASK_CHARS_MAX, Secret};
pub use secret_reference::{Programs, References};
pub use source::{
    Candidate, Caution, Provenance, Resolution, Searched, SkipReason, Skipped, Unusable,
};
pub use store::{Origin, StoredProfiles, Warning};
pub use store_file::STORE_BYTES_MAX;
