//! Whether TLS to the hosts is what it should be, or read by something in between.

use std::path::Path;

use catalog::ErrorClass;
use providers::probe::Verdict;

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "tls",
    title: "connections to the hosts are not intercepted",
    detect,
    repair: Repair::None,
};

/// Words of a failure that tell that the certificate was not accepted.
const CERTIFICATE_WORDS: [&str; 3] = ["certificate", "UnknownIssuer", "invalid peer"];

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(config) = situation.config() else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    let mut findings = Vec::new();
    if let Some(file) = config.environment.path_var(config::env_var::SSL_CERT_FILE) {
        findings.push(about_roots(Path::new(file)));
    }
    for answer in situation.answers() {
        let Verdict::Unknown(failure) = &answer.verdict else {
            continue;
        };
        let said = failure.client_message();
        if failure.class == ErrorClass::Network
            && CERTIFICATE_WORDS.iter().any(|word| said.contains(word))
        {
            let message = format!(
                "{} shows a certificate that this machine does not trust",
                answer.host
            );
            let hint = "a proxy that reads TLS? set SSL_CERT_FILE to its authority's certificate";
            findings.push(Finding::error(message).evidence(said).hint(hint));
        }
    }
    if findings.is_empty() && !situation.deep {
        findings.push(Finding::skipped("`--deep` asks the hosts"));
    }
    findings
}

fn about_roots(file: &Path) -> Finding {
    let holds = std::fs::read_to_string(file)
        .is_ok_and(|text| text.contains("-----BEGIN CERTIFICATE-----"));
    let finding = if holds {
        Finding::info(format!(
            "SSL_CERT_FILE adds the authorities in {}",
            file.display()
        ))
    } else {
        Finding::error(format!(
            "SSL_CERT_FILE names {}, which holds no certificate",
            file.display()
        ))
        .hint("unset it, or name a PEM file")
    };
    finding.in_file(file)
}
