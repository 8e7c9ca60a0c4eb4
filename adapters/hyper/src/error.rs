//! The errors of HTTP stacks.

use std::error::Error as StdError;

/// Any error of a stack or a body.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;
