//! Words as the source of an error.

use std::{error::Error, fmt};

/// Words. The standard library's own error of them would bring its `Debug` of texts,
/// with tables of all characters.
#[derive(Debug)]
pub(crate) struct Words(String);

impl From<String> for Words {
    fn from(words: String) -> Self {
        Self(words)
    }
}

impl From<&str> for Words {
    fn from(words: &str) -> Self {
        Self(words.to_owned())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Words {}
