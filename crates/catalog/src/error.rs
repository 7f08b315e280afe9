//! The one error type of this crate.

/// Longest piece of foreign text repeated in a message, in characters.
pub(crate) const ECHO_CHARS_MAX: usize = 80;

/// Says why catalog data could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data file is not JSON5; the source knows line and column.
    #[error("`{file}` is not a list in JSON5")]
    Syntax {
        /// Name of the data file, as the caller gave it.
        file: String,
        /// What the reader stumbled over.
        #[source]
        source: json5::Error,
    },
    /// A data file is larger than [`crate::OVERRIDE_BYTES_MAX`].
    #[error("`{file}` has {bytes} bytes, more than the {max} that are read")]
    TooLarge {
        /// Name of the data file.
        file: String,
        /// Its size in bytes.
        bytes: usize,
        /// The largest size that is read, in bytes.
        max: usize,
    },
    /// A data file nests deeper than any row needs.
    #[error("`{file}` nests deeper than {max} levels")]
    TooDeep {
        /// Name of the data file.
        file: String,
        /// The deepest nesting that is read, in brackets.
        max: usize,
    },
    /// An override file has the name of no table.
    #[error("`{file}` is no catalog table; the tables are {tables}")]
    UnknownTable {
        /// Name of the data file.
        file: String,
        /// The valid names, joined by commas.
        tables: String,
    },
    /// One row is wrong, or points to a row that does not exist.
    #[error("`{file}`, row `{row}`: {reason}")]
    Row {
        /// Name of the data file.
        file: String,
        /// The row's id, or its place when it has none.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A word is not in a closed vocabulary such as [`crate::Plan`].
    #[error("`{text}` is no {what}")]
    Vocabulary {
        /// Name of the vocabulary.
        what: &'static str,
        /// The word, cut to a length that fits a message.
        text: String,
    },
}
