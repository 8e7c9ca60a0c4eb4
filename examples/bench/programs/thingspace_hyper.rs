use thingspace_hyper::{
    Builder,
    core::{AppCredentials, Credentials, UserCredentials},
};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = AppCredentials::new("key", "secret").unwrap();
        let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
        let client = Builder::new(Credentials::new(app, user)).build().unwrap();
        let account = http::Request::get("/m2m/v1/accounts/0000123456-00001");
        let account = account.body(bytes::Bytes::new()).unwrap();
        let response = client.call(account).await.unwrap();
        println!("{}", String::from_utf8_lossy(response.body()));
    });
}
