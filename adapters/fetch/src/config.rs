//! The configuration of a client.

use std::{num::NonZeroU32, time::Duration};

use http::{HeaderName, HeaderValue};
use thingspace_core::{
    AppCredentials, BearerToken, Credentials, Environment, Session, SessionBuilder, TrustedOrigin,
    UserCredentials,
    session::{MaxFailedLogins, Settings},
};
use zeroize::Zeroizing;

use crate::json::{Fields, wrong};

/// The time between two looks into a store that names no other (our choice).
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A session that is configured.
pub(crate) struct Configured {
    pub(crate) session: Session,
    /// The application's secret, to be found in the words of others.
    pub(crate) secret: Zeroizing<String>,
    /// True if it has a store.
    pub(crate) is_shared: bool,
}

/// Builds the session. Fails, without showing a secret, if something in it can't be used.
pub(crate) fn build(mut given: Fields) -> Result<Configured, String> {
    let (user, seed) = (given.fields("credentials"), given.needed_text("seed"));
    let (place, numbers) = (given.text("environment"), given.fields("settings"));
    let (store, user_agent) = (given.optional("store"), given.text("userAgent"));
    given.end()?;
    let interval = store.map(poll_interval).transpose()?;
    let (credentials, secret) = credentials(user)?;
    let seed = u64::from_str_radix(&seed, 16).map_err(|_| wrong("seed"))?;
    let mut builder = SessionBuilder::new(credentials)
        .environment(environment(place.as_deref())?)
        .settings(settings(numbers)?)
        .seed(seed);
    if let Some(interval) = interval {
        builder = builder.shared(interval);
    }
    if let Some(user_agent) = user_agent {
        let value = HeaderValue::from_str(&user_agent).map_err(|_| wrong("userAgent"))?;
        builder = builder.user_agent(value);
    }
    let session = builder.build().map_err(|error| error.to_string())?;
    Ok(Configured {
        session,
        secret,
        is_shared: interval.is_some(),
    })
}

/// The time between two looks of a call that waits for other processes.
fn poll_interval(mut store: Fields) -> Result<Duration, String> {
    let millis = store.number("pollInterval");
    store.end()?;
    Ok(millis.map_or(POLL_INTERVAL, |millis| Duration::from_millis(millis.max(1))))
}

/// Reads credentials. Returns the application's secret beside them.
///
/// Fails, without showing any of them, if they are none.
pub(crate) fn credentials(mut given: Fields) -> Result<(Credentials, Zeroizing<String>), String> {
    let key = given.text("key");
    let (secret, bearer) = (given.secret("secret"), given.secret("bearerToken"));
    let (username, password) = (given.text("username"), given.secret("password"));
    given.end()?;
    let (app, secret) = match (key, secret, bearer) {
        (Some(key), Some(secret), None) => {
            let app = AppCredentials::new(key, secret.as_str());
            (app.map_err(|error| error.to_string())?, secret)
        }
        (None, None, Some(token)) => {
            let bearer = BearerToken::new(&token).map_err(|error| error.to_string())?;
            (AppCredentials::fixed(bearer), token)
        }
        _ => return Err("give the application's key and secret, or a bearerToken alone".into()),
    };
    let credentials = match (username, password) {
        (Some(username), Some(password)) => {
            let user = UserCredentials::new(username, password.as_str());
            Credentials::new(app, user.map_err(|error| error.to_string())?)
        }
        (None, None) => Credentials::of_app(app),
        _ => return Err("give the user's name and password, or neither".into()),
    };
    Ok((credentials, secret))
}

/// The environment of this name or at this address; production by default.
fn environment(given: Option<&str>) -> Result<Environment, String> {
    match given {
        None | Some("production") => Ok(Environment::production()),
        Some("staging") => Ok(Environment::staging()),
        Some("mock") => Ok(Environment::mock()),
        Some(base) => address(base),
    }
}

fn address(base: &str) -> Result<Environment, String> {
    base.parse()
        .map_err(|error| format!("the environment's base address can't be used: {error}"))
}

/// Reads the numbers that tune the session, as far as they are given. Times are in
/// milliseconds.
fn settings(mut given: Fields) -> Result<Settings, String> {
    let mut settings = Settings::default();
    let times: [(&str, &mut Duration); 10] = [
        ("loginInterval", &mut settings.login_interval),
        ("firstProbeAfter", &mut settings.first_probe_after),
        ("nextProbeAfter", &mut settings.next_probe_after),
        ("longestCheckPause", &mut settings.longest_check_pause),
        ("clockSkew", &mut settings.clock_skew),
        ("idleTimeout", &mut settings.idle_timeout),
        ("attemptTimeout", &mut settings.attempt_timeout),
        ("firstBackoff", &mut settings.first_backoff),
        ("longestBackoff", &mut settings.longest_backoff),
        ("longestWait", &mut settings.longest_wait),
    ];
    for (name, time) in times {
        if let Some(millis) = given.number(name) {
            *time = Duration::from_millis(millis);
        }
    }
    settings.call_timeout = given.number("callTimeout").map(Duration::from_millis);
    settings.scope = given.text("scope");
    if let Some(number) = given.number("maxFailedLogins") {
        let number = u8::try_from(number).map_err(|_| wrong("maxFailedLogins"))?;
        let number = MaxFailedLogins::new(number).map_err(|error| error.to_string())?;
        settings.max_failed_logins = number;
    }
    if let Some(attempts) = given.number("maxAttempts") {
        let attempts = u32::try_from(attempts).ok().and_then(NonZeroU32::new);
        settings.max_attempts = attempts.ok_or_else(|| wrong("maxAttempts"))?;
    }
    if let Some(bytes) = given.number("maxBody") {
        settings.max_body = usize::try_from(bytes).map_err(|_| wrong("maxBody"))?;
    }
    for origin in given.list("trustedOrigins") {
        let mut origin = Fields::of(origin);
        let header = origin.needed_text("sessionHeader");
        let header =
            HeaderName::from_bytes(header.as_bytes()).map_err(|_| wrong("sessionHeader"))?;
        let base = address(&origin.needed_text("base"))?;
        origin.end()?;
        settings
            .trusted_origins
            .push(TrustedOrigin::new(base, header));
    }
    given.end()?;
    Ok(settings)
}
