//! On what the numbers were measured.

use std::fs;

use serde_json::{Value, json};

/// Processor, kernel, cores and how busy the machine was when the benchmark began.
pub(super) fn describe() -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let model = processor
        .lines()
        .find(|line| line.starts_with("model name"));
    let model = model
        .and_then(|line| line.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    json!({
        "processor": model,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "load_average": load_average(),
    })
}

/// Runnable processes over the last minute: other work on the machine disturbs throughput and p99.
pub(super) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

/// One line for the top of a report.
pub(super) fn line(machine: &Value) -> String {
    let text = |name: &str| {
        machine.get(name).map_or(String::new(), |value| {
            value.as_str().map_or(value.to_string(), str::to_owned)
        })
    };
    format!(
        "{}, {} cores, Linux {}, load average {}",
        text("processor"),
        text("cores"),
        text("kernel"),
        text("load_average")
    )
}
