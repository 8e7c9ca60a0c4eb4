//! Service plans: what the devices of an account may be activated with.

use serde::Serialize;

use super::connectivity::{ConnectivityCall, Route};
use crate::model::{CustomFields, Fields, List, Model, Other};

/// Lists the service plans of an account: `GET /m2m/v1/plans/{aname}`.
#[doc(alias = "list_account_service_plans")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListAccountServicePlans {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
}

impl ListAccountServicePlans {
    /// Lists the plans of this account.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
        }
    }
}

impl ConnectivityCall for ListAccountServicePlans {
    type Response = List<ServicePlan>;
    const ROUTE: Route = Route::get("/m2m/v1/plans/{aname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }
}

/// A service plan.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ServicePlan {
    /// The carrier's code of the plan.
    pub carrier_service_plan_code: Option<String>,
    /// The code by which requests name the plan.
    pub code: Option<String>,
    /// More values.
    pub extended_attributes: Vec<CustomFields>,
    /// The name that people read. Requests want the code, filters the name.
    pub name: Option<String>,
    /// The size in kilobytes.
    pub size_kb: Option<i64>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for ServicePlan {
    fn read(fields: &mut Fields) -> Self {
        Self {
            carrier_service_plan_code: fields.take("carrierServicePlanCode"),
            code: fields.take("code"),
            extended_attributes: fields.list("extendedAttributes"),
            name: fields.take("name"),
            size_kb: fields.take("sizeKb"),
            other: fields.other(),
        }
    }
}
