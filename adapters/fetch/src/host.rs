//! The host's side of the module: what happened goes in, what is to be done comes out.

use std::{mem, str};

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::{
    client::Client,
    clock::Clock,
    json::{Fields, Json},
};

/// One client, driven by messages.
#[derive(Default)]
pub struct Host {
    clock: Clock,
    client: Option<Client>,
}

impl Host {
    /// Takes what happened, as JSON, with the bytes of a body. Returns what is to be
    /// done. The JSON is wiped.
    pub fn input(&mut self, json: Vec<u8>, body: Bytes) -> Output {
        let json = Zeroizing::new(json);
        let mut bodies = Vec::new();
        let text = str::from_utf8(&json).unwrap_or_default();
        let parsed = serde_json::from_str(text).map_err(|_| "no JSON".to_owned());
        let todo = parsed.and_then(|input| self.take(input, body, &mut bodies));
        let todo = todo.unwrap_or_else(|invalid| Json::named("invalid", invalid.into()));
        let mut json = Zeroizing::new(String::new());
        todo.write(&mut json);
        Output { json, bodies }
    }

    fn take(&mut self, input: Json, body: Bytes, bodies: &mut Vec<Bytes>) -> Result<Json, String> {
        let mut input = Fields::of(input);
        let (now, steady) = (input.needed_number("now"), input.number("steady"));
        let (name, fields) = match input.take("what") {
            Json::Text(name) => (name, Json::Null),
            other => {
                let mut what = Fields::of(other);
                let one = what.one();
                what.end()?;
                one
            }
        };
        input.end()?;
        let fields = Fields::of(fields);
        let now = self.clock.now(now, steady);
        match (name.as_str(), &mut self.client) {
            ("create", none @ None) => {
                let client = none.insert(Client::new(fields)?);
                Ok(client.todo(now, bodies))
            }
            ("create", Some(_)) => Err("the client is made already".to_owned()),
            (_, None) => Err("the client is not made yet".to_owned()),
            (what, Some(client)) => client.input(now, what, fields, body, bodies),
        }
    }
}

/// What is to be done: JSON, and the bodies that it names by their number. It is wiped
/// when it is dropped, but for the bodies.
pub struct Output {
    json: Zeroizing<String>,
    bodies: Vec<Bytes>,
}

impl Output {
    /// The JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The body of this number; empty if there is none.
    pub fn body(&self, number: usize) -> &[u8] {
        self.bodies.get(number).map_or(&[], |body| body)
    }

    /// The body of this number, given away.
    pub fn take_body(&mut self, number: usize) -> Bytes {
        self.bodies
            .get_mut(number)
            .map(mem::take)
            .unwrap_or_default()
    }
}
