//! The bearer token with the `oauth2` crate, as its documentation shows it.

use std::convert::Infallible;

use http::Response;
use oauth2::{ClientId, ClientSecret, HttpRequest, TokenUrl, basic::BasicClient};

use super::{BEARER_RESPONSE, Doing, KEY, SECRET, doing};

pub(super) fn bearer() -> Doing {
    let url = "https://thingspace.verizon.com/api/ts/v1/oauth2/token";
    let client = BasicClient::new(ClientId::new(KEY.to_owned()))
        .set_client_secret(ClientSecret::new(SECRET.to_owned()))
        .set_token_uri(TokenUrl::new(url.to_owned()).unwrap());
    doing(move || {
        let stack = |request: HttpRequest| {
            drop(request);
            let body = BEARER_RESPONSE.as_bytes().to_vec();
            Ok::<_, Infallible>(Response::new(body))
        };
        client
            .exchange_client_credentials()
            .request(&stack)
            .unwrap()
    })
}
