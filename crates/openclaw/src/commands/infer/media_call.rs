//! What every call of a media model does: find the model, ask, show that it takes time.

use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use catalog::{MediaModel, ModelKind};
use http::HeaderMap;
use providers::directory::RouteError;
use providers::failover::Ask;
use providers::media::{BadRequest, Sending};
use providers::{Answered, Chain, Deadline, Route, Terms, Upstream};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::cli::infer::MediaCallArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Failed;
use crate::output::Output;

/// How often a waiting person sees that something is going on.
const TICK: Duration = Duration::from_secs(1);
/// Largest text file read, in bytes.
const TEXT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A media model, found and ready to be asked.
pub(crate) struct MediaCall {
    pub(crate) chain: Arc<Chain>,
    pub(crate) upstream: Upstream,
    pub(crate) out: Output,
    deadline: Deadline,
    headers: HeaderMap,
    json: bool,
}

impl MediaCall {
    /// Finds the model that `args` name, or the one that this home uses for `kind`. Needs a runtime's timer.
    pub(crate) fn open(
        context: &Context,
        args: &MediaCallArgs,
        kind: ModelKind,
    ) -> Result<Self, Failed> {
        Self::open_where(context, args, kind, |_| true)
    }

    /// As [`Self::open`]; without a name, only models that `fits` come into question.
    pub(crate) fn open_where(
        context: &Context,
        args: &MediaCallArgs,
        kind: ModelKind,
        fits: impl Fn(&MediaModel) -> bool,
    ) -> Result<Self, Failed> {
        let config = context.config()?;
        context.synchronise_logins(&config)?;
        let directory = context.directory(&config)?;
        let chain = directory.media_chain_where(args.model.as_deref(), kind, fits);
        Ok(Self {
            chain: chain.map_err(|error| no_route(&error))?,
            upstream: context.routed_upstream(&config)?,
            out: context.out.with_json(args.json),
            deadline: Deadline::after(Duration::from_secs(args.timeout)),
            headers: HeaderMap::new(),
            json: args.json,
        })
    }

    /// Says whether the answer is wanted as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Returns how requests are sent.
    pub(crate) fn sending(&self) -> Sending<'_> {
        Sending {
            headers: &self.headers,
            deadline: self.deadline,
        }
    }

    /// Asks the candidates in order; a person sees how long it takes.
    pub(crate) async fn ask<A: Ask>(
        &self,
        what: &str,
        ask: &A,
    ) -> Result<Answered<A::Reply>, Failed> {
        let stop = CancellationToken::new();
        let terms = Terms {
            deadline: self.deadline,
            stop: &stop,
            session: None,
        };
        let asking = Box::pin(self.upstream.attempt_chain(&self.chain, ask, terms));
        Ok(waiting(self.out, what, asking).await?)
    }
}

/// Says why there is no model, and what to do.
pub(crate) fn no_route(error: &RouteError) -> Failed {
    let exit = if error.is_unknown_name() {
        Exit::Error
    } else {
        Exit::Auth
    };
    Failed::of(error).exit(exit).hint(error.hint())
}

impl From<BadRequest> for Failed {
    fn from(error: BadRequest) -> Self {
        Self::of(&error)
    }
}

/// Shows on a terminal how long `work` has taken, until it is done.
pub(crate) async fn waiting<T>(out: Output, what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let mut seconds = 0;
    loop {
        tokio::select! {
            done = &mut work => {
                if seconds > 0 {
                    out.aside("\r\x1b[K");
                }
                return done;
            }
            () = tokio::time::sleep(TICK) => {
                seconds += TICK.as_secs();
                out.aside(&format!("\r\x1b[K{what} … {seconds} s"));
            }
        }
    }
}

/// Returns `texts` and then the lines of `file`, without empty ones.
pub(crate) fn texts_and_lines(
    texts: &[String],
    file: Option<&Path>,
) -> Result<Vec<String>, Failed> {
    let mut all = texts.to_vec();
    if let Some(path) = file {
        let text = read_text(path)?;
        let lines = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty());
        all.extend(lines.map(str::to_owned));
    }
    if all.is_empty() {
        return Err(Failed::new(
            "there is no text: the file has only empty lines",
        ));
    }
    Ok(all)
}

fn read_text(path: &Path) -> Result<String, Failed> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(TEXT_BYTES_MAX)
            .read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path);
        file.and_then(|file| file.take(TEXT_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failed::new(format!("cannot read {}: {error}", path.display())))?;
    Ok(text)
}

/// Returns the members that the JSON answer of every capability has.
pub(crate) fn answer_json(capability: &str, route: &Route, outputs: &[Value]) -> Value {
    json!({
        "ok": true,
        "capability": capability,
        "transport": "local",
        "provider": &*route.provider,
        "model": &*route.model,
        "attempts": [],
        "outputs": outputs,
    })
}
