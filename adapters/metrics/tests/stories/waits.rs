//! Waits, by reason.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use thingspace_scenarios::{ClientsTime, HeldRequest, Register, account};
use thingspace_simulator::{Call, Fault, Simulator};
use thingspace_ureq::core::{
    StoreError,
    session::{
        Loaded, Observer, OperationKind, Revision, Saved, Snapshot, Store, Wait, WaitReason,
    },
};

use crate::story::Story;

/// An observer that sends a message when a call begins to wait for this reason.
struct WaitSender(WaitReason, Sender<()>);

impl Observer for WaitSender {
    fn waiting(&self, wait: &Wait) {
        if wait.reason == self.0 {
            // The story may know enough.
            self.1.send(()).ok();
        }
    }
}

#[test]
fn a_call_waits_for_the_login_of_another() {
    let story = Story::new();
    let login = HeldRequest::login();
    let (waits, waiting) = mpsc::channel();
    let sender = WaitSender(WaitReason::Operation(OperationKind::LogIn), waits);
    let builder = story.builder(story.stage.options(), (login.watch, sender));
    let client = builder.build().unwrap();
    thread::scope(|scope| {
        let calls = [(); 2].map(|()| scope.spawn(|| client.call(account())));
        login.is_held.recv().unwrap();
        for _ in &calls {
            waiting.recv().unwrap();
        }
        login.go_on.send(|| ()).unwrap();
        for call in calls {
            call.join().unwrap().unwrap();
        }
    });
    let key = r#"thingspace.wait.duration{operation="login",reason="operation"}"#;
    assert!(story.timed(key).len() >= 2);
}

#[test]
fn a_call_waits_for_a_backoff() {
    let story = Story::new();
    let impatience = story.stage.impatience();
    let builder = story.builder(story.stage.options(), impatience);
    let client = builder.build().unwrap();
    client.log_in().unwrap();
    let retry_after = Some("30".parse().unwrap());
    story
        .stage
        .inject(Call::Account, Fault::Throttled { retry_after });
    client.call(account()).unwrap();
    let waits = story.timed(r#"thingspace.wait.duration{reason="backoff"}"#);
    assert!(!waits.is_empty());
    story.assert_counted("thingspace.retries", 1);
}

/// An observer that lets the clients' time pass during a login cooldown.
struct Impatience(ClientsTime);

impl Observer for Impatience {
    fn waiting(&self, wait: &Wait) {
        if wait.reason == WaitReason::Cooldown {
            self.0.pass(wait.until.since(self.0.now()));
        }
    }
}

#[test]
fn a_call_waits_for_a_login_cooldown() {
    let story = Story::new();
    let mut options = story.stage.options();
    options.settings.longest_wait = Duration::from_secs(3600);
    let impatience = Impatience(story.stage.clients_time());
    let client = story.builder(options, impatience).build().unwrap();
    client.log_in().unwrap();
    for _ in 0..4 {
        story.stage.server.with(Simulator::forget_sessions);
        client.call(account()).unwrap();
    }
    let waits = story.timed(r#"thingspace.wait.duration{reason="cooldown"}"#);
    assert!(!waits.is_empty());
    story.assert_counted("thingspace.replays", 4);
}

/// A store whose first load is held back, until a message says to go on.
struct SlowStore {
    register: Register,
    is_first: AtomicBool,
    is_held: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Store for SlowStore {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        if self.is_first.swap(false, Ordering::Relaxed) {
            self.is_held.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
        self.register.load()
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.register.save(seen, snapshot)
    }
}

#[test]
fn a_call_waits_while_another_is_at_the_store() {
    let story = Story::new();
    let (holds, is_held) = mpsc::channel();
    let (waits, go_on) = mpsc::channel();
    let slow = SlowStore {
        register: story.register.clone(),
        is_first: AtomicBool::new(true),
        is_held: holds,
        go_on: Mutex::new(go_on),
    };
    let sender = WaitSender(WaitReason::Store, waits);
    let builder = story.builder(story.stage.options(), sender);
    let client = builder.store(slow).build().unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| client.log_in());
        is_held.recv().unwrap();
        let second = scope.spawn(|| client.log_in());
        for login in [first, second] {
            login.join().unwrap().unwrap();
        }
    });
    let waited = r#"thingspace.wait.duration{reason="store"}"#;
    assert!(!story.timed(waited).is_empty());
}
