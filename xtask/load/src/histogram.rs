//! A log-linear histogram: constant memory, quantiles within one per cent.

/// Linear steps per power of two; 128 keeps the error of a quantile under 0.8 %.
const STEPS: u64 = 128;
/// Powers of two above `STEPS` that are told apart; 2^(7 + 40) ns is 39 hours.
const POWERS: u64 = 40;

/// Counts of nanosecond durations.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        let n_buckets = usize::try_from(STEPS * (POWERS + 1)).unwrap_or(0);
        Self {
            counts: vec![0; n_buckets],
            total: 0,
        }
    }

    pub(crate) fn record(&mut self, nanoseconds: u64) {
        let last = self.counts.len().saturating_sub(1);
        let bucket = usize::try_from(bucket_of(nanoseconds)).map_or(last, |index| index.min(last));
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
            self.total += 1;
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.total
    }

    /// The value below which `permille` thousandths of the records lie, if there are any.
    pub(crate) fn quantile_ns(&self, permille: u64) -> Option<u64> {
        if self.total == 0 {
            return None;
        }
        let rank = (self.total * permille).div_ceil(1000).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        u64::try_from(found).ok().map(middle_of)
    }
}

/// Below `STEPS` a bucket is one nanosecond; above, each power of two has `STEPS / 2` buckets.
fn bucket_of(value: u64) -> u64 {
    if value < STEPS {
        return value;
    }
    let shift = u64::from(value.ilog2() - STEPS.ilog2() + 1);
    STEPS / 2 * shift + (value >> shift)
}

fn middle_of(bucket: u64) -> u64 {
    if bucket < STEPS {
        return bucket;
    }
    let shift = bucket / (STEPS / 2) - 1;
    let step = bucket - STEPS / 2 * shift;
    (step << shift) + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_within_one_per_cent_of_its_bucket() {
        for power in 0..45 {
            for offset in [0, 1, 3, 77] {
                let value = (1_u64 << power) + offset;
                let middle = middle_of(bucket_of(value));
                assert!(
                    middle.abs_diff(value) * 100 <= value,
                    "{value} read back as {middle}"
                );
            }
        }
    }

    #[test]
    fn buckets_are_in_the_order_of_their_values() {
        let mut previous = 0;
        for value in 0..100_000 {
            let bucket = bucket_of(value);
            assert!(bucket == previous || bucket == previous + 1, "at {value}");
            previous = bucket;
        }
    }

    #[test]
    fn quantiles_of_a_ramp() {
        let mut histogram = Histogram::new();
        for value in 1..=1000 {
            histogram.record(value * 1000);
        }
        let median = histogram.quantile_ns(500).unwrap();
        let high = histogram.quantile_ns(990).unwrap();
        assert!(median.abs_diff(500_000) <= 5_000, "{median}");
        assert!(high.abs_diff(990_000) <= 9_900, "{high}");
        assert_eq!(Histogram::new().quantile_ns(500), None);
    }
}
