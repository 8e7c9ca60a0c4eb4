//! Slips of a service that hide nothing: with any of them, a response says the same.

use bytes::Bytes;
use http::Response;
use proptest::{collection::vec, prelude::*, sample::select};
use thingspace_core::{
    Endpoint, Refusal,
    api::{Error, LogIn, LogOut, RequestBearerToken, ResetPassword},
    response::{Problem, Shape},
};

/// What stands in a text where a character should.
const UNREADABLE: [&[u8]; 10] = [
    b"\\ud800",
    b"\\uDFFF",
    b"\\ud83d\\n",
    b"\\'",
    b"\\x",
    b"\\u12",
    b"\n",
    b"\0",
    b"\xfc",
    b"\xc3",
];

/// A text of JSON between its quotes, with slips in it.
fn slippery() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<String>().prop_map(|text| {
            let json = serde_json::to_string(&text).unwrap();
            json.as_bytes()[1..json.len() - 1].to_vec()
        }),
        select(UNREADABLE.to_vec()).prop_map(<[u8]>::to_vec),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Blanks around a token or a code.
fn blanks() -> impl Strategy<Value = &'static str> {
    select(vec!["", " ", "   ", "\\n", "\\t \\r\\n", "\\u00a0"])
}

/// A body of these fields, whose values are JSON, in some order.
fn object(fields: Vec<(&'static str, Vec<u8>)>) -> impl Strategy<Value = Vec<u8>> {
    let mark = prop_oneof![Just(&b""[..]), Just(&b"\xef\xbb\xbf"[..])];
    (mark, Just(fields).prop_shuffle(), any::<bool>()).prop_map(|(mark, fields, is_spaced)| {
        let blank = if is_spaced { "\n  " } else { "" };
        let mut body = [mark, b"{"].concat();
        for (number, (name, value)) in fields.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            body.extend_from_slice(format!("{comma}{blank}\"{name}\":{blank}").as_bytes());
            body.extend_from_slice(value);
        }
        body.extend_from_slice(format!("{blank}}}").as_bytes());
        body
    })
}

fn quoted(text: &[u8]) -> Vec<u8> {
    [b"\"", text, b"\""].concat()
}

/// The API's refusal with this code, and with a message that stands there up to twice.
fn refusal_with(code: String) -> impl Strategy<Value = Vec<u8>> {
    (vec(slippery(), 0..3), blanks(), blanks(), any::<bool>()).prop_flat_map(
        move |(messages, before, after, is_twice)| {
            let code = format!("{before}{code}{after}").into_bytes();
            let mut fields = vec![("errorCode", quoted(&code))];
            if is_twice {
                fields.push(("errorCode", quoted(&code)));
            }
            fields.extend(messages.iter().map(|text| ("errorMessage", quoted(text))));
            object(fields)
        },
    )
}

/// A success with this token in this field, beside a field that nobody asked for.
fn success_with(name: &'static str, token: String) -> impl Strategy<Value = Vec<u8>> {
    (slippery(), blanks(), blanks(), any::<bool>()).prop_flat_map(
        move |(other, before, after, is_twice)| {
            let token = quoted(format!("{before}{token}{after}").as_bytes());
            let mut fields = vec![(name, token.clone()), ("other", quoted(&other))];
            if is_twice {
                fields.push((name, token));
            }
            object(fields)
        },
    )
}

/// A code, and a response that has it.
fn code_and_refusal() -> impl Strategy<Value = (String, Vec<u8>)> {
    "[A-Za-z]{1,9}\\.(INPUT_INVALID|REQUEST_FAILED)\\.[A-Za-z.]{1,20}"
        .prop_flat_map(|code| (Just(code.clone()), refusal_with(code)))
}

fn token_and_success(name: &'static str) -> impl Strategy<Value = (String, Vec<u8>)> {
    "[A-Za-z0-9-]{1,40}"
        .prop_flat_map(move |token| (Just(token.clone()), success_with(name, token)))
}

