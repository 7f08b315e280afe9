//! `doctor`: what is wrong with the home, and its repair.

use config::Transaction;
use serde_json::{Value, json};

use crate::cli::doctor::{DoctorArgs, SeverityMin};
use crate::context::Context;
use crate::doctor::{self, Check, Draft, Finding, Repaired, Situation, Status, sarif};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{dim, is_interactive, strong};
use crate::prompt;

/// How often repairs are followed by another look: one repair can make room for the next.
const ROUNDS_MAX: usize = 4;

/// Looks, repairs where it was asked to, and reports.
pub(crate) fn run(args: &DoctorArgs, context: &Context) -> Done {
    let checks = chosen(args).map_err(|failed| failed.exit(Exit::NotAvailable))?;
    let repaired = if args.fix {
        fix(args, &checks, context)?
    } else {
        Repaired::default()
    };
    let situation = Situation::read(context, args.deep)?;
    let findings = look(&checks, &situation);
    let report = Report {
        args,
        context,
        checks: &checks,
        findings: &findings,
        repaired: &repaired,
    };
    report.print();
    Ok(report.exit())
}

fn chosen(args: &DoctorArgs) -> Result<Vec<&'static Check>, Failed> {
    let all = doctor::checks();
    for name in args.only.iter().chain(&args.skip) {
        if !all.iter().any(|check| check.is_named(name)) {
            let names: Vec<&str> = all.iter().map(|check| check.name).collect();
            return Err(Failed::new(format!("there is no check `{name}`"))
                .hint(format!("there are {}", names.join(", "))));
        }
    }
    let is_chosen = |check: &&Check| {
        let named = |names: &[String]| names.iter().any(|name| check.is_named(name));
        (args.only.is_empty() || named(&args.only)) && !named(&args.skip)
    };
    Ok(all.iter().filter(is_chosen).collect())
}

fn look(checks: &[&Check], situation: &Situation<'_>) -> Vec<Finding> {
    checks
        .iter()
        .flat_map(|check| check.run(situation))
        .collect()
}

/// Repairs in rounds until there is nothing left to do.
fn fix(
    args: &DoctorArgs,
    checks: &[&'static Check],
    context: &Context,
) -> Result<Repaired, Failed> {
    let mut all = Repaired::default();
    if !args.dry_run {
        for command in Transaction::recover(&context.home)? {
            all.says.push(format!(
                "put the files back as they were before `openclaw {command}`"
            ));
            all.changed = true;
        }
    }
    for round in 0..ROUNDS_MAX {
        let situation = Situation::read(context, args.deep)?;
        let Ok(config) = &situation.config else {
            break;
        };
        let mut draft = Draft::of(&config.text);
        for check in checks {
            check.draft(&situation, &mut draft)?;
        }
        if draft.is_empty() {
            break;
        }
        if args.dry_run {
            all.says.extend(draft.says().iter().cloned());
            break;
        }
        if round == 0 {
            consent(args, &draft, context)?;
        }
        // The repair itself is an open transaction while it is judged.
        let judges: Vec<&Check> = checks
            .iter()
            .copied()
            .filter(|check| !check.is_named("interrupted-change"))
            .collect();
        let before = weight(&look(&judges, &situation));
        let done = doctor::apply(&draft, config, context, || {
            let situation = Situation::read(context, args.deep)?;
            let after = weight(&look(&judges, &situation));
            Ok((after > before).then(|| {
                format!(
                    "it would leave {} errors and {} warnings instead of {} and {}",
                    after.0, after.1, before.0, before.1
                )
            }))
        })?;
        all.says.extend(done.says);
        all.changed |= done.changed;
    }
    Ok(all)
}

/// Errors count before warnings; one repair may not make up for another fault.
fn weight(findings: &[Finding]) -> (usize, usize) {
    let count = |status: Status| findings.iter().filter(|one| one.status == status).count();
    (count(Status::Error), count(Status::Warning))
}

fn consent(args: &DoctorArgs, draft: &Draft, context: &Context) -> Result<(), Failed> {
    if args.yes || args.non_interactive || args.json || !is_interactive() {
        return Ok(());
    }
    context.out.note("This would be done, as one step:");
    for line in draft.says() {
        context.out.note(format!("  - {line}"));
    }
    if prompt::confirm("Do it?")? {
        return Ok(());
    }
    Err(prompt::cancelled())
}

struct Report<'a> {
    args: &'a DoctorArgs,
    context: &'a Context,
    checks: &'a [&'static Check],
    findings: &'a [Finding],
    repaired: &'a Repaired,
}

