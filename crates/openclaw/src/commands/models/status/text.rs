//! `models status` for people, in the order of OpenClaw's.

use credentials::Kind;

use super::super::breakers;
use super::Report;
use super::auth::{ProfileLine, ProviderAuth, fingerprint};
use crate::output::{Output, strong};

/// Models named on the last line of the first block.
const MODELS_SHOWN_MAX: usize = 40;

/// Prints the block.
pub(super) fn print(report: &Report<'_>, out: Output) {
    models(report, out);
    out.line("");
    overview(report, out);
    out.line("");
    logins(report, out);
    resting(report, out);
    for trouble in report.troubles() {
        out.warn(trouble);
    }
    for warning in &report.auth.warnings {
        out.warn(warning);
    }
}

fn models(report: &Report<'_>, out: Output) {
    let home = &report.context.home;
    let defaults = &report.config.settings.agents.defaults;
    let state = if report.config.exists {
        ""
    } else {
        " (not there yet)"
    };
    let line = |name: &str, text: &str| {
        let text = if text.is_empty() { "-" } else { text };
        out.line(format!("{}: {text}", strong(format!("{name:<14}"))));
    };
    line(
        "Config",
        &format!("{}{state}", home.display(report.config.store.path())),
    );
    line("Agent dir", &home.display(&home.agent_dir(&report.agent)));
    let default = report.default();
    line(
        "Default",
        default
            .as_deref()
            .unwrap_or("none: `openclaw onboard` sets one up"),
    );
    let fallbacks = report.full_names(&defaults.model.fallbacks);
    line(
        &format!("Fallbacks ({})", fallbacks.len()),
        &fallbacks.join(", "),
    );
    let image = defaults.image_model.primary.as_deref();
    line(
        "Image model",
        &image.map(|text| report.full_name(text)).unwrap_or_default(),
    );
    let image_fallbacks = report.full_names(&defaults.image_model.fallbacks);
    line(
        &format!("Image fallbacks ({})", image_fallbacks.len()),
        &image_fallbacks.join(", "),
    );
    let aliases: Vec<String> = report
        .names
        .aliases()
        .into_iter()
        .map(|(alias, reference)| format!("{alias} -> {reference}"))
        .collect();
    line(&format!("Aliases ({})", aliases.len()), &aliases.join(", "));
    let configured: Vec<&str> = defaults
        .models
        .iter()
        .map(|row| row.reference.as_str())
        .take(MODELS_SHOWN_MAX)
        .collect();
    let more = defaults.models.len().saturating_sub(configured.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    line(
        &format!("Configured models ({})", defaults.models.len()),
        &format!("{}{more}", configured.join(", ")),
    );
}

fn overview(report: &Report<'_>, out: Output) {
    let home = &report.context.home;
    out.line(strong("Auth overview"));
    out.line(format!(
        "Auth store    : {}",
        home.display(&report.auth.store_path)
    ));
    out.line("Shell env     : off");
    let with_logins = report.auth.with_logins();
    let list = if with_logins.is_empty() {
        "-".to_owned()
    } else {
        with_logins.join(", ")
    };
    out.line(format!(
        "Providers w/ OAuth/tokens ({}): {list}",
        with_logins.len()
    ));
    if report.auth.providers.is_empty() {
        out.line("- none: `openclaw onboard` stores a key");
    }
    for provider in &report.auth.providers {
        out.line(format!("- {}", provider_line(report, provider)));
    }
}

/// Names what is taken, everything else that was found, and where was looked.
fn provider_line(report: &Report<'_>, provider: &ProviderAuth) -> String {
    let home = &report.context.home;
    let (kind, detail) = provider.effective(|path| home.display(path));
    let effective = if kind == detail {
        kind.to_owned()
    } else {
        format!("{kind}:{detail}")
    };
    let mut parts = vec![format!("{} effective={effective}", strong(&provider.id))];
    if let Some(url) = &provider.base_url {
        let place: Vec<&str> = [provider.plan.as_deref(), provider.region.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" ({})", place.join(", "))
        };
        parts.push(format!("url={url}{place}"));
    }
    parts.push(format!(
        "profiles={} (oauth={}, token={}, api_key={})",
        provider.profiles.len(),
        provider.count(Kind::OAuth),
        provider.count(Kind::Token),
        provider.count(Kind::ApiKey)
    ));
    let labels: Vec<String> = provider.profiles.iter().map(ProfileLine::label).collect();
    if !labels.is_empty() {
        parts.push(labels.join(", "));
    }
    for candidate in &provider.resolution.candidates {
        match &candidate.provenance {
            credentials::Provenance::Env { name, .. } => {
                parts.push(format!("env {name}={}", fingerprint(candidate)));
            }
            credentials::Provenance::Config { path, .. } => {
                parts.push(format!("config {path}={}", fingerprint(candidate)));
            }
            _ => {}
        }
    }
    parts.push(format!("agent={}", provider.resolution.searched.agent));
    let store = home.display(&provider.resolution.searched.store);
    if detail != store {
        parts.push(format!("store={store}"));
    }
    parts.join(" | ")
}

fn resting(report: &Report<'_>, out: Output) {
    if report.breakers.is_empty() {
        return;
    }
    out.line("");
    out.line(strong("Resting after failures"));
    for breaker in &report.breakers {
        out.line(format!("- {}", breakers::line(breaker)));
    }
    out.hint("`openclaw models unblock <id>` lets one be tried again at once");
}

fn logins(report: &Report<'_>, out: Output) {
    out.line(strong("OAuth/token status"));
    let shown: Vec<_> = report
        .auth
        .logins
        .iter()
        .filter(|login| login.can_end())
        .collect();
    if shown.is_empty() {
        out.line("- none");
    }
    let mut provider = "";
    for login in shown {
        if provider != login.provider {
            provider = &login.provider;
            out.line(format!("- {provider}"));
        }
        out.line(format!(
            "  - {} {}{}",
            login.id,
            login.status.as_str(),
            login.when()
        ));
    }
}
