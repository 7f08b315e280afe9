//! Sunset table: what ends when.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::Error;

text_enum! {
    /// What a sunset row is about.
    pub enum SunsetSubject {
        /// A host name.
        Host => "host",
        /// A provider id as written in a config.
        Provider => "provider",
        /// A plugin id.
        Plugin => "plugin",
        /// An auth-choice id.
        AuthChoice => "auth-choice",
        /// A model id.
        Model => "model",
        /// A URL path.
        Path => "path",
        /// A tier of a plan.
        PlanTier => "plan-tier",
    }
}

/// A day of the Gregorian calendar, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDay {
    year: i32,
    month: u8,
    day: u8,
}

impl CalendarDay {
    /// Returns the day, or none when month (1 to 12) or day (1 to 31) is out of range.
    pub const fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        if month == 0 || month > 12 || day == 0 || day > 31 {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// The first day that is counted from.
    pub const FIRST: Self = Self {
        year: 1970,
        month: 1,
        day: 1,
    };

    /// Returns the number of days from `earlier` to `self`; negative when `self` is first.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.number() - earlier.number()
    }

    /// Counts days from a fixed origin: years begin in March, so that the leap day is last.
    fn number(self) -> i64 {
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let from_march = (month + 9) % 12;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        year * 365 + leap_days + (from_march * 153 + 2) / 5 + i64::from(self.day)
    }
}

impl fmt::Display for CalendarDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for CalendarDay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let mut parts = text.splitn(3, '-');
            let year = parts.next()?.parse().ok()?;
            let month = parts.next()?.parse().ok()?;
            let day = parts.next()?.parse().ok()?;
            Self::new(year, month, day)
        };
        parse().ok_or_else(|| Error::Vocabulary {
            what: "date (YYYY-MM-DD)",
            text: text.chars().take(crate::error::ECHO_CHARS_MAX).collect(),
        })
    }
}

impl<'de> Deserialize<'de> for CalendarDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// One retirement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sunset {
    /// Unique id.
    pub id: String,
    /// What `matches` holds.
    pub subject: SunsetSubject,
    /// The names that end, ASCII case ignored.
    pub matches: Vec<String>,
    /// Last day or day of the end; none when announced without one.
    #[serde(default)]
    pub date: Option<CalendarDay>,
    /// What happens, for people.
    pub text: String,
    /// What to use instead.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// Command that leads there.
    #[serde(default)]
    pub next: Option<String>,
}

impl Sunset {
    /// Whether the row is about this name.
    pub fn concerns(&self, subject: SunsetSubject, name: &str) -> bool {
        self.subject == subject
            && self
                .matches
                .iter()
                .any(|text| text.eq_ignore_ascii_case(name))
    }

    /// Whether the day has come; an announcement without a day never has.
    pub fn has_come(&self, today: CalendarDay) -> bool {
        self.date.is_some_and(|date| date <= today)
    }
}