/// The gateway's fault with this code, in any of its forms.
fn fault_with(code: u32) -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        Just(code.to_string()),
        Just(format!("\"{code}\"")),
        Just(format!("\" {code}\\n\"")),
    ];
    let fields = (number, slippery(), slippery()).prop_flat_map(|(code, message, description)| {
        object(vec![
            ("code", code.into_bytes()),
            ("message", quoted(&message)),
            ("description", quoted(&description)),
        ])
    });
    let flat = fields.boxed();
    let fault = flat.clone().prop_flat_map(|flat| {
        let flat = flat.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&flat).to_vec();
        object(vec![("fault", flat)])
    });
    prop_oneof![flat, fault, xml_with(code)]
}

/// The gateway's fault in XML.
fn xml_with(code: u32) -> impl Strategy<Value = Vec<u8>> {
    let head = select(vec![
        "",
        "\u{feff}",
        "<?xml version=\"1.0\" encoding='UTF-8'?>\n",
        "\u{feff}<?xml version='1.0'?><!-- <fault> > --><!DOCTYPE fault>",
    ]);
    let attributes = select(vec!["", " ", "\n\t", " a='>' b=\"</c>\"", " xmlns:x=\"y\""]);
    let text = select(vec!["@", " @\n", "<![CDATA[@]]>", "<!-- 1 -->@<!---->"]);
    let message = vec(
        select(vec![
            &b"m"[..],
            b"\xfc",
            b"<!-- > -->",
            b"<![CDATA[<code>1]]>",
        ]),
        0..4,
    );
    (
        "[a-z]{0,4}",
        head,
        attributes,
        text,
        message,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            move |(prefix, head, attributes, text, message, is_upper, is_first)| {
                let name = |name: &str| {
                    let name = if is_upper {
                        name.to_ascii_uppercase()
                    } else {
                        name.to_owned()
                    };
                    if prefix.is_empty() {
                        name
                    } else {
                        format!("{prefix}:{name}")
                    }
                };
                let element = |local: &str, text: &[u8]| {
                    let name = name(local);
                    let open = format!("<{name}{attributes}>");
                    let close = format!("</{name}>");
                    [open.as_bytes(), text, close.as_bytes()].concat()
                };
                let text = text.replace('@', &code.to_string());
                let code = element("code", text.as_bytes());
                let message = element("message", &message.concat());
                let inside = if is_first {
                    [code, message]
                } else {
                    [message, code]
                };
                [head.as_bytes(), &element("fault", &inside.concat())].concat()
            },
        )
}

fn code_and_fault() -> impl Strategy<Value = (u32, Vec<u8>)> {
    (900_800..=900_999_u32).prop_flat_map(|code| (Just(code), fault_with(code)))
}

fn response(status: u16, body: &[u8]) -> Response<Bytes> {
    let response = Response::builder().status(status);
    response.body(Bytes::copy_from_slice(body)).unwrap()
}

fn status() -> impl Strategy<Value = u16> {
    select(vec![400, 401, 403, 404, 409, 429, 500, 503])
}

