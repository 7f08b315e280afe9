//! Tests of the shipped data and of the look-ups over it.

#[cfg(test)]
#[path = "catalog/chat_rules.rs"]
mod chat_rules;
#[cfg(test)]
#[path = "catalog/data.rs"]
mod data;
#[cfg(test)]
#[path = "catalog/errors.rs"]
mod errors;
#[cfg(test)]
#[path = "catalog/models.rs"]
mod models;
#[cfg(test)]
#[path = "catalog/overrides.rs"]
mod overrides;
#[cfg(test)]
#[path = "catalog/references.rs"]
mod references;
#[cfg(test)]
#[path = "catalog/urls.rs"]
mod urls;

#[expect(
    clippy::unwrap_used,
    reason = "called by tests only, from their own files"
)]
fn shipped() -> catalog::Catalog {
    catalog::Catalog::builtin().unwrap()
}