impl Report<'_> {
    /// Least status that is listed.
    fn listed(&self) -> Status {
        match self.args.severity_min {
            None if self.args.all => Status::Ok,
            None | Some(SeverityMin::Info) => Status::Info,
            Some(SeverityMin::Warning) => Status::Warning,
            Some(SeverityMin::Error) => Status::Error,
        }
    }

    /// Least status that makes the command fail.
    fn threshold(&self) -> Status {
        match self.args.severity_min {
            Some(SeverityMin::Info) => Status::Info,
            None | Some(SeverityMin::Warning) => Status::Warning,
            Some(SeverityMin::Error) => Status::Error,
        }
    }

    fn is_ok(&self) -> bool {
        let threshold = self.threshold();
        !self
            .findings
            .iter()
            .any(|finding| finding.status >= threshold)
    }

    fn exit(&self) -> Exit {
        if self.is_ok() { Exit::Ok } else { Exit::Error }
    }

    fn shown(&self) -> Vec<Finding> {
        let listed = self.listed();
        let found = self
            .findings
            .iter()
            .filter(|finding| finding.status >= listed);
        found.cloned().collect()
    }

    fn print(&self) {
        let out = self.context.out;
        if self.args.sarif {
            out.json(&sarif(self.checks, &self.shown()));
        } else if self.args.json {
            out.json(&self.json());
        } else {
            for line in self.lines() {
                out.line(line);
            }
        }
    }

    fn json(&self) -> Value {
        let skipped: Vec<Value> = self
            .findings
            .iter()
            .filter(|finding| finding.status == Status::Skipped)
            .map(|finding| json!({"checkId": finding.check, "reason": finding.message}))
            .collect();
        let shown: Vec<Value> = self.shown().iter().map(Finding::json).collect();
        json!({
            "schemaVersion": 1,
            "ok": self.is_ok(),
            "checksRun": self.checks.len(),
            "checksSkipped": skipped.len(),
            "findings": shown,
            "skipped": skipped,
            "dryRun": self.args.dry_run,
            "changed": self.repaired.changed,
            "repairs": self.repaired.says,
        })
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.repaired.says.is_empty() {
            lines.push(strong(if self.repaired.changed {
                "Repaired"
            } else {
                "Would be repaired"
            }));
            lines.extend(self.repaired.says.iter().map(|line| format!("  - {line}")));
            if self.repaired.changed {
                lines.push("  `openclaw migrate undo` takes it back".to_owned());
            }
        } else if self.args.fix {
            lines.push("Nothing to repair.".to_owned());
        }
        for finding in self.shown() {
            lines.extend(self.describe(&finding));
        }
        lines.push(self.summary());
        lines
    }

    fn describe(&self, finding: &Finding) -> Vec<String> {
        let name = finding.check.rsplit('/').next().unwrap_or_default();
        let mut lines = vec![format!(
            "{}  {}  {}",
            strong(format!("{:7}", finding.status.word())),
            finding.message,
            dim(format!("[{name}]"))
        )];
        if let Some(file) = &finding.file {
            let file = self.context.home.display(file);
            lines.push(match finding.place {
                Some((line, column)) => format!("         {file}:{line}:{column}"),
                None => format!("         {file}"),
            });
        }
        if let Some(evidence) = finding.evidence.as_ref().filter(|text| !text.is_empty()) {
            lines.extend(evidence.lines().map(|line| format!("         {line}")));
        }
        lines.extend(
            finding
                .hint
                .iter()
                .map(|hint| format!("         next: {hint}")),
        );
        lines
    }

    fn summary(&self) -> String {
        let (errors, warnings) = weight(self.findings);
        let skipped = self
            .findings
            .iter()
            .filter(|one| one.status == Status::Skipped)
            .count();
        let fixable = self.findings.iter().filter(|one| one.fixable).count();
        let repair = match fixable {
            0 => String::new(),
            _ if self.args.fix => String::new(),
            n => format!("; `openclaw doctor --fix` repairs {n}"),
        };
        format!(
            "{} checks: {errors} errors, {warnings} warnings, {skipped} skipped{repair}",
            self.checks.len()
        )
    }
}
