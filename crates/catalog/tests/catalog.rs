//! Tests of the shipped data and of the look-ups over it.

#[path = "catalog/data.rs"]
mod data;
