use serde_json::json;
use thingspace_core::api::service_plans::ListAccountServicePlans;

use crate::stage::{Case, check, parse};

#[test]
fn list_account_service_plans() {
    check(|texts| {
        let call = ListAccountServicePlans::new(texts.account());
        Case::new(call, "GET", &["plans", &texts.account()])
    })
    .may_be_retried()
    .returns(
        &json!([{"name": "5MB", "code": "5MBCode", "sizeKb": 5120, "carrierServicePlanCode": "1"}]),
        |plans| {
            assert_eq!(plans[0].code.as_deref(), Some("5MBCode"));
            assert_eq!(plans[0].size_kb, Some(5120));
        },
    );
}

#[test]
fn one_plan_that_is_none_hides_no_other() {
    let plans = parse::<ListAccountServicePlans>(&json!([{"code": "a"}, "b", {"code": "c"}]));
    let plans = plans.unwrap();
    let codes: Vec<_> = plans.iter().flat_map(|plan| &plan.code).collect();
    assert_eq!(codes, ["a", "c"]);
    assert_eq!(plans.other, ["b"]);
}
