//! Accounts: what an account is allowed, and the leads that are known of it.

use std::borrow::Cow;

use http::Response;
use serde::Serialize;
use serde_json::Number;

use super::{
    connectivity::{ConnectivityCall, Route},
    paging::{Paged, next_in_location},
    service_plans::ServicePlan,
};
use crate::model::{Address, Fields, Model, Other};

/// Asks what is known of an account: `GET /m2m/v1/accounts/{aname}`.
#[doc(alias = "get_account_information")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GetAccountInformation {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
}

impl GetAccountInformation {
    /// Asks for this account.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
        }
    }
}

impl ConnectivityCall for GetAccountInformation {
    type Response = Account;
    const ROUTE: Route = Route::get("/m2m/v1/accounts/{aname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }
}

/// Lists the services of an account, and the states that its devices can have:
/// `GET /m2m/v1/accounts/{aname}/statesandservices`.
#[doc(alias = "list_account_states_and_services")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListAccountStatesAndServices {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
}

impl ListAccountStatesAndServices {
    /// Lists those of this account.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
        }
    }
}

impl ConnectivityCall for ListAccountStatesAndServices {
    type Response = AccountStatesAndServices;
    const ROUTE: Route = Route::get("/m2m/v1/accounts/{aname}/statesandservices");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }
}

/// Lists the leads of an account, a page at a time: `GET /m2m/v1/leads/{aname}`.
#[doc(alias = "list_account_leads")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListAccountLeads {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The page, by what the page before it said; the first one without.
    #[serde(skip)]
    pub next: Option<String>,
}

impl ListAccountLeads {
    /// Lists the leads of this account.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            next: None,
        }
    }
}

impl ConnectivityCall for ListAccountLeads {
    type Response = AccountLeadsResult;
    const ROUTE: Route = Route::get("/m2m/v1/leads/{aname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }

    fn query(&self) -> Vec<(Cow<'static, str>, &str)> {
        let next = self.next.iter();
        next.map(|next| ("next".into(), &**next)).collect()
    }
}

impl Paged for ListAccountLeads {
    type Item = AccountLead;

    fn items(page: AccountLeadsResult) -> Vec<AccountLead> {
        page.leads
    }

    fn cursor(&self) -> Option<String> {
        self.next.clone()
    }

    fn next(&self, page: &Response<AccountLeadsResult>) -> Option<Self> {
        let next = next_in_location(page, page.body().has_more_data)?;
        Some(Self {
            next: Some(next),
            ..self.clone()
        })
    }
}

/// What is known of an account.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// The name by which requests know the account.
    pub account_name: Option<String>,
    /// The number.
    pub account_number: Option<String>,
    /// The organization.
    pub organization_name: Option<String>,
    /// True if its devices may be provisioned.
    pub is_provisioning_allowed: Option<bool>,
    /// The carriers.
    pub carriers: Vec<String>,
    /// The features.
    pub features: Vec<String>,
    /// The pools of addresses.
    pub ip_pools: Vec<IpPool>,
    /// The service plans.
    pub service_plans: Vec<ServicePlan>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for Account {
    fn read(fields: &mut Fields) -> Self {
        // The documentation spells it with three capitals, and elsewhere as any other field.
        let pools = if fields.has("iPPools") {
            "iPPools"
        } else {
            "ipPools"
        };
        Self {
            account_name: fields.take("accountName"),
            account_number: fields.take("accountNumber"),
            organization_name: fields.take("organizationName"),
            is_provisioning_allowed: fields.take("isProvisioningAllowed"),
            carriers: fields.list("carriers"),
            features: fields.list("features"),
            ip_pools: fields.list(pools),
            service_plans: fields.list("servicePlans"),
            other: fields.other(),
        }
    }
}

/// A pool of addresses.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct IpPool {
    /// The name.
    pub pool_name: Option<String>,
    /// The type, such as `Static IP` or `Dynamic IP`.
    pub pool_type: Option<String>,
    /// True for the pool that is used unless another is asked for.
    pub is_default_pool: Option<bool>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for IpPool {
    fn read(fields: &mut Fields) -> Self {
        Self {
            pool_name: fields.take("poolName"),
            pool_type: fields.take("poolType"),
            is_default_pool: fields.take("isDefaultPool"),
            other: fields.other(),
        }
    }
}

/// The services of an account and their states.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AccountStatesAndServices {
    /// The engagements. The field's name is singular, and its value an array.
    pub engagement: Vec<Engagement>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for AccountStatesAndServices {
    fn read(fields: &mut Fields) -> Self {
        Self {
            engagement: fields.list("engagement"),
            other: fields.other(),
        }
    }
}

/// An engagement: a charging group and its services.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Engagement {
    /// The id.
    pub engagement_id: Option<String>,
    /// The group that is charged.
    pub charging_group: Option<String>,
    /// The services.
    pub services: Vec<AccountService>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for Engagement {
    fn read(fields: &mut Fields) -> Self {
        Self {
            engagement_id: fields.take("engagementId"),
            charging_group: fields.take("chargingGroup"),
            services: fields.list("services"),
            other: fields.other(),
        }
    }
}

/// A service of an account.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AccountService {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The states that a device can have.
    pub states: Vec<State>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for AccountService {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.take("name"),
            description: fields.take("description"),
            states: fields.list("states"),
            other: fields.other(),
        }
    }
}

/// A state that a device can have in a service.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct State {
    /// The name.
    pub name: Option<String>,
    /// The place among the states. Documented to be a fraction; whole in all examples.
    pub workflow_sequence_number: Option<Number>,
    /// The service plans.
    pub service_plans: Vec<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for State {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.take("name"),
            workflow_sequence_number: fields.take("workflowSequenceNumber"),
            service_plans: fields.list("servicePlans"),
            other: fields.other(),
        }
    }
}

/// One page of [`ListAccountLeads`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AccountLeadsResult {
    /// True if another page follows; the status is 202 then.
    pub has_more_data: Option<bool>,
    /// The leads.
    pub leads: Vec<AccountLead>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for AccountLeadsResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            has_more_data: fields.take("hasMoreData"),
            leads: fields.list("leads"),
            other: fields.other(),
        }
    }
}

/// A lead.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AccountLead {
    /// The address.
    pub address: Option<Address>,
    /// The id.
    pub lead_id: Option<String>,
    /// The state, such as `Qualified` or `Closed`.
    pub lead_state: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for AccountLead {
    fn read(fields: &mut Fields) -> Self {
        Self {
            address: fields.take("address"),
            lead_id: fields.take("leadId"),
            lead_state: fields.take("leadState"),
            other: fields.other(),
        }
    }
}
