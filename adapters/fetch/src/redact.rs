//! Secrets taken out of the words of others: the error of somebody's `fetch` or store
//! may quote what it was given.

use thingspace_core::{BearerToken, Session, SessionToken};
use zeroize::Zeroizing;

/// The most characters of such an error.
const MAX_WORDS: usize = 500;

/// Returns the words without any secret of the session's that stands in them.
pub(crate) fn redact(words: &str, session: &Session, app_secret: &str) -> String {
    let mut secrets: Vec<Zeroizing<String>> = Vec::new();
    let mut add = |secret: &str| secrets.push(Zeroizing::new(secret.to_owned()));
    add(app_secret);
    let credentials = session.credentials();
    if let Some(password) = credentials.password() {
        add(password.expose());
    }
    if let Some(new) = session.new_password() {
        add(new.password().expose());
    }
    let headers = [
        Some(credentials.app.authorization()),
        session.bearer_token().map(BearerToken::authorization),
        session.session_token().map(SessionToken::header),
    ];
    for header in headers.iter().flatten() {
        let value = header.to_str().unwrap_or_default();
        add(value.split_once(' ').map_or(value, |(_, secret)| secret));
    }
    let mut words = words.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        words = words.replace(secret.as_str(), "…");
    }
    // Cut last, so that no half of a secret stays.
    words.chars().take(MAX_WORDS).collect()
}
