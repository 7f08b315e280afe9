//! Runs the emulator for hand tests and prints the environment that clients need.
//!
//! `cargo run -p emulator --example serve -- 127.0.0.1:8899 /tmp/emulator-ca.pem`

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use emulator::{Emulator, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:0".to_owned())
        .parse()?;
    let ca_file = arguments.next().map_or_else(
        || std::env::temp_dir().join("openclaw-emulator-ca.pem"),
        PathBuf::from,
    );
    let emulator = Emulator::start(Options {
        listen,
        ..Options::default()
    })
    .await?;
    std::fs::write(&ca_file, emulator.ca_pem())?;
    let mut out = std::io::stdout();
    for (name, value) in emulator.environment(&ca_file) {
        writeln!(out, "{name}={value}")?;
    }
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    emulator.shutdown().await;
    Ok(())
}
