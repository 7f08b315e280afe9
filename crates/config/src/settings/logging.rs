//! `logging`: how much is logged and where.

use super::reader::{Reader, Section};

/// `logging`.
#[derive(Debug, Clone, Default)]
pub struct LoggingSettings {
    /// `level`: of the log file.
    pub level: Option<LogLevel>,
    /// `consoleLevel`: of the terminal.
    pub console_level: Option<LogLevel>,
    /// `file`: the log file, instead of the one in the home.
    pub file: Option<String>,
    /// `maxFileBytes`: the size at which the file is rotated.
    pub max_file_bytes: Option<u64>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Silent,
    /// Only what ends the program.
    Fatal,
    /// Someone must act.
    Error,
    /// Something is degraded.
    Warn,
    /// The life of the service.
    Info,
    /// One line or more per request.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The words of the config and their meaning.
    pub(super) const WORDS: [(&str, Self); 7] = [
        ("silent", Self::Silent),
        ("fatal", Self::Fatal),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    /// Reads a level as it is written in the config, in `OPENCLAW_LOG_LEVEL` and after `--log-level`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::WORDS
            .into_iter()
            .find(|(word, _)| text.trim().eq_ignore_ascii_case(word))
            .map(|(_, level)| level)
    }
}

impl LoggingSettings {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        Self {
            level: reader.choice(section, "level", &LogLevel::WORDS),
            console_level: reader.choice(section, "consoleLevel", &LogLevel::WORDS),
            file: reader.text(section, "file"),
            max_file_bytes: reader.whole(section, "maxFileBytes", 1..=u64::MAX),
        }
    }
}
