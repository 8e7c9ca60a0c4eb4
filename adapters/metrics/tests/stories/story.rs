//! The setup of a story: a simulated ThingSpace, a client of it, and what is recorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use metrics::{Key, SharedString, Unit, with_local_recorder};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use thingspace_metrics::{Metrics, describe};
use thingspace_scenarios::{BoxedObserver, LONG, Options, Register, Stage};
use thingspace_ureq::{
    Builder, Client,
    core::session::{CallId, Event, Exchange, ExchangeResult, Observer, Store, Wait},
};

/// A service, a store, and what the clients of the story have recorded.
pub(crate) struct Story {
    pub(crate) stage: Stage<()>,
    pub(crate) register: Register,
    recording: Recording,
    seen: Mutex<Seen>,
}

/// Everything that was recorded. The keys are written as `name{label="value"}`.
#[derive(Default)]
struct Seen {
    counters: BTreeMap<String, u64>,
    gauges: BTreeMap<String, f64>,
    histograms: BTreeMap<String, Vec<f64>>,
    labels: BTreeSet<(String, String)>,
    described: BTreeMap<String, (Option<Unit>, Option<SharedString>)>,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::of(Metrics::new())
    }

    /// A story whose clients have this observer.
    pub(crate) fn of(metrics: Metrics) -> Self {
        let stage = Stage::new();
        let recorder = Arc::new(DebuggingRecorder::new());
        Self {
            register: stage.register(),
            stage,
            recording: Recording { recorder, metrics },
            seen: Mutex::default(),
        }
    }

    /// Builds a client with the right password.
    pub(crate) fn client(&self) -> Client {
        self.client_of(self.stage.options())
    }

    pub(crate) fn client_of(&self, options: Options) -> Client {
        self.builder(options, ()).build().unwrap()
    }

    /// Builds a client whose session is shared through this store.
    pub(crate) fn sharing(&self, store: impl Store + 'static) -> Client {
        let builder = self.builder(self.stage.options(), ());
        builder.store(store).build().unwrap()
    }

    /// A builder of a client with one more observer.
    pub(crate) fn builder(&self, mut options: Options, other: impl Observer + 'static) -> Builder {
        options.observer = BoxedObserver::new((self.recording.clone(), other));
        Builder::new(options.into_config())
    }

    /// Records the state of a client's session.
    pub(crate) fn record(&self, client: &Client) {
        let Recording { recorder, metrics } = &self.recording;
        with_local_recorder(&**recorder, || {
            describe();
            client.session(|session| metrics.record(session, client.now()));
        });
    }

    /// Asserts that this is counted so often. An operation is reported on a thread of
    /// its own, perhaps after the end of the call that needed it.
    #[track_caller]
    pub(crate) fn assert_counted(&self, counter: &str, times: u64) {
        let value = || self.see(|seen| seen.counters.get(counter).copied());
        self.await_it(counter, || value().unwrap_or(0) >= times);
        assert_eq!(value().unwrap_or(0), times, "{counter}");
    }

    /// Asserts that a histogram has so many values, and returns them.
    #[track_caller]
    pub(crate) fn assert_timed(&self, histogram: &str, times: usize) -> Vec<f64> {
        let so_far = || self.see(|seen| seen.histograms.get(histogram).cloned());
        self.await_it(histogram, || so_far().is_some_and(|of| of.len() >= times));
        let values = so_far().unwrap();
        assert_eq!(values.len(), times, "{histogram}");
        values
    }

    /// Asserts that a gauge was set to this, since it was last looked at.
    #[track_caller]
    pub(crate) fn assert_gauge(&self, gauge: &str, is: f64) {
        let value = || self.see(|seen| seen.gauges.get(gauge).copied());
        self.await_it(gauge, || value() == Some(is));
    }

    /// The values of these gauges, by one look: a look sets those that nobody sets to 0.
    #[track_caller]
    pub(crate) fn gauges<const N: usize>(&self, gauges: [String; N]) -> [f64; N] {
        self.see(|seen| gauges.map(|gauge| seen.gauges[&gauge]))
    }

    /// The values of a histogram so far.
    pub(crate) fn timed(&self, histogram: &str) -> Vec<f64> {
        let values = self.see(|seen| seen.histograms.get(histogram).cloned());
        values.unwrap_or_default()
    }

    /// All counters, with their values.
    pub(crate) fn counters(&self) -> BTreeMap<String, u64> {
        self.see(|seen| seen.counters.clone())
    }

    /// The keys of all metrics.
    pub(crate) fn keys(&self) -> BTreeSet<String> {
        self.see(|seen| seen.described.keys().cloned().collect())
    }

    /// All labels with all their values.
    pub(crate) fn labels(&self) -> BTreeSet<(String, String)> {
        self.see(|seen| seen.labels.clone())
    }

    /// The unit and the description of each metric, by its key.
    pub(crate) fn described(&self) -> BTreeMap<String, (Option<Unit>, Option<SharedString>)> {
        self.see(|seen| seen.described.clone())
    }

    #[track_caller]
    fn await_it(&self, what: &str, is: impl Fn() -> bool) {
        let start = Instant::now();
        while !is() {
            assert!(start.elapsed() < LONG, "{what}: {:?}", self.counters());
            thread::yield_now();
        }
    }

    /// Looks at everything that was recorded.
    fn see<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        let mut seen = self.seen.lock().unwrap();
        let snapshot = self.recording.recorder.snapshotter().snapshot();
        for (key, unit, description, value) in snapshot.into_vec() {
            seen.add(key.key(), value);
            let described = (unit, description);
            seen.described.insert(written(key.key()), described);
        }
        look(&seen)
    }
}

impl Seen {
    /// Adds what a snapshot has, which empties what it takes.
    fn add(&mut self, key: &Key, value: DebugValue) {
        for label in key.labels() {
            let label = (label.key().to_owned(), label.value().to_owned());
            self.labels.insert(label);
        }
        let key = written(key);
        match value {
            DebugValue::Counter(count) => *self.counters.entry(key).or_default() += count,
            // 0 may as well mean that nobody has set it since the last look.
            DebugValue::Gauge(value) => {
                self.gauges.insert(key, value.into_inner());
            }
            DebugValue::Histogram(values) => {
                let values = values.into_iter().map(f64::from);
                self.histograms.entry(key).or_default().extend(values);
            }
        }
    }
}

fn written(key: &Key) -> String {
    let mut written = key.name().to_owned();
    let mut labels: Vec<_> = key.labels().collect();
    labels.sort();
    for (n, label) in labels.iter().enumerate() {
        let opens = if n == 0 { '{' } else { ',' };
        write!(written, "{opens}{}={:?}", label.key(), label.value()).unwrap();
    }
    if !labels.is_empty() {
        written.push('}');
    }
    written
}

/// The observer under test, with a recorder of its own on whatever thread it is called.
#[derive(Clone)]
struct Recording {
    recorder: Arc<DebuggingRecorder>,
    metrics: Metrics,
}

impl Recording {
    fn observe(&self, observe: impl FnOnce(&Metrics)) {
        with_local_recorder(&*self.recorder, || observe(&self.metrics));
    }
}

impl Observer for Recording {
    fn event(&self, event: &Event, call: Option<CallId>) {
        self.observe(|metrics| metrics.event(event, call));
    }

    fn waiting(&self, wait: &Wait) {
        self.observe(|metrics| metrics.waiting(wait));
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        self.observe(|metrics| metrics.waited(wait, took));
    }

    fn sending(&self, exchange: &Exchange) {
        self.observe(|metrics| metrics.sending(exchange));
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.observe(|metrics| metrics.received(exchange, result));
    }
}
