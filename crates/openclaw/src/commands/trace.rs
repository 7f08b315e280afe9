//! `trace`: what the gateway decided for one request, read from its log, with the gateway running or not.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::gateway::TraceArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{Output, strong};

/// Longest line of a log that is read, in bytes; a record is far shorter.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Shows the decisions for one request.
pub(crate) fn run(args: &TraceArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let path = context.log_path()?;
    for file in newest_first(&path) {
        if let Some(record) = find(&file, &args.request_id) {
            if args.json {
                out.json(&record);
            } else {
                print(&record, out);
            }
            return Ok(Exit::Ok);
        }
    }
    let shown = context.home.display(&path);
    Err(Failed::new(format!(
        "no request `{}` in {shown} and what was rotated from it",
        args.request_id
    ))
    .hint("the id is in the `x-request-id` header of every answer, and in `openclaw logs`"))
}

/// Returns the log and the files rotated from it.
fn newest_first(path: &Path) -> Vec<PathBuf> {
    let rotated = (1..=gateway::log::ROTATED_FILES).map(|n| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    });
    std::iter::once(path.to_owned()).chain(rotated).collect()
}

/// Returns the record of the request; a file that cannot be read has none.
fn find(path: &Path, request_id: &str) -> Option<Value> {
    use std::io::Read;
    let mut reader = BufReader::new(File::open(path).ok()?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .ok()?;
        if n == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&line);
        if !text.contains(request_id) {
            continue;
        }
        if let Ok(record) = serde_json::from_str::<Value>(&text)
            && member(&record, "message") == "request"
            && member(&record, "requestId") == &json!(request_id)
        {
            return Some(record);
        }
    }
}

fn member<'a>(record: &'a Value, key: &str) -> &'a Value {
    record.get(key).unwrap_or(&Value::Null)
}

fn print(record: &Value, out: Output) {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let line =
        |name: &str, value: String| out.line(format!("{}: {value}", strong(format!("{name:<12}"))));
    line("Request", text(member(record, "requestId")));
    line("Time", text(member(record, "time")));
    line("Caller", text(member(record, "caller")));
    line("Asked for", text(member(record, "requestedModel")));
    let steps = member(record, "trace")
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for (n, step) in steps.iter().enumerate() {
        out.line(format!("  {}. {}", n + 1, describe(step)));
    }
    let answered = format!(
        "{}/{} at {} with {}",
        text(member(record, "provider")),
        text(member(record, "model")),
        text(member(record, "host")),
        text(member(record, "credential"))
    );
    line("Candidate", answered);
    let corrections = member(record, "corrections").as_array();
    for correction in corrections.into_iter().flatten() {
        line("Corrected", text(correction));
    }
    let outcome = format!(
        "{} (upstream status {}, upstream id {})",
        text(member(record, "outcome")),
        text(member(record, "status")),
        text(member(record, "upstreamRequestId"))
    );
    line("Outcome", outcome);
    let timing = format!(
        "first byte {} ms, all {} ms",
        text(member(record, "firstByteMs")),
        text(member(record, "durationMs"))
    );
    line("Timing", timing);
    line("Tokens", text(member(record, "usage")));
}

/// Says one step in words.
fn describe(step: &Value) -> String {
    let text = |key: &str| member(step, key).as_str().unwrap_or("-").to_owned();
    match member(step, "step").as_str() {
        Some("skipped") => format!("left out {}: {}", text("model"), text("reason")),
        Some("waited") => format!("nobody was free: waited {} ms", member(step, "waitMs")),
        Some(kind @ ("failed" | "rested")) => {
            let what = if kind == "failed" {
                "asked"
            } else {
                "passed over"
            };
            let status = member(step, "status")
                .as_u64()
                .map_or(String::new(), |status| format!(" {status}"));
            let took = member(step, "durationMs")
                .as_u64()
                .map_or(String::new(), |ms| format!(" after {ms} ms"));
            format!(
                "{what} {} at {} with {}:{status} {} (scope {}, rule {}){took}: {}",
                text("model"),
                text("host"),
                text("credential"),
                text("class"),
                text("scope"),
                text("rule"),
                text("message")
            )
        }
        _ => step.to_string(),
    }
}
