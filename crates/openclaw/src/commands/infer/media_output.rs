//! Puts media into files: named after what they are, complete or not there, never over another file unasked.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::infer::image::OutputArgs;
use crate::context::Context;
use crate::failed::Failed;

/// Characters of a prompt that become part of a file name.
const NAME_CHARS_MAX: usize = 40;
/// Most names tried before giving up.
const NAMES_MAX: u32 = 10_000;

/// Where the files of one command go.
pub(crate) enum Target {
    /// Exactly there.
    File { path: PathBuf, replace: bool },
    /// Into a folder, under names made from this.
    Folder { folder: PathBuf, stem: String },
}

impl Target {
    /// Decides where the files of a command about `text` go, before anything is sent.
    pub(crate) fn new(
        args: &OutputArgs,
        context: &Context,
        text: &str,
        files: u64,
    ) -> Result<Self, Failed> {
        let stem = stem(text);
        let Some(path) = &args.output else {
            let folder = context.home.state_dir().join("media");
            return Ok(Self::Folder { folder, stem });
        };
        let names_folder = path.is_dir() || path.to_string_lossy().ends_with(['/', '\\']);
        if names_folder {
            let folder = path.clone();
            return Ok(Self::Folder { folder, stem });
        }
        if files > 1 {
            let message = format!("{} is one file, and {files} are wanted", path.display());
            return Err(Failed::new(message).hint("end the path with `/` to name a folder"));
        }
        if path.exists() && !args.force {
            let message = format!("{} is there already", path.display());
            return Err(Failed::new(message).hint("`--force` replaces it"));
        }
        Ok(Self::File {
            path: path.clone(),
            replace: args.force,
        })
    }

    /// Writes a file with this ending and returns where it is.
    pub(crate) fn write(&self, bytes: &[u8], extension: &str) -> Result<PathBuf, Failed> {
        match self {
            Self::File { path, replace } => {
                let complete = prepared(path.parent().unwrap_or(Path::new(".")), bytes)?;
                let kept = if *replace {
                    complete.persist(path).map(drop)
                } else {
                    complete.persist_noclobber(path).map(drop)
                };
                kept.map_err(|error| not_written(path, &error.error))?;
                Ok(path.clone())
            }
            Self::Folder { folder, stem } => {
                let mut complete = prepared(folder, bytes)?;
                for number in 1..=NAMES_MAX {
                    let path = folder.join(match number {
                        1 => format!("{stem}.{extension}"),
                        _ => format!("{stem}-{number}.{extension}"),
                    });
                    match complete.persist_noclobber(&path) {
                        Ok(_) => return Ok(path),
                        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                            complete = error.file;
                        }
                        Err(error) => return Err(not_written(&path, &error.error)),
                    }
                }
                let message = format!("{} has no free name for {stem}", folder.display());
                Err(Failed::new(message))
            }
        }
    }
}

/// Writes the bytes to a file without a name in the folder where it will have one.
fn prepared(folder: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, Failed> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let write = || {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".openclaw-")
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|error| not_written(folder, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot write {}: {error}", path.display()))
}

/// Returns a file name made of the letters and digits of a text.
fn stem(text: &str) -> String {
    let mut stem = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            stem.extend(letter.to_lowercase());
        } else if !stem.ends_with('-') && !stem.is_empty() {
            stem.push('-');
        }
        if stem.chars().count() >= NAME_CHARS_MAX {
            break;
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() {
        "media".to_owned()
    } else {
        stem.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_texts_and_hold_no_path() {
        assert_eq!(stem("A red fox, in the snow!"), "a-red-fox-in-the-snow");
        assert_eq!(stem("../../etc/passwd"), "etc-passwd");
        assert_eq!(stem("  "), "media");
        assert_eq!(stem(&"x".repeat(99)).len(), NAME_CHARS_MAX);
    }

    #[test]
    fn a_file_is_never_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::Folder {
            folder: folder.path().join("new"),
            stem: "a".to_owned(),
        };
        let first = target.write(b"1", "png").unwrap();
        let second = target.write(b"2", "png").unwrap();
        assert!(first.ends_with("a.png") && second.ends_with("a-2.png"));
        let exact = |replace| Target::File {
            path: first.clone(),
            replace,
        };
        assert!(exact(false).write(b"3", "png").is_err());
        assert_eq!(fs::read(&first).unwrap(), b"1");
        exact(true).write(b"3", "png").unwrap();
        assert_eq!(fs::read(&first).unwrap(), b"3");
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 2);
    }
}
