//! The async runtimes: a small one for a command that makes a call, a full one for the gateway.

use tokio::runtime::{Builder, Runtime};

use crate::failed::Failed;

/// Threads that serve requests. More only help when requests need more CPU than these have.
const GATEWAY_THREADS_MAX: usize = 4;

/// Returns a runtime on the calling thread.
pub(crate) fn single() -> Result<Runtime, Failed> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| no_runtime(&error))
}

/// Returns a runtime for servers: one thread per CPU this process may use, within a limit. With one CPU that is the
/// calling thread, which saves the hand-over between threads.
pub(crate) fn threaded() -> Result<Runtime, Failed> {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cpus == 1 {
        single()
    } else {
        background(cpus.min(GATEWAY_THREADS_MAX))
    }
}

/// Returns a runtime whose tasks go on while the calling thread does something else.
pub(crate) fn background(threads: usize) -> Result<Runtime, Failed> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| no_runtime(&error))
}

fn no_runtime(error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot start the async runtime: {error}"))
}
