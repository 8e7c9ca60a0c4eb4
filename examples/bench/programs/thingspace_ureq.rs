use thingspace_ureq::{
    Builder,
    core::{AppCredentials, Credentials, UserCredentials},
};

fn main() {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let client = Builder::new(Credentials::new(app, user)).build().unwrap();
    let account = http::Request::get("/m2m/v1/accounts/0000123456-00001");
    let response = client.call(account.body(bytes::Bytes::new()).unwrap()).unwrap();
    println!("{}", String::from_utf8_lossy(response.body()));
}
