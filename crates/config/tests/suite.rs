//! The config crate from outside: real homes, edits, errors, the store, and properties.

#[cfg(test)]
#[path = "suite/edits.rs"]
mod edits;
#[cfg(test)]
#[path = "suite/errors.rs"]
mod errors;
#[cfg(test)]
#[path = "suite/homes.rs"]
mod homes;
#[cfg(test)]
#[path = "suite/problems.rs"]
mod problems;
#[cfg(test)]
#[path = "suite/properties.rs"]
mod properties;
#[cfg(test)]
#[path = "suite/store.rs"]
mod store;

#[cfg(test)]
#[path = "suite/reading.rs"]
mod reading;

#[cfg(test)]
use reading::{path, source, text};
