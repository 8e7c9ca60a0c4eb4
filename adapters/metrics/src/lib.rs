#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod labels;
mod names;

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Label, SharedString, counter, gauge, histogram};
use thingspace_core::{
    Session, Timestamp,
    session::{CallId, Event, Exchange, ExchangeResult, Observer, Wait},
};

pub use self::names::describe;

/// An [`Observer`] that reports everything to the recorder of the `metrics` facade.
///
/// Cheap to clone. Give one to the client, and keep one to [`record`](Self::record) the
/// state of its session.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    session: Option<SharedString>,
}

impl Metrics {
    /// An observer for a program with one session.
    pub const fn new() -> Self {
        Self { session: None }
    }

    /// An observer for one of several sessions of a program: all that it reports has
    /// the label `thingspace.session` with this name. It shows wherever the metrics go,
    /// so choose one that tells nothing.
    pub fn named(session: impl Into<SharedString>) -> Self {
        Self {
            session: Some(session.into()),
        }
    }

    /// Sets the gauges to the state of the session at this time, by its client's clock.
    /// Call it before each scrape, or every few seconds.
    ///
    /// It also makes every counter known, with 0 before anything was counted, so that
    /// the first failure shows as an increase.
    pub fn record(&self, session: &Session, now: Timestamp) {
        let guard = session.login_guard();
        let bearer = session.bearer_renewal();
        let opened = session.opened_at();
        let next_login = guard.next_login.max(session.delayed_until(now));
        self.set(names::GUARD_OPEN, flag(guard.blocked.is_none()));
        self.set(names::ATTEMPTS_LEFT, guard.attempts_left.into());
        self.set(names::FAILED_LOGINS, guard.failed_logins.into());
        self.set(names::SESSION_OPEN, flag(opened.is_some()));
        self.set(names::SESSION_AGE, seconds(opened.map(|at| now.since(at))));
        self.set(names::BEARER_LEFT, seconds(bearer.map(|at| at.since(now))));
        self.set(
            names::LOGIN_DELAY,
            seconds(next_login.map(|at| at.since(now))),
        );
        for name in names::PLAIN_COUNTERS {
            self.counter(name, None).increment(0);
        }
        for outcome in labels::LOGIN_OUTCOMES {
            self.counter(names::LOGINS, Some((labels::OUTCOME, outcome)))
                .increment(0);
        }
        for reason in labels::BLOCK_REASONS {
            self.counter(names::LOGINS_BLOCKED, Some((labels::REASON, reason)))
                .increment(0);
        }
    }

    fn set(&self, name: &'static str, value: f64) {
        self.gauge(name).set(value);
    }

    fn gauge(&self, name: &'static str) -> Gauge {
        gauge!(name, self.labels(None))
    }

    fn counter(&self, name: &'static str, label: Option<(&'static str, &'static str)>) -> Counter {
        let label = label.map(|(key, value)| Label::from_static_parts(key, value));
        counter!(name, self.labels(label))
    }

    fn histogram(&self, name: &'static str, labels: impl IntoIterator<Item = Label>) -> Histogram {
        histogram!(name, self.labels(labels))
    }

    fn labels(&self, own: impl IntoIterator<Item = Label>) -> Vec<Label> {
        let session = self.session.clone();
        let session = session.map(|session| Label::new(labels::SESSION, session));
        own.into_iter().chain(session).collect()
    }
}

impl Observer for Metrics {
    fn event(&self, event: &Event, _: Option<CallId>) {
        let event_name = Some((labels::EVENT, event.name()));
        self.counter(names::EVENTS, event_name).increment(1);
        if let Some((name, label)) = labels::counted(event) {
            self.counter(name, label).increment(1);
        }
        match event {
            Event::LoginRefused { attempts_left, .. } | Event::LoginLost { attempts_left, .. } => {
                self.set(names::ATTEMPTS_LEFT, (*attempts_left).into());
            }
            Event::LoginsBlocked { .. } => self.set(names::GUARD_OPEN, flag(false)),
            Event::LoginsUnblocked => self.set(names::GUARD_OPEN, flag(true)),
            _ => {}
        }
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        self.histogram(names::WAIT_DURATION, labels::of_wait(wait))
            .record(took);
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.histogram(
            names::REQUEST_DURATION,
            labels::of_exchange(exchange, result),
        )
        .record(result.took);
    }
}

const fn flag(is_on: bool) -> f64 {
    if is_on { 1.0 } else { 0.0 }
}

fn seconds(time: Option<Duration>) -> f64 {
    time.map_or(0.0, |time| time.as_secs_f64())
}
