fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let account = "https://thingspace.verizon.com/api/m2m/v1/accounts/0000123456-00001";
        let response = reqwest::Client::new()
            .get(account)
            .header("authorization", "Bearer b")
            .header("vz-m2m-token", "s")
            .send()
            .await;
        println!("{}", response.unwrap().text().await.unwrap());
    });
}
