//! Looks at a home, says what is wrong with it, and repairs what has one right answer.
//!
//! Each check is a file: `detect` returns findings and writes nothing, `repair` adds edits to a [`Draft`]. The drafts of
//! all checks are one transaction: applied together, looked at again, and rolled back when the home is worse than before.

use crate::failed::Failed;

mod checks;
mod finding;
mod repair;
mod sarif;
mod situation;

pub(crate) use checks::remove_retired;
pub(crate) use checks::sunset::ahead as retirements_ahead;
pub(crate) use finding::{Finding, Status};
pub(crate) use repair::{Draft, Repaired, apply};
pub(crate) use sarif::sarif;
pub(crate) use situation::Situation;

/// Comes before the name of each check, as OpenClaw writes it.
const ID_PREFIX: &str = "core/doctor/";

/// One thing that is looked at.
pub(crate) struct Check {
    /// Its name, without the prefix.
    pub(crate) name: &'static str,
    /// What it looks at, in one line.
    pub(crate) title: &'static str,
    detect: fn(&Situation<'_>) -> Vec<Finding>,
    repair: Repair,
}

/// What a check can do about what it finds.
enum Repair {
    /// Nothing: the choice is the person's, or another step does it.
    None,
    /// Adds edits of texts, which can be refused.
    Edits(fn(&Situation<'_>, &mut Draft) -> Result<(), Failed>),
    /// Adds steps beside the config.
    Steps(fn(&Situation<'_>, &mut Draft)),
}

impl Check {
    /// Returns the id that findings carry.
    pub(crate) fn id(&self) -> String {
        format!("{ID_PREFIX}{}", self.name)
    }

    /// Says whether a person means this check; the prefix may be left out.
    pub(crate) fn is_named(&self, text: &str) -> bool {
        text.strip_prefix(ID_PREFIX).unwrap_or(text) == self.name
    }

    /// Looks, and says so when nothing is wrong.
    pub(crate) fn run(&self, situation: &Situation<'_>) -> Vec<Finding> {
        let mut findings = (self.detect)(situation);
        if findings.is_empty() {
            findings.push(Finding::ok(self.title));
        }
        for finding in &mut findings {
            finding.check = self.id();
        }
        findings
    }

    /// Adds what repairs it to the draft; a check without a repair adds nothing.
    pub(crate) fn draft(&self, situation: &Situation<'_>, draft: &mut Draft) -> Result<(), Failed> {
        match self.repair {
            Repair::None => Ok(()),
            Repair::Edits(repair) => repair(situation, draft),
            Repair::Steps(repair) => {
                repair(situation, draft);
                Ok(())
            }
        }
    }
}

/// Returns the checks, in the order in which they are shown and repaired.
pub(crate) fn checks() -> &'static [Check] {
    checks::ALL
}
