//! The names of all metrics, their units and descriptions.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) const LOGINS: &str = "thingspace.logins";
pub(crate) const LOGINS_BLOCKED: &str = "thingspace.logins.blocked";
pub(crate) const TOKEN_FETCHES: &str = "thingspace.token_fetches";
pub(crate) const LOGOUTS: &str = "thingspace.logouts";
pub(crate) const RESETS: &str = "thingspace.resets";
pub(crate) const REPLAYS: &str = "thingspace.replays";
pub(crate) const RETRIES: &str = "thingspace.retries";
pub(crate) const STORE_CONFLICTS: &str = "thingspace.store.conflicts";
pub(crate) const STORE_FAILURES: &str = "thingspace.store.failures";
pub(crate) const EVENTS: &str = "thingspace.events";

/// The counters without a label of their own.
pub(crate) const PLAIN_COUNTERS: [&str; 7] = [
    TOKEN_FETCHES,
    LOGOUTS,
    RESETS,
    REPLAYS,
    RETRIES,
    STORE_CONFLICTS,
    STORE_FAILURES,
];

pub(crate) const GUARD_OPEN: &str = "thingspace.guard.open";
pub(crate) const ATTEMPTS_LEFT: &str = "thingspace.guard.attempts_left";
pub(crate) const FAILED_LOGINS: &str = "thingspace.guard.failed_logins";
pub(crate) const SESSION_OPEN: &str = "thingspace.session.open";
pub(crate) const SESSION_AGE: &str = "thingspace.session.age";
pub(crate) const BEARER_LEFT: &str = "thingspace.bearer.time_left";
pub(crate) const LOGIN_DELAY: &str = "thingspace.login.delay";

/// The duration of a request, by the name that OpenTelemetry gives it.
pub(crate) const REQUEST_DURATION: &str = "http.client.request.duration";
pub(crate) const WAIT_DURATION: &str = "thingspace.wait.duration";

/// Registers the descriptions and units of all metrics. Call it once, when the recorder
/// is installed.
pub fn describe() {
    for (name, description) in COUNTERS {
        describe_counter!(name, Unit::Count, description);
    }
    for (name, unit, description) in GAUGES {
        describe_gauge!(name, unit, description);
    }
    for (name, description) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, description);
    }
}

const COUNTERS: [(&str, &str); 10] = [
    (LOGINS, "Logins, by outcome."),
    (
        LOGINS_BLOCKED,
        "Times that the login guard was blocked, by reason.",
    ),
    (TOKEN_FETCHES, "Bearer tokens that were fetched."),
    (LOGOUTS, "Sessions that were logged out."),
    (RESETS, "Passwords that were reset."),
    (
        REPLAYS,
        "Requests that were refused for a stale token and are sent again.",
    ),
    (RETRIES, "Requests that failed and were sent again."),
    (
        STORE_CONFLICTS,
        "Saves that another process was faster than.",
    ),
    (STORE_FAILURES, "Loads and saves that failed."),
    (EVENTS, "Events of the session, by name."),
];

const GAUGES: [(&str, Unit, &str); 7] = [
    (
        GUARD_OPEN,
        Unit::Count,
        "1 if the login guard is open to logins, 0 if it is blocked.",
    ),
    (
        ATTEMPTS_LEFT,
        Unit::Count,
        "Logins that may still fail before the guard is blocked.",
    ),
    (
        FAILED_LOGINS,
        Unit::Count,
        "Logins that failed since the last success; the platform locks the user name at 5.",
    ),
    (
        SESSION_OPEN,
        Unit::Count,
        "1 if a session is open, 0 if not.",
    ),
    (
        SESSION_AGE,
        Unit::Seconds,
        "Time since the open session was opened.",
    ),
    (
        BEARER_LEFT,
        Unit::Seconds,
        "Time until the bearer token is renewed.",
    ),
    (
        LOGIN_DELAY,
        Unit::Seconds,
        "Time until the next token fetch or login may be sent.",
    ),
];

const HISTOGRAMS: [(&str, &str); 2] = [
    (REQUEST_DURATION, "Duration of HTTP client requests."),
    (WAIT_DURATION, "Time that calls waited, by reason."),
];
