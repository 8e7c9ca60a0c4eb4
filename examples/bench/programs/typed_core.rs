#![allow(unused_imports, reason = "it is measured with some of its calls left out")]

use std::hint::black_box;

use bytes::Bytes;
use http::Response;
use thingspace_core::{
    AppCredentials, Call, Credentials, Endpoint, Environment, Error, RequestError, Session, Step,
    Timestamp, UserCredentials, WithSession,
    api::{
        account_requests, accounts, callbacks, device_groups, device_profiles, devices,
        reachability, service_plans, sms,
    },
    model::{CallbackService, DeviceId, DeviceList, RequestId},
};

const ACCOUNT: &str = "0000123456-00001";

fn main() -> Result<(), Error> {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let session = &mut Session::new(Environment::production(), Credentials::new(app, user), 0);
    let id = RequestId::new("7").unwrap();
    let devices = [DeviceList::new([DeviceId::imei("990013907835573")])];
    black_box((&id, &devices, ACCOUNT, CallbackService::CARRIER_SERVICE));
    let untyped = http::Request::get("/m2m/v1/accounts/0000123456-00001");
    call(session, untyped.body(Bytes::new()).unwrap())?;
    call(session, accounts::GetAccountInformation::new(ACCOUNT))?; // first
    call(session, account_requests::GetCurrentAsynchronousRequestStatus::new(ACCOUNT, id))?; // further
    call(session, accounts::ListAccountLeads::new(ACCOUNT))?; // further
    call(session, callbacks::ListRegisteredCallbacks::new(ACCOUNT))?; // further
    call(session, callbacks::RegisterCallback::new(ACCOUNT, CallbackService::CARRIER_SERVICE, "https://example.com"))?; // further
    call(session, device_groups::CreateDeviceGroup::new(ACCOUNT, "West Coast Devices"))?; // further
    call(session, device_profiles::ProfileToActivateDevice::new(ACCOUNT, devices))?; // further
    call(session, devices::ListDevicesInformation::new(ACCOUNT))?; // further
    call(session, reachability::StopDeviceReachability::new(ACCOUNT, ["7".to_owned()]))?; // further
    call(session, service_plans::ListAccountServicePlans::new(ACCOUNT))?; // further
    call(session, sms::ListDevicesSmsMessages::new(ACCOUNT))?; // further
    Ok(())
}

/// Calls an endpoint, as a client does: all that knows its type is here.
fn call<E: Endpoint<Auth = WithSession>>(session: &mut Session, endpoint: E) -> Result<(), Error> {
    let call = Call::to(endpoint, session.environment());
    black_box(E::parse(drive(session, call)?)?);
    Ok(())
}

/// Drives a call to its end, if it could be built, with a service that accepts
/// everything.
#[inline(never)]
fn drive(
    session: &mut Session,
    call: Result<Call, RequestError>,
) -> Result<Response<Bytes>, Error> {
    let now = Timestamp::from_millis(1_700_000_000_000);
    let mut call = call?;
    loop {
        match call.step(session, now) {
            Step::Send(transmit) => {
                let body = br#"{"access_token":"b","sessionToken":"s"}"#;
                let response = Response::new(Bytes::from_static(body));
                call.receive(session, now, transmit.attempt, Ok(response));
            }
            step @ Step::Wait(_) => unreachable!("{step:?}"),
            Step::Done(result) => return result?.into_response(),
        }
    }
}
