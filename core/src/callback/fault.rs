//! The reason of a failure.

use crate::model::{Fields, Model, Other};

/// The reason of a failure.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FaultResponse {
    /// The code.
    pub fault_code: Option<String>,
    /// The text.
    pub fault_string: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for FaultResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            fault_code: fields.take("faultcode"),
            fault_string: fields.take("faultstring"),
            other: fields.other(),
        }
    }
}
