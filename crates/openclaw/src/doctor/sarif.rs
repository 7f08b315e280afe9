//! Findings in SARIF 2.1.0, the form in which code hosts show the results of checks
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>).

use serde_json::{Value, json};

use super::{Check, Finding, Status};

/// Returns the log of one run.
pub(crate) fn sarif(checks: &[&Check], findings: &[Finding]) -> Value {
    let rules: Vec<Value> = checks
        .iter()
        .map(|check| json!({"id": check.id(), "shortDescription": {"text": check.title}}))
        .collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "openclaw doctor", "version": env!("CARGO_PKG_VERSION"), "rules": rules,
            }},
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let level = match finding.status {
        Status::Error => "error",
        Status::Warning => "warning",
        Status::Info => "note",
        Status::Ok | Status::Skipped => "none",
    };
    let text = match &finding.hint {
        Some(hint) => format!("{}. Next: {hint}", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({"ruleId": finding.check, "level": level, "message": {"text": text}});
    if let (Some(file), Some(members)) = (&finding.file, result.as_object_mut()) {
        let mut place = json!({"artifactLocation": {"uri": format!("file://{}", file.display())}});
        if let (Some((line, column)), Some(place)) = (finding.place, place.as_object_mut()) {
            place.insert(
                "region".to_owned(),
                json!({"startLine": line, "startColumn": column}),
            );
        }
        members.insert("locations".to_owned(), json!([{"physicalLocation": place}]));
    }
    result
}
