//! The library's errors in the words of this program: what happened, once, and what to do
//! with its commands.

use thingspace_ureq::core::{
    Error, ErrorKind, Outcome, RequestError,
    session::{BlockReason, LoginGuard, OtherSession, PLATFORM_LOCKS_AT, SnapshotError},
};

/// The advice that the library has for a program, and that for who uses this one.
const ADVICE: [(&str, &str); 4] = [
    ("give them to the HTTP stack", "give them in HTTPS_PROXY"),
    (
        "make one session, and one store, for each",
        "name another file or store for each",
    ),
    (
        "give it more time or call again",
        "give it more time with --deadline, or call again",
    ),
    (
        "until other credentials are given or the login guard is unblocked",
        "before that is cleared up",
    ),
];

/// Says what happened to a call, and what to do next. `logins` is the number of logins
/// that this command has made.
pub(crate) fn of(error: &Error, logins: u32) -> String {
    let Some(text) = own(error.kind(), logins).filter(|_| !error.is_password_in_doubt()) else {
        return for_a_shell(error.to_string());
    };
    if let Some(operation) = error.prerequisite() {
        return format!("the call was not sent, because {operation} failed: {text}");
    }
    let is_of_login = matches!(error.kind(), ErrorKind::Blocked { .. }) && logins > 0;
    if error.outcome() == Outcome::Unknown && !is_of_login {
        return format!("an earlier attempt may have been executed; then this happened: {text}");
    }
    text
}

/// The text of the library, with the advice that fits here.
pub(crate) fn for_a_shell(mut text: String) -> String {
    for (library, here) in ADVICE {
        text = text.replace(library, here);
    }
    text
}

/// The reason why a session that was saved is of no use.
pub(crate) fn unusable(error: SnapshotError, place: &str) -> String {
    match error {
        SnapshotError::Other(other) => {
            let of = match other {
                OtherSession::Environment => "in another environment",
                OtherSession::App => "of another application key",
                OtherSession::User => "of another user name",
                _ => "of another kind",
            };
            format!(
                "the session in {place} is one {of}; name the place of this one with --state or --store, or leave that out"
            )
        }
        SnapshotError::Damaged => format!(
            "the session in {place} is damaged: it holds values that no session ever had; it is left as it is; move it away, which forgets which logins have failed"
        ),
        SnapshotError::Sealed => format!(
            "the session in {place} is sealed, and this program has no key for it; name another place with --state or --store"
        ),
        other => for_a_shell(format!("{other}; it is in {place}")),
    }
}

/// The reason why the login guard is blocked.
pub(crate) fn blocked(reason: &BlockReason) -> String {
    match reason {
        BlockReason::WrongCredentials { .. } => {
            "the service says that the credentials are wrong"
        }
        BlockReason::CantBeSent { .. } => {
            "ThingSpace does not take some characters, such as ' < and \\, and one of them is in the credentials; have the password changed, then give the new one"
        }
        BlockReason::BudgetSpent => "as many logins failed or were lost as may",
        BlockReason::PasswordInDoubt => {
            "the response to a password reset is lost, so the password may be wrong"
        }
        BlockReason::AwaitingConfirmation => {
            "a password reset was executed and has not reported success, so the password from before is wrong; give the new one, then unblock the guard"
        }
        BlockReason::PasswordOutdated => {
            "another process has reset the password or was given another one; give that one here too"
        }
        other => return other.to_string(),
    }
    .to_owned()
}

/// The text for a kind of error whose own advice is for a program.
fn own(kind: &ErrorKind, logins: u32) -> Option<String> {
    Some(match kind {
        ErrorKind::Request(RequestError::SessionCall) => {
            "the request was not sent: it is a call that opens, ends or re-keys a session, which only the session itself may make; use thingspace login, logout and reset-password".to_owned()
        }
        ErrorKind::Blocked { guard, .. } => {
            let reason = guard.blocked.as_ref().map(blocked).unwrap_or_default();
            let counted = counted(guard);
            let last = guard.last_failure.as_ref();
            match (logins, last) {
                (0, None) => format!("the login guard is blocked: {reason} {counted}"),
                (0, Some(last)) => {
                    format!("the login guard is blocked: {reason} {counted}; before that, {last}")
                }
                (_, last) => {
                    let last = last.map(ToString::to_string).unwrap_or_default();
                    let made = if logins == 1 {
                        "the login of this command failed".to_owned()
                    } else {
                        format!("{logins} logins of this command failed")
                    };
                    format!("{made}: {last}; now the login guard is blocked: {reason} {counted}")
                }
            }
        }
        ErrorKind::WrongCredentials { guard, refusal, .. } => format!(
            "the user's credentials were refused ({refusal}) {}",
            counted(guard)
        ),
        ErrorKind::LoginRefused { guard, refusal, .. } => {
            let why = match guard.blocked {
                Some(BlockReason::CantBeSent { .. }) => "for a character: ThingSpace takes some nowhere, such as ' < and \\; have the password changed, then give the new one",
                _ => "perhaps for its credentials",
            };
            let next = match guard.blocked {
                None => "; check the credentials before the next",
                Some(_) => "",
            };
            format!(
                "the login was refused ({refusal}), {why} {}{next}",
                counted(guard)
            )
        }
        ErrorKind::CoolingDown { until, because, .. } => format!(
            "new sessions keep being refused, so the next login is made at {until} ({because}); look for another program that logs in with the same user name"
        ),
        ErrorKind::BackingOff { until, because, .. } => format!(
            "the next token fetch or login is made at {until} ({because}), and that is longer to wait than --wait allows; call again then"
        ),
        _ => return None,
    })
}

fn counted(guard: &LoginGuard) -> String {
    format!(
        "({} failed since the last success; the platform locks the user name at {PLATFORM_LOCKS_AT})",
        guard.failed_logins
    )
}

/// Advice on what allows a login that the guard does not allow now; `None` if it does.
pub(crate) fn how_to_unblock(guard: &LoginGuard) -> Option<&'static str> {
    /// One more failed login locks the user name.
    const LAST: u32 = PLATFORM_LOCKS_AT as u32 - 1;

    Some(match &guard.blocked {
        Some(_) if guard.failed_logins >= LAST => {
            "One more failed login would lock the user name, so no password is tried. Give the one that is certainly right, and allow one login with it: thingspace unblock"
        }
        Some(BlockReason::PasswordInDoubt | BlockReason::AwaitingConfirmation) => {
            "Give the password that is right, then unblock the login guard with: thingspace unblock"
        }
        Some(_) => {
            "Another password is tried without that. If this one is right, unblock it with: thingspace unblock"
        }
        None if guard.attempts_left == 0 => {
            "If you know that the service works again, allow one login at once: thingspace unblock"
        }
        None => return None,
    })
}
