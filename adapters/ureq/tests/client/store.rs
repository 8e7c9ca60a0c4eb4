//! Clients of several processes that share one session through a store.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use thingspace_scenarios::{HeldLogin, IDLE, account};
use thingspace_simulator::Call;
use thingspace_ureq::{
    Client,
    core::{
        Error, Session, StoreError,
        session::{GateReason, Observer, Saved, Snapshot, Store, Wait},
    },
};

use crate::blocking::{self, Stage};

/// What several processes see of one place.
#[derive(Clone, Default)]
struct Register(Arc<Shared>);

#[derive(Default)]
struct Shared {
    kept: Mutex<Option<Snapshot>>,
    broken: AtomicBool,
}

impl Register {
    fn works(&self) -> Result<(), StoreError> {
        if self.0.broken.load(Relaxed) {
            return Err(StoreError::new("it is gone"));
        }
        Ok(())
    }
}

impl Store for Register {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        self.works()?;
        Ok(self.0.kept.lock().unwrap().clone())
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.works()?;
        let mut kept = self.0.kept.lock().unwrap();
        if kept.as_ref().map(Snapshot::version) != seen {
            return Ok(Saved::Overtaken);
        }
        *kept = Some(snapshot.clone());
        Ok(Saved::Kept)
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(1)
    }
}

/// A client of another process.
fn process(stage: &Stage, register: &Register) -> Client {
    watched(stage, register, ())
}

fn watched(stage: &Stage, register: &Register, observer: impl Observer + 'static) -> Client {
    let builder = blocking::builder(stage.options());
    builder
        .store(register.clone())
        .observer(observer)
        .build()
        .unwrap()
}

#[test]
fn what_one_process_opens_the_others_use_and_end() {
    let (stage, register) = (Stage::new(), Register::default());
    let (here, there) = (process(&stage, &register), process(&stage, &register));
    here.call(account()).unwrap();
    there.call(account()).unwrap();
    there.log_out().unwrap();
    assert_eq!(here.log_out().unwrap(), None);
    assert_eq!(
        (stage.seen(Call::BearerToken), stage.seen(Call::LogIn)),
        (1, 1)
    );
}

#[test]
fn law_1_a_call_waits_for_the_login_of_another_process() {
    struct TellsOfWaits(std::sync::mpsc::Sender<()>);
    impl Observer for TellsOfWaits {
        fn waiting(&self, _: &Wait) {
            let _ = self.0.send(());
        }
    }

    let (stage, register) = (Stage::new(), Register::default());
    let held = HeldLogin::new();
    let (waits, waiting) = std::sync::mpsc::channel();
    let here = watched(&stage, &register, held.watch);
    let there = watched(&stage, &register, TellsOfWaits(waits));
    thread::scope(|scope| {
        let first = scope.spawn(|| here.call(account()));
        held.is_held.recv().unwrap();
        let second = scope.spawn(|| there.call(account()));
        waiting.recv().unwrap();
        held.go_on.send(|| ()).unwrap();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
    });
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn nothing_is_sent_that_could_not_be_kept() {
    let (stage, register) = (Stage::new(), Register::default());
    let client = process(&stage, &register);
    register.0.broken.store(true, Relaxed);
    let error = client.call(account()).unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error:?}");
    assert!(client.transact(|_| ()).is_err());
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn a_call_that_panics_frees_its_flight_for_all() {
    let (stage, register) = (Stage::new(), Register::default());
    let held = HeldLogin::new();
    let here = watched(&stage, &register, held.watch);
    held.go_on.send(|| panic!("on purpose")).unwrap();
    let call = thread::spawn(move || here.call(account()));
    call.join().unwrap_err();
    let there = process(&stage, &register);
    assert_eq!(there.transact(|session| session.flight()).unwrap(), None);
    assert_eq!(
        there
            .transact(|session| session.gate().failed_logins)
            .unwrap(),
        1
    );
    there.call(account()).unwrap();
}

#[test]
fn law_8_a_process_whose_password_another_has_reset_makes_no_login_with_it() {
    let (stage, register) = (Stage::new(), Register::default());
    let (here, there) = (process(&stage, &register), process(&stage, &register));
    there.log_in().unwrap();
    let new = here.reset_password().unwrap();
    there.call(account()).unwrap();
    stage.pass(IDLE);
    let error = there.call(account()).unwrap_err();
    assert_eq!(
        error.gate().unwrap().closed,
        Some(GateReason::PasswordOutdated)
    );
    assert_eq!(stage.failed_logins(), 0);

    let give = |session: &mut Session| {
        let mut credentials = session.credentials().clone();
        credentials.user = credentials.user.with_password(new.clone());
        session.set_credentials(credentials);
    };
    there.transact(give).unwrap();
    there.call(account()).unwrap();
}

#[test]
fn a_process_that_starts_after_a_reset_logs_in_with_the_new_password() {
    let (stage, register) = (Stage::new(), Register::default());
    let new = process(&stage, &register).reset_password().unwrap();
    let later = blocking::builder(stage.options_with(new.expose()))
        .store(register)
        .build()
        .unwrap();
    later.log_out().unwrap();
    later.log_in().unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

#[test]
fn what_is_changed_without_a_store_is_changed_all_the_same() {
    let stage = Stage::new();
    let client = blocking::builder(stage.options()).build().unwrap();
    client.log_in().unwrap();
    let version = client.session(|session| session.version());
    client.transact(Session::rearm).unwrap();
    assert!(client.session(|session| session.version()) > version);
}
