//! Many clients at once, and what they saw.
//!
//! `load drive requests`: a closed loop; each connection sends the next request when the last one
//! is answered. `load drive streams`: each connection reads one paced stream. Prints one JSON
//! object; durations in it are microseconds.

mod client;
mod order;
mod tally;

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context as _, bail};
use mio::{Events, Poll};
use serde_json::Value;

use crate::clock::now_ns;
use client::{Client, Outcome};
pub(crate) use order::Options;
use order::Order;
use tally::Tally;

const READ_BYTES_MAX: usize = 256 * 1024;
const EVENTS_MAX: usize = 1024;
/// The loop looks at the clock at least this often.
const POLL_MAX: Duration = Duration::from_millis(50);
/// After so many failures the run is not a measurement and stops.
const FAILURES_MAX: u64 = 1000;

/// Runs the load and reports on it.
///
/// # Errors
/// The kernel refuses to poll, or almost nothing but failures came back.
pub(crate) fn run(options: &Options) -> anyhow::Result<Value> {
    let order = Order::new(options);
    let mut driver = Driver::new(&order)?;
    driver.run()?;
    Ok(driver.tally.report(now_ns(), driver.n_in_flight))
}

struct Driver<'a> {
    order: &'a Order,
    poll: Poll,
    clients: Vec<Client>,
    scratch: Vec<u8>,
    tally: Tally,
    started_at_ns: u64,
    /// Clients are started in order, spread over the ramp.
    n_started: usize,
    n_in_flight: u64,
}

impl<'a> Driver<'a> {
    fn new(order: &'a Order) -> anyhow::Result<Self> {
        let now = now_ns();
        Ok(Self {
            order,
            poll: Poll::new().context("opening a poll")?,
            clients: (0..order.n_connections).map(Client::new).collect(),
            scratch: vec![0; READ_BYTES_MAX],
            tally: Tally::new(now.saturating_add(order.warm_up_ns)),
            started_at_ns: now,
            n_started: 0,
            n_in_flight: 0,
        })
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.is_over() {
            self.start_due()?;
            match self.poll.poll(&mut events, Some(self.patience())) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(error).context("polling the connections");
                }
                _ => {}
            }
            for event in &events {
                self.on_event(event)?;
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let elapsed_ns = now_ns().saturating_sub(self.started_at_ns);
        let all_started = self.n_started == self.clients.len();
        let all_ended = self.order.is_once() && all_started && self.n_in_flight == 0;
        all_ended || elapsed_ns >= self.order.lasts_ns()
    }

    fn patience(&self) -> Duration {
        if self.n_started == self.clients.len() {
            return POLL_MAX;
        }
        let due = self.started_at_ns + self.order.start_after_ns(self.n_started);
        POLL_MAX.min(Duration::from_nanos(due.saturating_sub(now_ns())))
    }

    fn start_due(&mut self) -> anyhow::Result<()> {
        let elapsed_ns = now_ns().saturating_sub(self.started_at_ns);
        while self.n_started < self.clients.len()
            && self.order.start_after_ns(self.n_started) <= elapsed_ns
        {
            self.start(self.n_started)?;
            self.n_started += 1;
        }
        Ok(())
    }

    fn start(&mut self, index: usize) -> anyhow::Result<()> {
        let Some(client) = self.clients.get_mut(index) else {
            return Ok(());
        };
        client.begin(self.order, self.poll.registry())?;
        self.n_in_flight += 1;
        Ok(())
    }

    fn on_event(&mut self, event: &mio::event::Event) -> anyhow::Result<()> {
        let index = event.token().0;
        let Some(client) = self.clients.get_mut(index) else {
            return Ok(());
        };
        if event.is_writable() {
            client.send(&self.order.request);
        }
        if !event.is_readable() && !event.is_read_closed() {
            return Ok(());
        }
        let Some(outcome) = client.receive(&mut self.scratch, &mut self.tally) else {
            return Ok(());
        };
        self.n_in_flight -= 1;
        self.conclude(&outcome)?;
        if self.order.is_once() {
            return Ok(());
        }
        self.start(index)
    }

    fn conclude(&mut self, outcome: &Outcome) -> anyhow::Result<()> {
        self.tally.conclude(outcome);
        if self.tally.n_failures() > FAILURES_MAX {
            bail!("too many failures: {}", self.tally.first_failure());
        }
        Ok(())
    }
}
