//! Whether openclaw.json can be read at all.

use config::Error;

use super::super::{Check, Finding, Repair, Situation};
use crate::failed::Failed;

pub(super) const CHECK: Check = Check {
    name: "config-syntax",
    title: "openclaw.json can be read",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let file = situation.config_path();
    match &situation.config {
        Ok(config) if config.exists => Vec::new(),
        Ok(_) => vec![
            Finding::info(format!("there is no config at {}", situation.shown(file)))
                .hint("`openclaw onboard` sets one up"),
        ],
        Err(Error::Parse(error)) => {
            let undo = "`openclaw config undo --force` goes back to the last good version";
            vec![
                Finding::error(error.message.clone())
                    .in_file(&error.path)
                    .at(error.line, error.column)
                    .evidence(error.excerpt())
                    .hint(
                        error
                            .hint
                            .clone()
                            .map_or_else(|| undo.to_owned(), |hint| format!("{hint}; {undo}")),
                    ),
            ]
        }
        Err(error) => vec![Finding::error(Failed::of(error).message).in_file(file)],
    }
}
