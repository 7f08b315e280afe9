//! The config crate from outside: real homes, edits, errors, the store, and properties.

#[cfg(test)]
#[path = "suite/edits.rs"]
mod edits;
#[cfg(test)]
#[path = "suite/errors.rs"]
mod errors;
#[cfg(test)]
#[path = "suite/history.rs"]
mod history;
#[cfg(test)]
#[path = "suite/homes.rs"]
mod homes;
#[cfg(test)]
#[path = "suite/includes.rs"]
mod includes;
#[cfg(test)]
#[path = "suite/legacy.rs"]
mod legacy;
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
#[path = "suite/transactions.rs"]
mod transactions;

#[cfg(test)]
#[path = "suite/reading.rs"]
mod reading;

#[cfg(test)]
use reading::{path, source, text};
