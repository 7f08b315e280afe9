//! The checks, one file each.

use super::{Check, Draft, Situation};
use crate::failed::Failed;
use crate::retired::Retired;

mod accounts;
mod clock;
mod config_meaning;
mod config_syntax;
mod credentials_in_use;
mod default_model;
mod disk;
mod environment;
mod gateway_environment;
mod gateway_port;
pub(super) mod hosts;
mod interrupted;
mod key_plan;
mod locks;
mod older_names;
mod permissions;
mod profile_residue;
mod retired_keys;
mod retired_plugins;
mod retired_profiles;
mod retired_providers;
mod retired_references;
mod service_file;
mod stray_secrets;
pub(crate) mod sunset;
mod tls;

/// In the order in which they are shown; repairs come in this order too: references before what they refer to.
pub(super) const ALL: &[Check] = &[
    interrupted::CHECK,
    config_syntax::CHECK,
    config_meaning::CHECK,
    retired_keys::CHECK,
    environment::CHECK,
    retired_references::CHECK,
    retired_providers::CHECK,
    retired_plugins::CHECK,
    retired_profiles::CHECK,
    older_names::CHECK,
    sunset::CHECK,
    default_model::CHECK,
    credentials_in_use::CHECK,
    profile_residue::CHECK,
    key_plan::CHECK,
    accounts::CHECK,
    permissions::CHECK,
    stray_secrets::CHECK,
    gateway_port::CHECK,
    gateway_environment::CHECK,
    locks::CHECK,
    service_file::CHECK,
    tls::CHECK,
    clock::CHECK,
    disk::CHECK,
];

/// Removes entries, plugins and credentials of retired providers that nothing refers to any more.
pub(crate) fn remove_retired(
    situation: &Situation<'_>,
    retired: &Retired,
    draft: &mut Draft,
) -> Result<(), Failed> {
    retired_providers::remove(situation, retired, draft)?;
    retired_plugins::remove(retired, draft)?;
    retired_profiles::remove(situation, retired, draft)
}
