//! `usage`: what was used and what it cost, read from the ledger, with the gateway running or not.

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use state::{DAY_MS, Grouping, HOUR_MS, LedgerStore, Usage, UsageRow, UsageSum};

use crate::cli::usage::{UsageArgs, UsageBy};
use crate::context::{Context, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{dim, strong};

/// Widest bar, in characters.
const BAR_CHARS_MAX: u64 = 24;
/// Billionths of one.
const NANO: u64 = 1_000_000_000;

/// Shows the sums.
pub(crate) fn run(args: &UsageArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let now_ms = now_ms();
    let since_ms = since_ms(&args.since, now_ms)?;
    let store =
        LedgerStore::open_read_only(&LedgerStore::path(&context.home)).map_err(|error| {
            Failed::of(&error)
                .hint("the gateway serves without it; a broken ledger can be moved away")
        })?;
    let usage = match store {
        Some(store) => store
            .usage(grouping(args.by), since_ms, now_ms)
            .map_err(|error| Failed::of(&error))?,
        None => Usage {
            since_ms,
            rows: Vec::new(),
        },
    };
    let view = View { by: args.by, usage };
    if args.json {
        out.json(&view.json());
    } else {
        view.lines().into_iter().for_each(|line| out.line(line));
    }
    Ok(Exit::Ok)
}

fn grouping(by: UsageBy) -> Grouping {
    match by {
        UsageBy::Model => Grouping::Model,
        UsageBy::Caller => Grouping::Caller,
        UsageBy::Host => Grouping::Host,
        UsageBy::Hour => Grouping::Hour,
        UsageBy::Day => Grouping::Day,
    }
}

/// Reads a time back from now, or a date in UTC.
fn since_ms(text: &str, now_ms: u64) -> Result<u64, Failed> {
    let text = text.trim();
    let mut digits = text.chars();
    let unit_ms = match digits.next_back() {
        Some('h') => Some(HOUR_MS),
        Some('d') => Some(DAY_MS),
        Some('w') => Some(7 * DAY_MS),
        _ => None,
    };
    let back = unit_ms.and_then(|unit| digits.as_str().parse::<u64>().ok()?.checked_mul(unit));
    if let Some(back_ms) = back {
        return Ok(now_ms.saturating_sub(back_ms));
    }
    let midnight = text
        .parse::<jiff::civil::Date>()
        .and_then(|date| date.to_zoned(TimeZone::UTC));
    match midnight {
        Ok(begin) => Ok(u64::try_from(begin.timestamp().as_millisecond()).unwrap_or_default()),
        Err(_) => Err(Failed::new(format!("`{text}` is not a time to count from"))
            .hint("use `12h`, `7d`, `4w`, or a date such as 2026-11-01")),
    }
}

/// What is shown.
struct View {
    by: UsageBy,
    usage: Usage,
}

impl View {
    fn total(&self) -> UsageSum {
        let mut total = UsageSum::default();
        for row in &self.usage.rows {
            total.merge(&row.sum);
        }
        total
    }

    fn by(&self) -> &'static str {
        match self.by {
            UsageBy::Model => "model",
            UsageBy::Caller => "caller",
            UsageBy::Host => "host",
            UsageBy::Hour => "hour",
            UsageBy::Day => "day",
        }
    }

    /// Returns a key as people read it.
    fn key(&self, row: &UsageRow) -> String {
        let begin_ms = row.key.parse().unwrap_or_default();
        match self.by {
            UsageBy::Day => time(begin_ms, "%Y-%m-%d"),
            UsageBy::Hour => time(begin_ms, "%Y-%m-%d %H:%M"),
            UsageBy::Model | UsageBy::Caller | UsageBy::Host => row.key.clone(),
        }
    }

    fn json(&self) -> Value {
        let row = |row: &UsageRow| {
            let mut value = sum_json(&row.sum);
            if let Some(members) = value.as_object_mut() {
                members.insert(self.by().to_owned(), json!(self.key(row)));
            }
            value
        };
        json!({
            "by": self.by(),
            "since": time(self.usage.since_ms, "%Y-%m-%dT%H:%M:%SZ"),
            "rows": self.usage.rows.iter().map(row).collect::<Vec<_>>(),
            "total": sum_json(&self.total()),
        })
    }

    fn lines(&self) -> Vec<String> {
        let since = time(self.usage.since_ms, "%Y-%m-%d %H:%M");
        let title = format!("Usage by {} since {since} UTC", self.by());
        if self.usage.rows.is_empty() {
            return vec![
                strong(title),
                "no request was recorded in this time".to_owned(),
            ];
        }
        let keys: Vec<String> = self.usage.rows.iter().map(|row| self.key(row)).collect();
        let wide = keys
            .iter()
            .map(|key| key.chars().count())
            .max()
            .unwrap_or_default();
        let has_tokens = self.usage.rows.iter().any(|row| tokens(&row.sum) > 0);
        let weight = |sum: &UsageSum| {
            if has_tokens {
                tokens(sum)
            } else {
                sum.requests
            }
        };
        let most = self
            .usage
            .rows
            .iter()
            .map(|row| weight(&row.sum))
            .max()
            .unwrap_or_default();
        let mut lines = vec![strong(title)];
        for (key, row) in keys.iter().zip(&self.usage.rows) {
            let bar = bar(weight(&row.sum), most);
            lines.push(format!("{key:wide$}  {bar}  {}", described(&row.sum)));
        }
        let blank = " ".repeat(usize::try_from(BAR_CHARS_MAX).unwrap_or_default());
        let total = strong(format!("{:wide$}", "total"));
        lines.push(format!("{total}  {blank}  {}", described(&self.total())));
        lines
    }
}

