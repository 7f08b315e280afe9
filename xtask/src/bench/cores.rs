//! Who runs on which processor core.
//!
//! The mock and the driver share one core and every gateway has another, so that a gateway's
//! throughput is what one core carries and the two sides do not take time from each other.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::process;

/// Open files for 1,000 clients, as many upstream connections, and room for the rest.
const OPEN_FILES: u32 = 16_384;

/// The two cores that are used; the same one when there is no second.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cores {
    pub(super) outer: u32,
    pub(super) gateway: u32,
}

impl Cores {
    /// The first two cores this process may use.
    ///
    /// # Errors
    /// The kernel does not say which cores we may use.
    pub(super) fn detect() -> anyhow::Result<Self> {
        let status = fs::read_to_string("/proc/self/status").context("the harness needs Linux")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        Self::from_list(list.unwrap_or_default()).context("no usable processor core is listed")
    }

    fn from_list(list: &str) -> Option<Self> {
        let mut cores = list.trim().split(',').flat_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let bounds = first.parse::<u32>().ok().zip(last.parse::<u32>().ok());
            bounds.into_iter().flat_map(|(first, last)| first..=last)
        });
        let outer = cores.next()?;
        let gateway = cores.next().unwrap_or(outer);
        Some(Self { outer, gateway })
    }

    pub(super) fn are_shared(&self) -> bool {
        self.outer == self.gateway
    }
}

/// A command on one core, with room for many connections, a small fixed environment and no input.
///
/// The environment is fixed because a proxy variable or a setting of the person who measures would
/// otherwise become part of the measurement.
pub(super) fn pinned(core: u32, program: &OsStr) -> Command {
    let mut command = Command::new("sh");
    let raise = format!("ulimit -n {OPEN_FILES} 2>/dev/null; exec \"$@\"");
    command.arg("-c").arg(raise).arg("sh");
    command
        .args(["taskset", "-c", &core.to_string()])
        .arg(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    command.stdin(Stdio::null());
    command
}

/// Moves every thread of the processes to a core.
///
/// # Errors
/// `taskset` is missing or may not do it.
pub(super) fn repin(pids: &[u32], core: u32) -> anyhow::Result<()> {
    for pid in pids {
        let mut command = Command::new("taskset");
        command.args(["-acp", &core.to_string(), &pid.to_string()]);
        process::output(&mut command)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_cores_of_a_list() {
        let cores = |outer, gateway| Some(Cores { outer, gateway });
        assert_eq!(Cores::from_list("\t0-3\n"), cores(0, 1));
        assert_eq!(Cores::from_list("2,5-7"), cores(2, 5));
        assert_eq!(Cores::from_list("4"), cores(4, 4));
        assert_eq!(Cores::from_list(""), None);
    }
}
