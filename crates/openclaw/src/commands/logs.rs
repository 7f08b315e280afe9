//! `logs`: the gateway's log, from its end on, and what is added to it.
//!
//! A follower remembers the file it is reading, not only its name: when the gateway rotates, the old file is read to
//! its end before the new one is opened.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::gateway::LogsArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{Output, dim};

/// How often a follower looks for new lines.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bytes read from the end of the file to find the last lines.
const TAIL_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Prints the last lines and, with `--follow`, all that come after them.
pub(crate) fn run(args: &LogsArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let path = context.log_path()?;
    let format = Format::of(args);
    let Some(mut tail) = Tail::open(&path)? else {
        if !args.follow {
            let shown = context.home.display(&path);
            return Err(Failed::new(format!("there is no log yet at {shown}"))
                .hint("`openclaw gateway run` writes it"));
        }
        out.note(format!("waiting for {}", context.home.display(&path)));
        return follow(Tail::at_start(path), format, out);
    };
    print_header(&tail, format, out, &context.home.display(&path));
    for line in tail.last_lines(args.limit as usize)? {
        print_line(&line, format, out);
    }
    if args.follow {
        follow(tail, format, out)
    } else {
        Ok(Exit::Ok)
    }
}

fn follow(mut tail: Tail, format: Format, out: Output) -> Done {
    // Ends with the process: Ctrl-C, or a closed pipe on the next line.
    loop {
        for line in tail.new_lines()? {
            print_line(&line, format, out);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Human,
    Json,
    Plain,
}

impl Format {
    fn of(args: &LogsArgs) -> Self {
        match (args.json, args.plain) {
            (true, _) => Self::Json,
            (false, true) => Self::Plain,
            (false, false) => Self::Human,
        }
    }
}

fn print_header(tail: &Tail, format: Format, out: Output, shown: &str) {
    match format {
        Format::Human => out.note(format!("Log file: {shown}")),
        Format::Json => out.line(
            json!({"type": "meta", "file": tail.path, "sourceKind": "file", "cursor": tail.offset})
                .to_string(),
        ),
        Format::Plain => {}
    }
}

fn print_line(line: &str, format: Format, out: Output) {
    if format == Format::Plain {
        return out.line(line);
    }
    let record: Value = serde_json::from_str(line).unwrap_or(Value::Null);
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
    if format == Format::Json {
        let record = json!({
            "type": "log", "time": text("time"), "level": text("level"), "subsystem": text("subsystem"),
            "message": text("message"), "raw": line,
        });
        return out.line(record.to_string());
    }
    if record.is_null() {
        return out.line(line);
    }
    let details = details(&record);
    let (time, level) = (text("time"), text("level"));
    out.line(format!(
        "{} {level:5} [{}] {}{details}",
        dim(time),
        text("subsystem"),
        text("message")
    ));
}

/// Shows the members that a reader of one line needs, as `key=value`.
fn details(record: &Value) -> String {
    // The trace is for `openclaw trace`.
    const KNOWN: [&str; 7] = [
        "time",
        "level",
        "subsystem",
        "message",
        "pid",
        "traceId",
        "trace",
    ];
    let Some(members) = record.as_object() else {
        return String::new();
    };
    let others = members
        .iter()
        .filter(|(key, value)| !KNOWN.contains(&key.as_str()) && !value.is_null());
    others
        .map(|(key, value)| match value {
            Value::String(text) => format!(" {key}={text}"),
            other => format!(" {key}={other}"),
        })
        .collect()
}

/// A place in a log file that survives rotation.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    partial: String,
}

impl Tail {
    fn open(path: &Path) -> Result<Option<Self>, Failed> {
        match File::open(path) {
            Ok(file) => Ok(Some(Self {
                path: path.to_owned(),
                file: Some(file),
                offset: 0,
                partial: String::new(),
            })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot_read(path, &error)),
        }
    }

    fn at_start(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            offset: 0,
            partial: String::new(),
        }
    }

    fn last_lines(&mut self, count: usize) -> Result<Vec<String>, Failed> {
        let length = self
            .file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |meta| meta.len());
        self.offset = length.saturating_sub(TAIL_BYTES_MAX);
        let started_inside = self.offset > 0;
        let mut lines = self.read_on()?;
        if started_inside && !lines.is_empty() {
            lines.remove(0);
        }
        let skip = lines.len().saturating_sub(count);
        Ok(lines.split_off(skip))
    }

    fn new_lines(&mut self) -> Result<Vec<String>, Failed> {
        let mut lines = self.read_on()?;
        if self.was_rotated() {
            // What was written between the read above and the rotation is still in the old file.
            lines.extend(self.read_on()?);
            self.file = File::open(&self.path).ok();
            self.offset = 0;
            self.partial.clear();
            lines.extend(self.read_on()?);
        }
        Ok(lines)
    }

    fn was_rotated(&self) -> bool {
        let Some(file) = &self.file else {
            return self.path.exists();
        };
        let (Ok(open), Ok(named)) = (file.metadata(), std::fs::metadata(&self.path)) else {
            return false;
        };
        !same_file(&open, &named) || named.len() < self.offset
    }

    fn read_on(&mut self) -> Result<Vec<String>, Failed> {
        let Some(file) = &mut self.file else {
            return Ok(Vec::new());
        };
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.read_to_end(&mut bytes));
        let read = read.map_err(|error| cannot_read(&self.path, &error))?;
        self.offset += read as u64;
        self.partial.push_str(&String::from_utf8_lossy(&bytes));
        let complete = self.partial.rfind('\n').map_or(0, |at| at + 1);
        let lines = self.partial.drain(..complete).collect::<String>();
        Ok(lines.lines().map(str::to_owned).collect())
    }
}

#[cfg(unix)]
fn same_file(left: &std::fs::Metadata, right: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(not(unix))]
fn same_file(left: &std::fs::Metadata, right: &std::fs::Metadata) -> bool {
    left.created().ok() == right.created().ok()
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn nothing_is_lost_or_repeated_across_a_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("openclaw.log");
        let append = |path: &Path, text: &str| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
        };
        append(&path, "1\n2\n3");
        let mut tail = Tail::open(&path).unwrap().unwrap();
        assert_eq!(
            tail.last_lines(1).unwrap(),
            ["2"],
            "an unfinished line waits"
        );
        append(&path, "\n4\n");
        std::fs::rename(&path, folder.path().join("openclaw.log.1")).unwrap();
        append(&path, "5\n");
        assert_eq!(tail.new_lines().unwrap(), ["3", "4", "5"]);
        append(&path, "6\n");
        assert_eq!(tail.new_lines().unwrap(), ["6"]);
    }
}
