//! What the gateway costs, beside nginx and beside nothing.
//!
//! In every round each target meets each kind of load once, in an order that turns from round to
//! round, and ratios are taken within a round: what else happens on the machine then touches all
//! targets alike. Processor time per request and per chunk hardly moves with such noise, raw
//! throughput and p99 do.

use std::path::PathBuf;

use anyhow::bail;
use serde_json::{Value, json};

use super::cores::Cores;
use super::figures::{real, shown, table};
use super::phase::{Bench, PHASES, Phase, Sample};
use super::target::{Audit, Target, Upstream};
use super::{machine, openclaw_binary, release_binary, summary, write_json};

const TARGETS: [&str; 3] = ["direct", "nginx", "openclaw"];
const KIB_PER_MIB: f64 = 1024.0;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often everything is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// One short round, to see that everything works; its numbers mean little
    #[arg(long)]
    quick: bool,
    /// Measure only these
    #[arg(long, value_delimiter = ',', value_parser = TARGETS)]
    only: Vec<String>,
    /// Load to apply [default: c1,c16,c64,s200,s1000]
    #[arg(long, value_delimiter = ',', value_parser = PHASES.each_ref().map(|phase| phase.name))]
    phases: Vec<String>,
    /// Write every measurement as JSON to a file, or to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Measure this program instead of building ours
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

impl Options {
    fn wants(&self, target: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == target)
    }

    fn phases(&self) -> Vec<&'static Phase> {
        let wanted = |phase: &&Phase| {
            let is_named = self.phases.iter().any(|name| name == phase.name);
            is_named || (self.phases.is_empty() && phase.is_default)
        };
        PHASES.iter().filter(wanted).collect()
    }
}

/// A target with what was found before the load.
struct Entry {
    target: Target,
    audit: Audit,
    idle_kib: u64,
}

/// Starts everything, measures, prints.
///
/// # Errors
/// A target does not start, does not do its job, or fails requests.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let load = release_binary("load")?;
    let cores = Cores::detect()?;
    if cores.are_shared() {
        println!(
            "!!! only one core: mock, driver and gateway share it, so throughput says nothing"
        );
    }
    let machine = machine::describe();
    println!("\n{}\n", machine::line(&machine));
    let upstream = Upstream::start(&load, &cores)?;
    let mut entries = entries(options, &upstream, &cores)?;
    print_entries(&entries);
    check_job(&entries)?;
    let bench = Bench {
        load: &load,
        cores: &cores,
        is_quick: options.quick,
    };
    let phases = options.phases();
    let samples = measure(&mut entries, &phases, options, &bench)?;
    print_summary(&phases, &entries, &samples);
    if let Some(path) = &options.json {
        write_json(path, &report(&machine, &entries, &samples))?;
    }
    let n_failures: u64 = samples.iter().map(Sample::n_failures).sum();
    if n_failures > 0 {
        let first = samples.iter().find_map(|sample| sample.first_failure());
        bail!(
            "{n_failures} requests failed, so this is no measurement: {}",
            first.unwrap_or("")
        );
    }
    Ok(())
}

fn entries(options: &Options, upstream: &Upstream, cores: &Cores) -> anyhow::Result<Vec<Entry>> {
    let mut targets = Vec::new();
    if options.wants("direct") {
        targets.push(Target::direct(upstream));
    }
    if options.wants("nginx") {
        targets.push(Target::nginx(upstream, cores)?);
    }
    if options.wants("openclaw") {
        let binary = openclaw_binary(options.binary.as_deref())?;
        targets.push(Target::openclaw(upstream, cores, &binary)?);
    }
    let entries = targets.into_iter().map(|target| {
        Ok(Entry {
            audit: target.audit(upstream)?,
            idle_kib: target.idle_kib(),
            target,
        })
    });
    entries.collect()
}

fn print_entries(entries: &[Entry]) {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            vec![
                entry.target.name.to_owned(),
                shown(Some(real(entry.idle_kib) / KIB_PER_MIB), 1),
                entry.audit.parts(true),
                entry.audit.parts(false),
            ]
        })
        .collect();
    println!(
        "{}",
        table(&["target", "RSS idle MiB", "does", "does not"], &rows)
    );
}

/// Numbers of a gateway that leaves out part of the job are not worth having.
fn check_job(entries: &[Entry]) -> anyhow::Result<()> {
    for entry in entries {
        if entry.target.name == "openclaw" && !entry.audit.is_whole() {
            bail!(
                "openclaw leaves out part of its job: {}",
                entry.audit.parts(false)
            );
        }
    }
    Ok(())
}

fn measure(
    entries: &mut [Entry],
    phases: &[&Phase],
    options: &Options,
    bench: &Bench<'_>,
) -> anyhow::Result<Vec<Sample>> {
    let n_rounds = if options.quick { 1 } else { options.rounds };
    let mut samples = Vec::new();
    for round in 0..n_rounds {
        let load_average = machine::load_average();
        println!(
            "round {} of {n_rounds}, load average {load_average}",
            round + 1
        );
        for phase in phases {
            for entry in entries.iter_mut() {
                samples.push(phase.measure(&mut entry.target, round, bench)?);
            }
        }
        entries.rotate_left(1.min(entries.len()));
    }
    Ok(samples)
}

fn print_summary(phases: &[&Phase], entries: &[Entry], samples: &[Sample]) {
    let is_measured = |name: &&str| entries.iter().any(|entry| entry.target.name == *name);
    let targets: Vec<_> = TARGETS.into_iter().filter(is_measured).collect();
    for phase in phases {
        println!("\n{}", summary::of_phase(phase, &targets, samples));
    }
    println!(
        "medians of the rounds; ratios and differences are taken within a round; the CPU of `direct` is the mock's own"
    );
}

fn report(machine: &Value, entries: &[Entry], samples: &[Sample]) -> Value {
    let targets = entries.iter().map(|entry| {
        json!({
            "name": entry.target.name,
            "idle_kib": entry.idle_kib,
            "does": entry.audit.parts(true),
            "does_not": entry.audit.parts(false),
        })
    });
    json!({
        "machine": machine,
        "targets": targets.collect::<Vec<_>>(),
        "samples": samples.iter().map(Sample::to_json).collect::<Vec<_>>(),
    })
}
