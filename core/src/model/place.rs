//! The place where a device is used, and by whom.

use serde::Serialize;

use super::fields::{Fields, Model, Other};

/// The place where a device is used, and the customer who uses it there.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlaceOfUse {
    /// The place.
    pub address: Address,
    /// The customer.
    pub customer_name: CustomerName,
}

impl PlaceOfUse {
    /// The place of a customer.
    pub fn new(address: Address, customer_name: CustomerName) -> Self {
        Self {
            address,
            customer_name,
        }
    }
}

/// A postal address.
///
/// Five fields are required where a request has it: [`address_line_1`](Self::address_line_1),
/// `city`, `state`, `zip` and `country`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Address {
    /// Street and number; no post office box.
    #[serde(rename = "addressLine1")]
    pub address_line_1: String,
    /// More of the same.
    #[serde(rename = "addressLine2", skip_serializing_if = "Option::is_none")]
    pub address_line_2: Option<String>,
    /// City.
    pub city: String,
    /// State.
    pub state: String,
    /// Postal code.
    pub zip: String,
    /// Its last four digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip4: Option<String>,
    /// Country: `US` or `USA`.
    pub country: String,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Kind of the telephone number: one letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_type: Option<String>,
    /// Address for e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// Fields that are not documented.
    #[serde(skip)]
    pub other: Other,
}

impl Model for Address {
    fn read(fields: &mut Fields) -> Self {
        Self {
            address_line_1: fields.required("addressLine1"),
            address_line_2: fields.take("addressLine2"),
            city: fields.required("city"),
            state: fields.required("state"),
            zip: fields.required("zip"),
            zip4: fields.take("zip4"),
            country: fields.required("country"),
            phone: fields.take("phone"),
            phone_type: fields.take("phoneType"),
            email_address: fields.take("emailAddress"),
            other: fields.other(),
        }
    }
}

/// The name of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CustomerName {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// First name.
    pub first_name: String,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// Last name.
    pub last_name: String,
    /// Suffix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

impl CustomerName {
    /// A first and a last name.
    pub fn new(first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        Self {
            first_name: first_name.into(),
            last_name: last_name.into(),
            ..Self::default()
        }
    }
}