proptest! {
    #[test]
    fn no_slip_hides_a_code((code, body) in code_and_refusal(), status in status()) {
        let refusal = Refusal::read(response(status, &body));
        let read = refusal.code().map(ToString::to_string);
        prop_assert_eq!(read.as_deref(), Some(&*code), "{}", body.escape_ascii());
    }

    #[test]
    fn a_code_is_a_refusal_whatever_the_status((code, body) in code_and_refusal()) {
        let errors = [
            LogIn::parse(response(200, &body)).err(),
            LogOut::parse(response(200, &body)).err(),
            ResetPassword::parse(response(200, &body)).err(),
            RequestBearerToken::parse(response(200, &body)).err(),
        ];
        for error in errors {
            let read = error.as_ref().and_then(Error::refusal).and_then(Refusal::code);
            prop_assert_eq!(read.map(ToString::to_string), Some(code.clone()));
        }
    }

    #[test]
    fn no_slip_hides_a_session_token((token, body) in token_and_success("sessionToken")) {
        let login = LogIn::parse(response(200, &body)).unwrap();
        prop_assert_eq!(login.body().session_token.expose(), &token);
        let logout = LogOut::parse(response(200, &body)).unwrap().into_body();
        let ended = logout.session_token.unwrap();
        prop_assert_eq!(ended.expose(), &token);
    }

    #[test]
    fn no_slip_hides_a_bearer_token((token, body) in token_and_success("access_token")) {
        let fetched = RequestBearerToken::parse(response(200, &body)).unwrap();
        prop_assert_eq!(fetched.body().access_token.expose(), &token);
    }

    #[test]
    fn a_new_password_is_what_was_sent_or_is_not_taken(text in slippery()) {
        let field = quoted(&text);
        let body = [b"{\"newPassword\":", &*field, b"}"].concat();
        let reset = ResetPassword::parse(response(200, &body));
        // A reader of somebody else's, that forgives nothing.
        let strict = serde_json::from_slice::<String>(&field).ok();
        let is_whole = |text: &String| !text.is_empty() && !text.contains('\u{fffd}');
        match strict.filter(is_whole) {
            Some(text) if text.len() <= 1024 => {
                let new = reset.unwrap().into_body().new_password;
                prop_assert_eq!(new.expose(), text);
            }
            _ => {
                let error = reset.unwrap_err();
                prop_assert_eq!(error.response().body(), &body);
            }
        }
    }

    #[test]
    fn a_fault_is_known_in_every_form_and_under_any_status(
        (code, body) in code_and_fault(),
        status in status(),
    ) {
        let refusal = Refusal::read(response(status, &body));
        let shown = body.escape_ascii();
        prop_assert!(matches!(refusal.shape(), Shape::Gateway(_)), "{}", shown);
        prop_assert_eq!(refusal.fault(), Some(code), "{}", shown);
        let is_throttled = status == 429 || code / 100 == 9008;
        prop_assert_eq!(refusal.is_throttled(), is_throttled);
        prop_assert_eq!(refusal.is_bearer_fault(), status == 401 && !is_throttled);
    }
}

#[test]
fn two_values_in_one_place_are_none() {
    let login = |body: &str| LogIn::parse(response(200, body.as_bytes()));
    let Err(Error::Invalid { invalid, .. }) = login(r#"{"sessionToken":"a","sessionToken":"b"}"#)
    else {
        panic!("one of two tokens was taken");
    };
    assert_eq!(
        (invalid.part, invalid.problem),
        ("sessionToken", Problem::Kind)
    );
    let body = br#"{"errorCode":"A.B","errorCode":"C.D","errorMessage":"m"}"#;
    let refusal = Refusal::read(response(400, body));
    assert_eq!((refusal.code(), refusal.message()), (None, Some("m")));
}

#[test]
fn a_code_is_not_hidden_by_another_shape() {
    for body in [
        r#"{"errorCode":"A.REQUEST_FAILED.B","fault":"x"}"#,
        r#"{"errorCode":"A.REQUEST_FAILED.B","fault":["x"],"error":{"a":1}}"#,
        r#"{"errorCode":"A.REQUEST_FAILED.B","fault":{"code":1},"error":"e"}"#,
        r#"{"fault":17,"errorCode":"A.REQUEST_FAILED.B","code":900901}"#,
    ] {
        let refusal = Refusal::read(response(400, body.as_bytes()));
        let code = refusal.code().expect(body);
        assert!(code.is("REQUEST_FAILED.B"), "{body}");
    }
    for body in [
        r#"{"errorMessage":"m","fault":{"code":900901}}"#,
        r#"{"errorCode":"","code":"900901"}"#,
        r#"{"errorCode":"not a code","errorMessage":"m","fault":{"code":"900901"},"error":"e"}"#,
    ] {
        let refusal = Refusal::read(response(401, body.as_bytes()));
        assert_eq!(refusal.fault(), Some(900_901), "{body}");
    }
}
