//! The session: it opens itself, stays alive, survives its own expiry and never lets its
//! user be locked out.
//!
//! A [`Session`] is two tokens, a count of failed logins, and at most one operation in
//! progress. It does nothing by itself. A [`Call`] is one thing that a caller wants. Its
//! [`step`](Call::step) says what to do next: [`Send`](Step::Send), [`Wait`](Step::Wait)
//! or [`Done`](Step::Done). Where processes share the session, it is also
//! [`Load`](SharedStep::Load) or [`Save`](SharedStep::Save). The machine never calls your
//! code: it returns what you have to do.
//!
//! The words are in the [glossary](crate::guide::glossary), and what to do about an error
//! is in the [guide](crate::guide::errors).
//!
//! The life of a session, as its callers and ThingSpace see it:
//!
//! ```text
//!  your call            session                       ThingSpace
//!      │── step ──────────▶│                               │
//!      │                   │── key and secret ────────────▶│
//!      │                   │◀─ bearer token, for one hour ─│
//!      │                   │   counts the login            │
//!      │                   │── user name and password ────▶│
//!      │                   │◀─ session token ──────────────│
//!      │                   │── your request, both tokens ─▶│
//!      │◀─ response ───────│◀─ response ───────────────────│
//!      │                                                   │
//!      ┊  further calls are one request each               ┊
//!      ┊  a minute before its end: another bearer token    ┊
//!      ┊  after 19 minutes without a call: another login   ┊
//!      │                                                   │
//!      │── step ──────────▶│                               │
//!      │                   │── your request, both tokens ─▶│
//!      │                   │◀─ the session is over ────────│
//!      │                   │── user name and password ────▶│
//!      │                   │◀─ session token ──────────────│
//!      │                   │── the same request, replayed ▶│
//!      │◀─ response ───────│◀─ response ───────────────────│
//! ```
//!
//! A refused bearer token costs a token fetch and a replay in the same way.
//!
//! It has two parts with one seam between them. *Acquire* gets the tokens, one
//! operation at a time:
//!
//! ```text
//!        ┌────── bearer stale or refused ──────┐
//!        ▼                                     │
//!   fetch bearer ──▶ login guard ──▶ log in ──▶ both tokens
//!        ▲          │   │ blocked      ▲       │
//!     backoff    check  ▼              └───────┘ session idle or refused
//!        ▲     service error
//!        └── failed, may pass
//! ```
//!
//! *Execute* uses them:
//!
//! ```text
//!   acquire ──▶ in flight ──▶ done
//!      ▲            │
//!      ├── replay ──┤ token refused, once
//!      └── backoff ─┘ failed, may pass, may be retried
//! ```
//!
//! Everything that a session remembers is in its [`Snapshot`]; the
//! [version](Session::version) grows when that changes.

mod acquire;
mod backoff;
mod blame;
mod builder;
mod call;
mod call_id;
mod check;
mod checked_address;
mod cooldown;
mod error;
mod event;
mod execute;
mod failure;
mod finish;
mod freshness;
mod guard;
mod machine;
mod memory;
mod new_password;
mod nonce;
mod nullable;
mod observer;
mod operation;
mod received;
mod results;
mod settings;
mod shared;
mod sharing;
mod snapshot;
mod span;
mod step;
mod store;
mod tag;
mod tokens;
mod verdict;

pub use self::{
    builder::SessionBuilder,
    call::Call,
    call_id::CallId,
    error::{Error, ErrorKind, Outcome},
    event::Event,
    failure::Failure,
    guard::{BlockReason, LoginGuard},
    machine::Session,
    new_password::{NewPassword, NotAwaited},
    observer::{CallResult, Exchange, ExchangeResult, Observer},
    operation::{Operation, OperationKind},
    settings::{
        LONGEST_REQUESTED_BACKOFF, MAX_EVENTS, MaxFailedLogins, PLATFORM_LOCKS_AT, Settings,
        SettingsError,
    },
    snapshot::{OtherSession, Revision, Snapshot, SnapshotError},
    step::{Attempt, Completion, SharedStep, Step, Transmit, Wait, WaitReason},
    store::{AsyncStore, Blocking, Loaded, POLL_INTERVAL, Saved, Store, StoreFuture, Watcher},
};
