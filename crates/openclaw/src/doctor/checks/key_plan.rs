//! Whether each key belongs to the plan and region of the host it is sent to.

use providers::probe::Verdict;

use super::super::{Check, Finding, Repair, Situation};
use super::hosts::{Answer, prefix, secret_of};

pub(super) const CHECK: Check = Check {
    name: "key-plan",
    title: "keys belong to the plan and region of their hosts",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = super::credentials_in_use::in_use(situation)
        .iter()
        .filter_map(|provider| by_form(situation, provider))
        .collect();
    findings.extend(situation.answers().iter().filter_map(by_answer));
    if findings.is_empty() && !situation.deep {
        findings.push(Finding::skipped(
            "the form of the keys fits; `--deep` asks the hosts",
        ));
    }
    findings
}

/// The beginning of a key tells its family.
fn by_form(situation: &Situation<'_>, provider: &str) -> Option<Finding> {
    let settings = situation.settings();
    let block = settings
        .models
        .providers
        .iter()
        .find(|block| block.key == provider)?;
    let endpoint = situation
        .catalog
        .endpoint_for_url(block.base_url.as_deref()?)?
        .endpoint;
    let secret = secret_of(situation, provider)?;
    let family = situation.catalog.key_family(&prefix(&secret));
    if endpoint.admits(family) {
        return None;
    }
    // The form is a hint, not a proof: only the hosts know, and they are asked with `--deep`.
    let message = format!(
        "the key of `{provider}` ({}) does not look like one for {} ({})",
        secret.mask(),
        endpoint.host(),
        endpoint.label
    );
    let path = format!("models.providers.{provider}.baseUrl");
    let hint = "`openclaw doctor --deep` asks the hosts where the key belongs";
    let mut finding = Finding::info(message)
        .in_file(situation.config_path())
        .hint(hint);
    finding.place = path.parse().ok().and_then(|path| situation.place(&path));
    Some(finding.path(path))
}

fn by_answer(answer: &Answer) -> Option<Finding> {
    let Answer {
        provider,
        host,
        credential,
        ..
    } = answer;
    match &answer.verdict {
        Verdict::Refused(failure) if answer.homes.is_empty() => Some(
            Finding::error(format!("{host} refuses {credential} of `{provider}`, and no other host of its kind takes it"))
                .hint(failure.hint().to_owned())
                .evidence(failure.client_message()),
        ),
        Verdict::Refused(failure) => Some(
            Finding::error(format!(
                "{host} refuses {credential} of `{provider}`: the key belongs to {}",
                answer.homes.join(", ")
            ))
            .hint("`openclaw onboard` with the same key sets it up where it belongs")
            .evidence(failure.client_message()),
        ),
        Verdict::Unknown(failure) => Some(
            Finding::skipped(format!("{host} could not be asked: {}", failure.client_message()))
                .hint(failure.hint().to_owned()),
        ),
        Verdict::Works(_) | Verdict::WorksLater(_) => None,
    }
}
