//! A provider that costs almost nothing.
//!
//! `POST …/chat/completions` answers with one JSON completion of about a kilobyte, or, when the
//! request says `"stream": true`, with as many chunks as `max_tokens` says, `seed` microseconds
//! apart: every gateway passes these two on, so the driver steers the mock through them.
//! `GET /__stats` says what the last request looked like, which is how the benchmark knows that a
//! gateway really exchanged the key and the model before it believes its numbers.

mod answer;
mod connection;
mod record;
mod stream;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use crate::clock::now_ns;
use answer::Provider;
use connection::Connection;

/// Read buffer, shared by all connections.
const READ_BYTES_MAX: usize = 256 * 1024;
/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1024;
const LISTENER: Token = Token(usize::MAX);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The only key that is accepted as a bearer token
    #[arg(long, default_value = "sk-upstream")]
    key: String,
}

/// Answers until the process is killed; prints the address it listens on.
///
/// # Errors
/// The port cannot be bound, or the kernel refuses to poll.
pub(crate) fn serve(options: &Options) -> anyhow::Result<()> {
    let address = ([127, 0, 0, 1], options.port).into();
    let mut listener = TcpListener::bind(address).context("binding the mock's port")?;
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    let mock = Mock {
        poll,
        listener,
        connections: Vec::new(),
        free: Vec::new(),
        timers: BinaryHeap::new(),
        provider: Provider::new(&options.key),
        scratch: vec![0; READ_BYTES_MAX],
        n_accepted: 0,
    };
    mock.run()
}

/// When the next chunk of a stream is due. `serial` tells a connection from its successor in the
/// same slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    due_ns: u64,
    slot: usize,
    serial: u64,
}

struct Mock {
    poll: Poll,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    timers: BinaryHeap<Reverse<Timer>>,
    provider: Provider,
    scratch: Vec<u8>,
    n_accepted: u64,
}

impl Mock {
    fn run(mut self) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            let patience = self
                .timers
                .peek()
                .map(|Reverse(timer)| Duration::from_nanos(timer.due_ns.saturating_sub(now_ns())));
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(error).context("polling the mock's connections");
                }
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(slot) if event.is_readable() || event.is_read_closed() => {
                        self.on_readable(slot, event.is_read_closed());
                    }
                    Token(slot) => self.push(slot),
                }
            }
            self.fire_timers();
        }
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        while let Ok((mut socket, _)) = self.listener.accept() {
            socket.set_nodelay(true)?;
            let slot = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registry = self.poll.registry();
            registry.register(&mut socket, Token(slot), interest)?;
            self.n_accepted += 1;
            if let Some(place) = self.connections.get_mut(slot) {
                *place = Some(Connection::new(socket, self.n_accepted));
            }
        }
        Ok(())
    }

    fn on_readable(&mut self, slot: usize, peer_closed: bool) {
        if let Some(Some(connection)) = self.connections.get_mut(slot) {
            connection.fill(&mut self.scratch, peer_closed);
        }
        self.push(slot);
    }

    /// Answers what is asked and writes what is due, until the connection has to wait.
    fn push(&mut self, slot: usize) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else {
            return;
        };
        let was_streaming = connection.is_streaming();
        connection.push(&mut self.provider);
        if connection.is_closed() {
            self.drop_connection(slot);
            return;
        }
        if let (false, Some(due_ns)) = (was_streaming, connection.due_ns()) {
            let serial = connection.serial();
            self.timers.push(Reverse(Timer {
                due_ns,
                slot,
                serial,
            }));
        }
    }

    fn fire_timers(&mut self) {
        let now = now_ns();
        while let Some(Reverse(timer)) = self.timers.pop() {
            if timer.due_ns > now {
                self.timers.push(Reverse(timer));
                return;
            }
            self.fire(timer, now);
        }
    }

    fn fire(&mut self, timer: Timer, now: u64) {
        let Some(Some(connection)) = self.connections.get_mut(timer.slot) else {
            return;
        };
        if connection.serial() != timer.serial {
            return;
        }
        connection.tick(now);
        if let Some(due_ns) = connection.due_ns() {
            self.timers.push(Reverse(Timer { due_ns, ..timer }));
        }
        self.push(timer.slot);
    }

    fn drop_connection(&mut self, slot: usize) {
        if let Some(place) = self.connections.get_mut(slot)
            && place.take().is_some()
        {
            self.free.push(slot);
        }
    }
}
