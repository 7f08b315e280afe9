//! Reads optional top-level fields; `null` counts as absent.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The top level of a request body.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn boolean(self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, "Boolean", Value::as_bool)
    }

    pub(crate) fn number(self, name: &str) -> Result<Option<f64>, Refusal> {
        self.typed(name, "Float", Value::as_f64)
    }

    pub(crate) fn integer(self, name: &str) -> Result<Option<i64>, Refusal> {
        self.typed(name, "Integer", Value::as_i64)
    }

    pub(crate) fn string(self, name: &str) -> Result<Option<&'a str>, Refusal> {
        self.typed(name, "String", Value::as_str)
    }

    pub(crate) fn array(self, name: &str) -> Result<Option<&'a Vec<Value>>, Refusal> {
        self.typed(name, "Array", Value::as_array)
    }

    /// Reads an integer from 1 to `most`.
    pub(crate) fn count(self, name: &str, most: u64) -> Result<Option<u64>, Refusal> {
        let Some(written) = self.integer(name)? else {
            return Ok(None);
        };
        match u64::try_from(written) {
            Ok(count) if (1..=most).contains(&count) => Ok(Some(count)),
            _ => Err(Refusal::invalid(format!(
                "Range of {name} should be [1, {most}]"
            ))),
        }
    }

    fn typed<T>(
        self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(Refusal::invalid(format!("'{name}' must be {kind}"))),
        }
    }
}
