//! From single measurements to the tables a person reads.

use super::figures::{median, real, shown, table};
use super::phase::{Phase, Sample};

const KIB_PER_MIB: f64 = 1024.0;
/// What everything is compared with.
const YARDSTICK: &str = "nginx";
const FLOOR: &str = "direct";

type Figure = fn(&Sample) -> Option<f64>;

/// How a column is made from the samples of one target.
enum Column {
    /// The median of a figure.
    Median(Figure),
    /// The median, over the rounds, of the figure divided by nginx's in the same round.
    Ratio(Figure),
    /// The median, over the rounds, of the figure minus the direct one in the same round.
    Added(Figure),
    Failures,
}

/// A column's title, content and decimals.
type Columns = &'static [(&'static str, Column, usize)];

const REQUESTS: Columns = &[
    ("req/s", Column::Median(requests_per_s), 0),
    ("p50 us", Column::Median(latency_p50), 0),
    ("p99 us", Column::Median(latency_p99), 0),
    ("added p50 us", Column::Added(latency_p50), 0),
    ("CPU us/req", Column::Median(cpu_us), 2),
    ("CPU x nginx", Column::Ratio(cpu_us), 2),
    ("req/s x nginx", Column::Ratio(requests_per_s), 2),
    ("failures", Column::Failures, 0),
];

const STREAMS: Columns = &[
    ("chunks/s", Column::Median(chunks_per_s), 0),
    ("first byte p50 us", Column::Median(first_byte_p50), 0),
    ("delay p50 us", Column::Median(delay_p50), 0),
    ("delay p99 us", Column::Median(delay_p99), 0),
    ("added delay p50 us", Column::Added(delay_p50), 0),
    ("CPU us/chunk", Column::Median(cpu_us), 2),
    ("CPU x nginx", Column::Ratio(cpu_us), 2),
    ("RSS MiB", Column::Median(rss_mib), 1),
    ("failures", Column::Failures, 0),
];

fn requests_per_s(sample: &Sample) -> Option<f64> {
    sample.figure("/requests_per_s")
}

fn chunks_per_s(sample: &Sample) -> Option<f64> {
    sample.figure("/chunks_per_s")
}

fn latency_p50(sample: &Sample) -> Option<f64> {
    sample.figure("/latency_us/p50")
}

fn latency_p99(sample: &Sample) -> Option<f64> {
    sample.figure("/latency_us/p99")
}

fn first_byte_p50(sample: &Sample) -> Option<f64> {
    sample.figure("/first_byte_us/p50")
}

fn delay_p50(sample: &Sample) -> Option<f64> {
    sample.figure("/chunk_delay_us/p50")
}

fn delay_p99(sample: &Sample) -> Option<f64> {
    sample.figure("/chunk_delay_us/p99")
}

fn cpu_us(sample: &Sample) -> Option<f64> {
    sample.cpu_us
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the other figures may be missing, and a column takes any of them"
)]
fn rss_mib(sample: &Sample) -> Option<f64> {
    Some(real(sample.rss_kib) / KIB_PER_MIB)
}

/// The table of one phase.
pub(super) fn of_phase(phase: &Phase, targets: &[&str], samples: &[Sample]) -> String {
    let columns = if phase.is_streamed() {
        STREAMS
    } else {
        REQUESTS
    };
    let samples: Vec<_> = samples
        .iter()
        .filter(|sample| sample.phase == phase.name)
        .collect();
    let titles = columns.iter().map(|(title, ..)| *title);
    let head: Vec<_> = std::iter::once("target").chain(titles).collect();
    let rows: Vec<_> = targets
        .iter()
        .map(|target| {
            let cells = columns
                .iter()
                .map(|(_, column, n_decimals)| shown(column.value(target, &samples), *n_decimals));
            std::iter::once((*target).to_owned()).chain(cells).collect()
        })
        .collect();
    format!("{}: {}\n\n{}", phase.name, phase.about, table(&head, &rows))
}

impl Column {
    fn value(&self, target: &str, samples: &[&Sample]) -> Option<f64> {
        let own = samples.iter().filter(|sample| sample.target == target);
        let values: Vec<f64> = match self {
            Self::Median(figure) => own.filter_map(|sample| figure(sample)).collect(),
            Self::Ratio(figure) => own
                .filter_map(|sample| {
                    Some(figure(sample)? / pair(sample, YARDSTICK, samples, *figure)?)
                })
                .collect(),
            Self::Added(figure) => own
                .filter_map(|sample| Some(figure(sample)? - pair(sample, FLOOR, samples, *figure)?))
                .collect(),
            Self::Failures => return Some(real(own.map(|sample| sample.n_failures()).sum())),
        };
        median(&values)
    }
}

/// The same figure of another target in the same round.
fn pair(sample: &Sample, other: &str, samples: &[&Sample], figure: Figure) -> Option<f64> {
    let found = samples
        .iter()
        .find(|found| found.target == other && found.round == sample.round)?;
    figure(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::phase::PHASES;
    use super::*;

    fn sample(target: &'static str, round: usize, cpu_us: f64, p50: f64) -> Sample {
        Sample {
            target,
            phase: "c64",
            round,
            report: json!({
                "requests_per_s": 1000.0,
                "latency_us": {"p50": p50, "p99": 90.0},
                "failures": u64::from(target == "ours"),
                "unfinished": 64,
            }),
            cpu_us: Some(cpu_us),
            rss_kib: 2048,
        }
    }

    #[test]
    fn ratios_and_differences_are_of_the_same_round() {
        let samples = [
            sample("direct", 0, 1.0, 10.0),
            sample("nginx", 0, 10.0, 20.0),
            sample("ours", 0, 20.0, 30.0),
            // A slow round for everybody: the ratio must not notice.
            sample("direct", 1, 3.0, 30.0),
            sample("nginx", 1, 30.0, 60.0),
            sample("ours", 1, 60.0, 50.0),
        ];
        let phase = PHASES.iter().find(|phase| phase.name == "c64").unwrap();
        let text = of_phase(phase, &["ours"], &samples);
        let row = text.lines().last().unwrap();
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert_eq!(
            cells[1..10],
            [
                "ours", "1000", "40", "90", "20", "40.00", "2.00", "1.00", "2"
            ]
        );
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let samples = [sample("ours", 0, 20.0, 30.0)];
        let phase = PHASES.iter().find(|phase| phase.name == "c64").unwrap();
        let text = of_phase(phase, &["ours"], &samples);
        assert!(text.lines().last().unwrap().contains("| -"));
    }
}
