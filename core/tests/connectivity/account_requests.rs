use serde_json::json;
use thingspace_core::{
    api::account_requests::GetCurrentAsynchronousRequestStatus,
    model::{RequestId, RequestStatus},
};

use crate::stage::{Case, check};

const REQUEST: &str = "86c83330-4bf5-4235-9c4e-a83f93aeae4c";

#[test]
fn get_current_asynchronous_request_status() {
    check(|texts| {
        let id = RequestId::new(&texts.text(REQUEST)).unwrap();
        let path = [
            "accounts",
            &texts.account(),
            "requests",
            id.as_str(),
            "status",
        ];
        let call = GetCurrentAsynchronousRequestStatus::new(texts.account(), id.clone());
        Case::new(call, "GET", &path)
    })
    .may_be_retried()
    .returns(
        &json!({"requestId": REQUEST, "status": "Success"}),
        |result| {
            assert_eq!(result.request_id, RequestId::new(REQUEST));
            assert_eq!(result.status, Some(RequestStatus::SUCCESS));
        },
    );
}
