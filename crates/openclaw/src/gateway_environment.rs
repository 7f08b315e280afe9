//! The variables of the running gateway, read through the system, to compare them with those of this command.

use std::path::{Path, PathBuf};

use config::{Environment, Settings};
use credentials::Secret;

use crate::context::Context;

/// The largest environment of a process that is read, in bytes.
const ENVIRON_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A variable that two processes see differently; values are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The variable.
    pub(crate) name: String,
    /// What this command sees.
    pub(crate) here: Option<String>,
    /// What the gateway sees.
    pub(crate) there: Option<String>,
}

impl Difference {
    /// Says it in one line.
    pub(crate) fn line(&self) -> String {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        format!(
            "{} differs: {} here, {} in the running gateway",
            self.name,
            shown(&self.here),
            shown(&self.there)
        )
    }
}

/// Returns what a gateway sees: its process, `.env` files and the config, with the loader that it used itself.
///
/// `None` where the system does not tell: not Linux, another user's process, or no such process.
pub(crate) fn of_process(pid: u64, context: &Context, settings: &Settings) -> Option<Environment> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let bytes = read(&process.join("environ"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    let cwd = std::fs::read_link(process.join("cwd")).ok()?;
    let environment = Environment::from_pairs(pairs);
    let loaded = environment.load(&cwd, &context.home, Some(settings)).ok()?;
    Some(loaded.0)
}

/// Compares some variables; an empty value is none.
pub(crate) fn differences(
    names: &[String],
    here: &Environment,
    there: &Environment,
) -> Vec<Difference> {
    let value = |environment: &Environment, name: &str| {
        let value = environment.get(name)?;
        (!value.trim().is_empty()).then(|| value.to_owned())
    };
    let mask = |value: Option<String>| value.map(|value| Secret::new(value).mask());
    names
        .iter()
        .filter(|name| value(here, name) != value(there, name))
        .map(|name| Difference {
            name: name.clone(),
            here: mask(value(here, name)),
            there: mask(value(there, name)),
        })
        .collect()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(ENVIRON_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
