use bytes::Bytes;
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, UserCredentials,
};

fn main() {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let mut session = Session::new(Environment::production(), Credentials::new(app, user), 0);
    let account = http::Request::get("/m2m/v1/accounts/0000123456-00001");
    let account = account.body(Bytes::new()).unwrap();
    let mut call = Call::to(account, session.environment()).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000);
    while let Step::Send(transmit) = call.step(&mut session, now) {
        let response = http::Response::new(Bytes::from_static(b"{}"));
        call.receive(&mut session, now, transmit.attempt, Ok(response));
    }
}
