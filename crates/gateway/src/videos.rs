//! The video jobs of this gateway: opened with the first one, worked on until it drains.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use agent::video::VideoStudio;
use http::StatusCode;
use providers::{Directory, Upstream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::live::Live;
use crate::openai_error::OpenAiError;
use crate::state::Shared;

/// How often a gateway without jobs looks whether somebody else has left some.
const LOOK: Duration = Duration::from_secs(5);

/// Opens the jobs of the home, or says why not.
pub type OpenStudio =
    Box<dyn Fn(Arc<Directory>, Arc<Upstream>) -> Result<VideoStudio, String> + Send + Sync>;

/// The video jobs of this gateway.
pub struct Videos {
    open: OpenStudio,
    /// Where jobs are kept; nothing is opened while there are none.
    store: PathBuf,
    studio: OnceLock<Arc<VideoStudio>>,
    opened: Notify,
}

impl std::fmt::Debug for Videos {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Videos")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Videos {
    /// Creates the jobs of a home that keeps them in `store`; nothing is opened yet.
    pub fn new(store: PathBuf, open: OpenStudio) -> Self {
        Self {
            open,
            store,
            studio: OnceLock::new(),
            opened: Notify::new(),
        }
    }

    /// Returns the studio, which is opened when it is not.
    pub(crate) fn studio(&self, shared: &Shared) -> Result<Arc<VideoStudio>, OpenAiError> {
        if let Some(studio) = self.studio.get() {
            return Ok(Arc::clone(studio));
        }
        let routing = (Arc::clone(&shared.directory), Arc::clone(&shared.upstream));
        let opened = (self.open)(routing.0, routing.1).map_err(|problem| {
            tracing::error!(%problem, "the jobs of this home cannot be used");
            OpenAiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "api_error",
                "the jobs of this gateway cannot be used",
            )
            .code("jobs_unavailable")
            .hint("the gateway's log says why")
        })?;
        let studio = Arc::clone(self.studio.get_or_init(|| Arc::new(opened)));
        self.opened.notify_one();
        Ok(studio)
    }

    /// Returns the studio when there are jobs already: looking must not make files.
    pub(crate) fn existing(
        &self,
        shared: &Shared,
    ) -> Result<Option<Arc<VideoStudio>>, OpenAiError> {
        if self.studio.get().is_none() && !self.store.exists() {
            return Ok(None);
        }
        self.studio(shared).map(Some)
    }

    /// Lets open jobs go on with what a reload has brought.
    pub(crate) fn renew(&self, directory: &Arc<Directory>, upstream: &Arc<Upstream>) {
        if let Some(studio) = self.studio.get() {
            studio.renew(Arc::clone(directory), Arc::clone(upstream));
        }
    }

    /// Works on jobs until told to stop: those of this gateway, and those that others left behind.
    pub(crate) async fn work(&self, live: &Live, stop: &CancellationToken) {
        let studio = loop {
            if let Ok(Some(studio)) = self.existing(&live.current().shared) {
                break studio;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.opened.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        };
        studio.run(stop).await;
    }
}
