fn main() {
    let account = "https://thingspace.verizon.com/api/m2m/v1/accounts/0000123456-00001";
    let response = ureq::get(account)
        .header("authorization", "Bearer b")
        .header("vz-m2m-token", "s")
        .call();
    println!("{}", response.unwrap().body_mut().read_to_string().unwrap());
}
