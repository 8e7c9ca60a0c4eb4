//! What the tests of all calls share.

use std::{fmt::Debug, marker::PhantomData};

use bytes::Bytes;
use http::Response;
use percent_encoding::percent_decode_str;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use thingspace_core::{Endpoint, Environment, api::ConnectivityCall};

pub(crate) const ACCOUNT: &str = "0000123456-00001";

/// The texts that a test puts into a request: its own, or whatever a caller may think
/// of in their place.
pub(crate) struct Texts(Option<Vec<String>>);

impl Texts {
    /// This text, or another one in its place. The same text has the same other.
    pub(crate) fn text(&self, documented: &str) -> String {
        let Some(arbitrary) = &self.0 else {
            return documented.to_owned();
        };
        let place: usize = documented.bytes().map(usize::from).sum();
        format!("{}{}", arbitrary[place % arbitrary.len()], place)
    }

    /// The account.
    pub(crate) fn account(&self) -> String {
        self.text(ACCOUNT)
    }
}

/// A call, and the request that the catalogue has for it.
pub(crate) struct Case<C> {
    pub(crate) call: C,
    pub(crate) method: &'static str,
    /// The segments of the path under `/m2m/v1`, not encoded.
    pub(crate) path: Vec<String>,
    /// The names and values of the query, not encoded.
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

impl<C> Case<C> {
    /// A call without a query and a body.
    pub(crate) fn new(call: C, method: &'static str, path: &[&str]) -> Self {
        Self {
            call,
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// A call whose request is as documented.
pub(crate) struct Checked<C> {
    name: &'static str,
    idempotent: bool,
    call: PhantomData<C>,
}

/// Checks a call's request: with the documented texts, and with any other.
pub(crate) fn check<C: ConnectivityCall>(case: impl Fn(&Texts) -> Case<C>) -> Checked<C> {
    assert_sent(case(&Texts(None)));
    // With a dot beside a slash, a name would be refused: it could change the path.
    let texts = prop::collection::vec("[^.]{0,12}", 1..8);
    TestRunner::new(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
    .run(&texts, |arbitrary| {
        assert_sent(case(&Texts(Some(arbitrary))));
        Ok(())
    })
    .unwrap();
    Checked {
        name: std::any::type_name::<C>(),
        idempotent: C::ROUTE.is_idempotent(),
        call: PhantomData,
    }
}

fn assert_sent<C: ConnectivityCall>(case: Case<C>) {
    let request = case.call.build(&Environment::mock()).unwrap();
    let url = url::Url::parse(&request.uri().to_string()).unwrap();
    assert_eq!(request.method(), case.method);
    assert_eq!(url.host_str(), Some("mock.thingspace.verizon.com"));
    let path: Vec<_> = url
        .path_segments()
        .unwrap()
        .map(|segment| percent_decode_str(segment).decode_utf8().unwrap())
        .collect();
    let (base, path) = path.split_at(3);
    assert_eq!(base, ["api", "m2m", "v1"]);
    assert_eq!(path, case.path);
    let query: Vec<_> = url.query_pairs().collect();
    assert_eq!(query.len(), case.query.len());
    for (sent, documented) in query.iter().zip(&case.query) {
        assert_eq!((&*sent.0, &*sent.1), (documented.0, &*documented.1));
    }
    let body = (!request.body().is_empty())
        .then(|| serde_json::from_slice::<Value>(request.body()).unwrap());
    assert_eq!(body, case.body);
}

impl<C> Checked<C>
where
    C: ConnectivityCall<Response: Debug> + Clone,
{
    /// Checks that the call may be executed twice.
    pub(crate) fn may_be_retried(self) -> Self {
        assert!(self.idempotent);
        self
    }

    /// Checks that the call may be executed once only.
    pub(crate) fn sent_once(self) -> Self {
        assert!(!self.idempotent);
        self
    }

    /// Checks the documented response, which `look` reads, and all that may become of it.
    /// A body that is no JSON is refused; a field of another kind is told by name, and
    /// hides none beside it.
    pub(crate) fn returns(self, documented: &Value, look: impl FnOnce(C::Response)) {
        look(parse::<C>(documented).unwrap());
        let text = documented.to_string();
        for length in 0..text.len() {
            if text.is_char_boundary(length) {
                assert!(parse_text::<C>(&text[..length]).is_err(), "{length}");
            }
        }
        let mut places = Vec::new();
        collect(documented, &mut Vec::new(), &mut places);
        for place in places {
            for (wrong, is_told) in [
                (json!([[]]), true),
                (json!([true]), true),
                (Value::Null, false),
                (json!({"a": {"b": "c"}}), false),
                (json!("x".repeat(10_000)), false),
                (json!(-1), false),
                (json!(u64::MAX), false),
                (json!(1.5e300), false),
                (json!(false), false),
                (json!(""), false),
                (json!([]), false),
            ] {
                let mut damaged = documented.clone();
                *find(&mut damaged, &place) = wrong;
                let read = parse::<C>(&damaged);
                let read = read.unwrap_or_else(|error| panic!("{}, {place:?}: {error}", self.name));
                let Some(Step::Field(name)) = place.last() else {
                    continue;
                };
                if is_told {
                    let shown = format!("{read:?}");
                    assert!(shown.contains(&format!("\"{name}\"")), "{place:?}: {shown}");
                }
            }
            let doubled = text.replacen('{', "{\"new\":1,\"new\":\"\\ud800\",", 1);
            assert!(parse_text::<C>(&doubled).is_ok());
        }
        let marked = format!("\u{feff} {text}\r\n");
        assert!(parse_text::<C>(&marked).is_ok());
        for no_response in ["", "null", "1", "\"a\"", "<html>", "{", "[1"] {
            assert!(parse_text::<C>(no_response).is_err(), "{no_response}");
        }
    }
}

/// One step from a value to one in it.
#[derive(Clone, Debug)]
enum Step {
    Field(String),
    Item(usize),
}

fn collect(value: &Value, here: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    let mut visit = |step: Step, value: &Value| {
        here.push(step);
        places.push(here.clone());
        collect(value, here, places);
        here.pop();
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                visit(Step::Field(name.clone()), value);
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                visit(Step::Item(number), value);
            }
        }
        _ => {}
    }
}

fn find<'a>(value: &'a mut Value, place: &[Step]) -> &'a mut Value {
    place.iter().fold(value, |value, step| match step {
        Step::Field(name) => &mut value[name],
        Step::Item(number) => &mut value[number],
    })
}

pub(crate) fn parse<C: ConnectivityCall>(
    body: &Value,
) -> Result<C::Response, thingspace_core::api::Error> {
    parse_text::<C>(&body.to_string())
}

fn parse_text<C: ConnectivityCall>(body: &str) -> Result<C::Response, thingspace_core::api::Error> {
    let response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    C::parse(response).map(Response::into_body)
}