fn time(ms: u64, format: &str) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
    at.strftime(format).to_string()
}

fn tokens(sum: &UsageSum) -> u64 {
    sum.tokens.input + sum.tokens.output
}

/// Draws a part of a whole, to an eighth of a character; what is not nothing is seen.
fn bar(part: u64, whole: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let filled = u128::from(part) * u128::from(BAR_CHARS_MAX) * 8 / u128::from(whole.max(1));
    let filled = usize::try_from(filled).unwrap_or_default();
    let filled = if part > 0 { filled.max(1) } else { 0 };
    let last = EIGHTHS.get(filled % 8).copied().unwrap_or_default();
    let bar = format!("{}{last}", "█".repeat(filled / 8));
    format!("{bar:24}")
}

fn described(sum: &UsageSum) -> String {
    let mut text = format!(
        "{} in, {} out, {} requests",
        grouped(sum.tokens.input),
        grouped(sum.tokens.output),
        grouped(sum.requests)
    );
    if sum.failed > 0 {
        text = format!("{text} ({} failed)", grouped(sum.failed));
    }
    text = format!("{text}, {}", cost(sum));
    let mut asides = Vec::new();
    if sum.tokens.cached > 0 {
        asides.push(format!("{} cached", grouped(sum.tokens.cached)));
    }
    if sum.tokens.reasoning > 0 {
        asides.push(format!("{} reasoning", grouped(sum.tokens.reasoning)));
    }
    if sum.without_usage > 0 {
        asides.push(format!("{} without a count", grouped(sum.without_usage)));
    }
    if !asides.is_empty() {
        text.push_str(&dim(format!("  [{}]", asides.join(", "))));
    }
    text
}

/// Says what is known of the cost, and for how many requests nothing is.
fn cost(sum: &UsageSum) -> String {
    let known = sum
        .cost_nano
        .iter()
        .map(|(currency, nano)| format!("{} {currency}", money(*nano)));
    let known: Vec<String> = known.collect();
    let unpriced = sum.requests.saturating_sub(sum.priced);
    match (known.is_empty(), unpriced) {
        (true, _) => "cost unknown".to_owned(),
        (false, 0) => known.join(" + "),
        (false, n) => format!(
            "{} + {} requests of unknown cost",
            known.join(" + "),
            grouped(n)
        ),
    }
}

/// Writes billionths with six digits after the point.
fn money(nano: u64) -> String {
    format!("{}.{:06}", nano / NANO, nano % NANO / 1000)
}

/// Writes a number with its thousands apart.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn sum_json(sum: &UsageSum) -> Value {
    let average = |whole: u64, n: u64| whole.checked_div(n);
    let costs: serde_json::Map<String, Value> = sum
        .cost_nano
        .iter()
        .map(|(currency, nano)| (currency.clone(), json!(money(*nano))))
        .collect();
    json!({
        "requests": sum.requests,
        "failed": sum.failed,
        "withoutUsage": sum.without_usage,
        "inputTokens": sum.tokens.input,
        "outputTokens": sum.tokens.output,
        "cachedTokens": sum.tokens.cached,
        "cacheWriteTokens": sum.tokens.cache_write,
        "reasoningTokens": sum.tokens.reasoning,
        "cost": if costs.is_empty() { Value::Null } else { Value::Object(costs) },
        "requestsOfUnknownCost": sum.requests.saturating_sub(sum.priced),
        "averageMs": average(sum.duration_ms, sum.requests),
        "averageFirstByteMs": average(sum.first_byte_ms, sum.first_bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_back_from_now_or_as_dates() {
        let now_ms = 1_800_000_000_000;
        assert_eq!(since_ms("12h", now_ms).unwrap(), now_ms - 12 * HOUR_MS);
        assert_eq!(since_ms(" 2w ", now_ms).unwrap(), now_ms - 14 * DAY_MS);
        assert_eq!(since_ms("99999d", now_ms).unwrap(), 0);
        assert_eq!(since_ms("2026-11-01", now_ms).unwrap(), 1_793_491_200_000);
        for wrong in [
            "",
            "d",
            "7",
            "-3d",
            "7é",
            "yesterday",
            "99999999999999999999d",
            "2026-13-01",
        ] {
            assert!(since_ms(wrong, now_ms).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bars_fill_the_same_width_and_never_hide_something() {
        for (part, whole) in [
            (0, 0),
            (0, 9),
            (1, u64::MAX),
            (5, 9),
            (9, 9),
            (u64::MAX, u64::MAX),
        ] {
            let bar = bar(part, whole);
            assert_eq!(bar.chars().count(), 24, "{part} of {whole}");
            assert_eq!(bar.trim().is_empty(), part == 0, "{part} of {whole}");
        }
    }

    #[test]
    fn costs_say_what_is_not_known() {
        let mut sum = UsageSum {
            requests: 1200,
            ..UsageSum::default()
        };
        assert_eq!(cost(&sum), "cost unknown");
        sum.priced = 100;
        sum.cost_nano.insert("USD".to_owned(), 1_234_567_890);
        assert_eq!(cost(&sum), "1.234567 USD + 1,100 requests of unknown cost");
    }
}
