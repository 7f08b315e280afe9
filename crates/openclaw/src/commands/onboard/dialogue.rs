//! The questions, when a person is there to answer them. Esc and Ctrl-C end the command with nothing written.

use std::fmt;

use catalog::{AuthChoice, Catalog, Plan};
use inquire::{Password, PasswordDisplayMode, Select, Text};

use super::Desk;
use super::key::{Key, KeySource};
use super::selection::is_usable;
use super::site::Site;
use crate::failed::Failed;
use crate::output::strong;
use crate::prompt::{answered, look};

/// How often a text that cannot be a key may be pasted.
const KEY_TRIES_MAX: usize = 3;
/// Lines of the menu shown at once.
const MENU_LINES: usize = 12;

/// What was picked in the menu.
pub(super) enum Picked<'c> {
    /// A plan in a region.
    Choice(&'c AuthChoice),
    /// A workspace-scoped host, named by id or URL.
    Workspace(String),
    /// The key decides.
    ByKey,
}

/// Says what is going to happen.
pub(super) fn introduce(desk: &Desk<'_>) {
    let out = desk.context.out;
    out.note(strong("Set up Qwen Cloud"));
    out.note(
        "The service is asked whether the key works before anything is written. Esc leaves everything as it is.",
    );
    out.note("");
}

/// Asks for plan and region.
pub(super) fn pick<'c>(desk: &Desk<'_>, catalog: &'c Catalog) -> Result<Picked<'c>, Failed> {
    let mut choices: Vec<&AuthChoice> = catalog
        .auth_choices()
        .iter()
        .filter(|choice| is_usable(choice))
        .collect();
    choices.sort_by_key(|choice| rank(catalog, choice));
    let label_width = choices
        .iter()
        .map(|choice| choice.label.chars().count())
        .max()
        .unwrap_or_default();
    let mut entries: Vec<Entry<'c>> = choices
        .into_iter()
        .map(|choice| Entry {
            label: choice.label.clone(),
            text: format!("{:label_width$}  {}", choice.label, choice.hint),
            kind: EntryKind::Choice(choice),
        })
        .collect();
    for (label, hint, kind) in [
        (
            "Workspace host",
            "a workspace's own host; paste its id or URL",
            EntryKind::Workspace,
        ),
        (
            "Not sure",
            "paste the key, and its host is found",
            EntryKind::ByKey,
        ),
    ] {
        let text = format!("{label:label_width$}  {hint}");
        let label = label.to_owned();
        entries.push(Entry { label, text, kind });
    }
    let asked = Select::new("Which key do you have?", entries)
        .with_page_size(MENU_LINES)
        .with_formatter(&|picked| picked.value.label.clone())
        .with_render_config(look());
    match answered(asked.prompt())?.kind {
        EntryKind::Choice(choice) => Ok(Picked::Choice(choice)),
        EntryKind::ByKey => Ok(Picked::ByKey),
        EntryKind::Workspace => {
            let asked = Text::new("Workspace id or URL:").with_render_config(look());
            let text = answered(asked.prompt())?;
            desk.context.out.note("");
            Ok(Picked::Workspace(text))
        }
    }
}

/// Asks for the key without showing it.
pub(super) fn ask_key(desk: &Desk<'_>, site: Option<&Site>) -> Result<Key, Failed> {
    let question = site.map_or_else(
        || "Key:".to_owned(),
        |site| format!("Key for {}:", site.name),
    );
    let page = site
        .and_then(|site| desk.catalog.provider(site.provider.as_str()))
        .or_else(|| desk.catalog.providers().first())
        .and_then(|provider| provider.key_page.as_deref());
    let help = page.map_or_else(
        || "only stars are shown".to_owned(),
        |page| format!("keys are made at {page}; only stars are shown"),
    );
    for _ in 1..KEY_TRIES_MAX {
        match super::key::parse(&ask_hidden(&question, &help)?, KeySource::Prompt, desk) {
            Ok(key) => return Ok(key),
            Err(failed) => desk.voice.warn(failed.message),
        }
    }
    super::key::parse(&ask_hidden(&question, &help)?, KeySource::Prompt, desk)
}

/// Asks for a text that is not shown. An empty prompt each time: nobody can edit what cannot be seen.
fn ask_hidden(question: &str, help: &str) -> Result<String, Failed> {
    let asked = Password::new(question)
        .without_confirmation()
        .with_display_mode(PasswordDisplayMode::Masked)
        .with_help_message(help)
        .with_render_config(look());
    answered(asked.prompt())
}

struct Entry<'c> {
    label: String,
    text: String,
    kind: EntryKind<'c>,
}

enum EntryKind<'c> {
    Choice(&'c AuthChoice),
    Workspace,
    ByKey,
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Orders the menu by plan; within a plan the catalog's order stays.
fn rank(catalog: &Catalog, choice: &AuthChoice) -> u8 {
    let plan = catalog
        .endpoint(&choice.endpoint)
        .map(|endpoint| endpoint.plan);
    match plan {
        Some(Plan::Standard | Plan::Workspace | Plan::Trial) => 0,
        Some(Plan::Coding) => 1,
        Some(Plan::Token) => 2,
        Some(Plan::Portal) => 3,
        None => 4,
    }
}
