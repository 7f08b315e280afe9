//! What to send, to whom, how often.

use clap::ValueEnum;

const NS_PER_MS: u64 = 1_000_000;
/// A run of single streams that has not ended by then is cut off.
const STREAMS_DEADLINE_MS: u64 = 60_000;

/// What the clients ask for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Whole completions, in a closed loop
    Requests,
    /// One paced stream per connection
    Streams,
    /// Undelayed streams, in a closed loop
    Flood,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    kind: Kind,
    /// Port on 127.0.0.1
    #[arg(long)]
    port: u16,
    #[arg(long, default_value = "sk-client")]
    key: String,
    #[arg(long, default_value = "mock-alias")]
    model: String,
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Measured time of a closed loop
    #[arg(long, default_value_t = 2000)]
    duration_ms: u64,
    /// Time before the measured time of a closed loop
    #[arg(long, default_value_t = 300)]
    warm_up_ms: u64,
    /// Time over which the streams are started
    #[arg(long, default_value_t = 1000)]
    ramp_ms: u64,
    /// Content chunks of a stream
    #[arg(long, default_value_t = 100)]
    chunks: u64,
    /// Time between two chunks, in microseconds
    #[arg(long, default_value_t = 20_000)]
    delay_us: u64,
    /// Length of the prompt
    #[arg(long, default_value_t = 700)]
    prompt_bytes: usize,
}

/// The options, resolved.
pub(super) struct Order {
    pub(super) request: Vec<u8>,
    pub(super) address: std::net::SocketAddr,
    pub(super) n_connections: usize,
    pub(super) warm_up_ns: u64,
    kind: Kind,
    ramp_ns: u64,
    lasts_ns: u64,
}

impl Order {
    pub(super) fn new(options: &Options) -> Self {
        let is_once = options.kind == Kind::Streams;
        let (warm_up_ms, ramp_ms) = if is_once {
            (0, options.ramp_ms)
        } else {
            (options.warm_up_ms, 0)
        };
        let lasts_ms = if is_once {
            STREAMS_DEADLINE_MS
        } else {
            warm_up_ms + options.duration_ms
        };
        Self {
            request: request(options),
            address: ([127, 0, 0, 1], options.port).into(),
            n_connections: options.connections,
            warm_up_ns: warm_up_ms * NS_PER_MS,
            kind: options.kind,
            ramp_ns: ramp_ms * NS_PER_MS,
            lasts_ns: lasts_ms * NS_PER_MS,
        }
    }

    /// Whether each connection does its work once, instead of until the time is over.
    pub(super) fn is_once(&self) -> bool {
        self.kind == Kind::Streams
    }

    pub(super) fn is_streamed(&self) -> bool {
        self.kind != Kind::Requests
    }

    pub(super) fn lasts_ns(&self) -> u64 {
        self.lasts_ns
    }

    /// When the connection starts, counted from the start of the run.
    pub(super) fn start_after_ns(&self, index: usize) -> u64 {
        let share = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.ramp_ns.saturating_mul(share(index)) / share(self.n_connections).max(1)
    }
}

fn request(options: &Options) -> Vec<u8> {
    let body = request_body(options);
    let accept = match options.kind {
        Kind::Requests => "application/json",
        Kind::Streams | Kind::Flood => "text/event-stream",
    };
    let (port, key, length) = (options.port, &options.key, body.len());
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\naccept: {accept}\r\nuser-agent: load/1\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn request_body(options: &Options) -> String {
    let prompt: String = "Please put the following into fewer words than it has now. "
        .chars()
        .cycle()
        .take(options.prompt_bytes)
        .collect();
    let (model, n_chunks) = (&options.model, options.chunks);
    let delay_us = match options.kind {
        Kind::Requests => None,
        Kind::Streams => Some(options.delay_us),
        Kind::Flood => Some(0),
    };
    let streaming = delay_us.map_or(String::new(), |delay_us| {
        format!(
            r#","stream":true,"stream_options":{{"include_usage":true}},"max_tokens":{n_chunks},"seed":{delay_us}"#
        )
    });
    format!(
        r#"{{"model":"{model}","messages":[{{"role":"system","content":"You are brief."}},{{"role":"user","content":"{prompt}"}}],"temperature":0.7{streaming}}}"#
    )
}
