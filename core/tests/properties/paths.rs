//! Paths, however they are written: none leads a caller to a call that only the session
//! itself may make.

use bytes::Bytes;
use http::{Request, Uri};
use proptest::{collection::vec, prelude::*, sample::select};
use thingspace_core::{
    AppCredentials, Call, CallOptions, Credentials, Environment, ErrorKind, RequestError, Session,
    Step, Timestamp, UserCredentials,
};

/// The session's own calls.
const OWN: [&str; 3] = [
    "/m2m/v1/session/login",
    "/m2m/v1/session/logout",
    "/m2m/v1/session/password/actions/reset",
];

/// What may stand beside any letter or slash, and some server passes over.
const PASSED_OVER: [&str; 8] = ["%20", "%00", "%09", "%0d%0a", "%7f", "%c2%a0", "%2e", "."];

/// A byte, percent-encoded this often.
fn encoded(byte: u8, depth: usize) -> String {
    match depth {
        0 => char::from(byte).to_string(),
        depth => format!("%{}{byte:02x}", "25".repeat(depth - 1)),
    }
}

/// One of these paths as somebody might write it to get it past a check.
fn disguised() -> impl Strategy<Value = String> {
    let slash = select(vec![
        "/", "//", "/%20/", "%2f", "%252F", "\\", "%5c", "/%00/",
    ]);
    let style = (0..4_usize, any::<bool>(), slash);
    let beside = vec(select(PASSED_OVER.to_vec()), 0..2).prop_map(|beside| beside.concat());
    let beside = (beside.clone(), beside);
    (select(OWN.to_vec()), vec((style, beside), 40)).prop_map(|(path, styles)| {
        let mut styles = styles.iter().cycle();
        let mut disguised = String::from("/");
        for (number, segment) in path.split('/').skip(1).enumerate() {
            let ((_, _, slash), (before, after)) = styles.next().unwrap();
            if number > 0 {
                disguised.push_str(slash);
            }
            disguised.push_str(before);
            for byte in segment.bytes() {
                let ((depth, is_upper, _), _) = styles.next().unwrap();
                let byte = if *is_upper {
                    byte.to_ascii_uppercase()
                } else {
                    byte
                };
                disguised.push_str(&encoded(byte, *depth));
            }
            disguised.push_str(after);
        }
        disguised
    })
}

fn session() -> Session {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    Session::new(Environment::mock(), Credentials::new(app, user), 1)
}

/// The reason why a request to this path is not sent; `None` if it would be.
fn refused(path: &str) -> Option<RequestError> {
    let uri: Uri = format!("{}{path}", Environment::mock()).parse().unwrap();
    let request = Request::post(uri).body(Bytes::new()).unwrap();
    let mut call = Call::new(request, CallOptions::once());
    match call.step(&mut session(), Timestamp::from_millis(1_700_000_000_000)) {
        Step::Done(Err(error)) => match error.kind() {
            ErrorKind::Request(reason) => Some(*reason),
            _ => panic!("{error}"),
        },
        _ => None,
    }
}

proptest! {
    #[test]
    fn law_9_no_disguise_gets_a_request_to_a_call_of_the_sessions_own(path in disguised()) {
        let reason = refused(&path);
        prop_assert!(
            matches!(reason, Some(RequestError::SessionCall | RequestError::Path)),
            "{} passed",
            path
        );
    }

    #[test]
    fn law_10_any_path_is_judged(path in "/[!-~]{0,200}") {
        if format!("https://h{path}").parse::<Uri>().is_ok() {
            refused(&path);
        }
    }

    /// A name in a path may hold anything that does not make it another path.
    #[test]
    fn a_path_to_something_else_is_not_refused(
        name in "[A-Za-z0-9][ -~&&[^./\\\\%;]]{0,20}",
        before in select(vec!["devices", "accounts", "sessions", "callbacks"]),
    ) {
        let environment = Environment::mock();
        let uri = environment.uri_of(&["m2m", "v1", before, &name, "session"]).unwrap();
        let path = uri.path().strip_prefix("/api").unwrap();
        prop_assert_eq!(refused(path), None, "{}", path);
    }
}
