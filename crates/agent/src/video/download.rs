//! Fetches a result: into a file of its own, which gets its name only when it is whole and on disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use providers::Deadline;
use providers::media_fetch::{FetchError, Wanted};
use providers::media_type::MediaKind;
use sha2::{Digest, Sha256};
use state::{JobChange, JobState};
use tokio::time::Instant;

use super::desk::{Desk, Next, Stop, to};

/// Largest result, in bytes: 15 s of 1080p are a few dozen megabytes.
const RESULT_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Links that may be of no use before the result counts as lost.
const DEAD_LINKS_MAX: u32 = 3;
/// How soon a broken download is begun again.
const RETRY: Duration = Duration::from_secs(1);
/// How often the number of bytes is written down.
const REPORT: Duration = Duration::from_millis(500);

/// A result that is here.
struct Stored {
    path: PathBuf,
    sha256: String,
    bytes: u64,
}

/// Why a result is not here.
enum Missed {
    /// The link leads nowhere; another one may.
    DeadLink(String),
    /// Trying again may help.
    Broken(String),
    /// The disk.
    Disk(io::Error),
    Stop(Stop),
}

impl From<Stop> for Missed {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<io::Error> for Missed {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<FetchError> for Missed {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Status {
                status: 400..500, ..
            } => Self::DeadLink(error.to_string()),
            error => Self::Broken(error.to_string()),
        }
    }
}

impl Desk<'_> {
    /// Fetches the result, or finds out that another link is needed.
    pub(super) async fn download(&mut self) -> Result<Next, Stop> {
        let Some(url) = self.progress.url.clone() else {
            return self.look().await;
        };
        let left = self.left();
        if left.is_zero() {
            return self.end(
                JobState::Lost,
                "the deadline passed before the video could be fetched",
            );
        }
        match self.fetch(&url, Deadline::after(left)).await {
            Ok(stored) => {
                self.progress.waits_for = None;
                let path = stored.path.display().to_string();
                self.write(JobChange {
                    result: Some((path, stored.sha256, stored.bytes)),
                    problem: Some(None),
                    ..to(JobState::Stored)
                })?;
                Ok(Next::Go)
            }
            Err(Missed::DeadLink(reason)) => {
                self.progress.dead_links += 1;
                if self.progress.dead_links > DEAD_LINKS_MAX {
                    let reason = format!("the video is no longer there ({reason})");
                    return self.end(JobState::Lost, reason);
                }
                // The link may have expired while nobody was there; the service makes a new one when asked.
                self.progress.url = None;
                self.wait_for(reason, Duration::ZERO)
            }
            Err(Missed::Broken(reason)) => self.wait_for(reason, RETRY),
            Err(Missed::Disk(error)) => {
                let folder = self.studio.parts.folder.display();
                let reason = format!("cannot write into {folder}: {error}");
                self.wait_for(reason, RETRY)
            }
            Err(Missed::Stop(stop)) => Err(stop),
        }
    }

    async fn fetch(&mut self, url: &str, deadline: Deadline) -> Result<Stored, Missed> {
        let wanted = Wanted {
            kinds: &[MediaKind::Video],
            bytes_max: RESULT_BYTES_MAX,
            deadline,
        };
        let folder = self.studio.parts.folder.clone();
        private_folder(&folder)?;
        let mut arriving = self.studio.parts.fetcher.open(url, wanted).await?;
        // Removed when it is dropped; one that a kill leaves behind is swept with the job's name.
        let mut part = tempfile::Builder::new()
            .prefix(&format!(".{}.", self.job.id))
            .suffix(".part")
            .tempfile_in(&folder)?;
        let mut hash = Sha256::new();
        self.progress.total_bytes = arriving.length;
        self.progress.bytes = 0;
        let mut reported = Instant::now();
        while let Some(piece) = arriving.next().await? {
            part.write_all(&piece)?;
            hash.update(&piece);
            self.progress.bytes += piece.len() as u64;
            if reported.elapsed() >= REPORT {
                reported = Instant::now();
                self.write(JobChange::default())?;
            }
        }
        if arriving
            .length
            .is_some_and(|length| length != self.progress.bytes)
        {
            return Err(Missed::Broken("the download broke off".to_owned()));
        }
        part.as_file().sync_all()?;
        let path = folder.join(format!("{}.{}", self.job.id, arriving.kind.extension));
        part.persist(&path).map_err(|error| error.error)?;
        File::open(&folder)?.sync_all()?;
        sweep(&folder, &self.job.id);
        Ok(Stored {
            path,
            sha256: hex(&hash.finalize()),
            bytes: self.progress.bytes,
        })
    }
}

/// Makes the folder of results, for the owner only.
fn private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Removes pieces that earlier owners of a job left behind.
fn sweep(folder: &Path, id: &str) {
    let prefix = format!(".{id}.");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
