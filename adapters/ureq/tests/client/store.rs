//! Clients of several processes that share one session through a store.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use thingspace_file::FileStore;
use thingspace_scenarios::{BoxedObserver, HeldRequest, IDLE, account};
use thingspace_simulator::{Call, Simulator};
use thingspace_ureq::{
    Client,
    core::{
        ErrorKind, Session, StoreError,
        session::{BlockReason, Observer, OperationKind, Saved, Snapshot, Store, Wait, WaitReason},
    },
};

use crate::blocking::{self, Stage};

/// A place that several processes share.
#[derive(Clone, Default)]
struct Register(Arc<Contents>);

#[derive(Default)]
struct Contents {
    saved: Mutex<Option<Snapshot>>,
    /// True if nothing works.
    broken: AtomicBool,
    /// The number of saves before the one that fails; 0 if none does.
    saves_left: AtomicU32,
}

impl Register {
    fn check(&self) -> Result<(), StoreError> {
        if self.0.broken.load(Relaxed) {
            return Err(StoreError::new("it is gone"));
        }
        Ok(())
    }
}

impl Store for Register {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        self.check()?;
        Ok(self.0.saved.lock().unwrap().clone())
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.check()?;
        let mut saved = self.0.saved.lock().unwrap();
        if saved.as_ref().map(Snapshot::version) != seen {
            return Ok(Saved::Conflict);
        }
        if self.0.saves_left.load(Relaxed) > 0 && self.0.saves_left.fetch_sub(1, Relaxed) == 1 {
            return Err(StoreError::new("it is full"));
        }
        *saved = Some(snapshot.clone());
        Ok(Saved::Saved)
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(1)
    }
}

/// A client of another process.
fn process(stage: &Stage, store: impl Store + 'static) -> Client {
    watched(stage, store, ())
}

fn watched(stage: &Stage, store: impl Store + 'static, watch: impl Observer + 'static) -> Client {
    let mut options = stage.options();
    options.observer = BoxedObserver::new(watch);
    blocking::builder(options).store(store).build().unwrap()
}

/// An observer that reports each wait for a login.
struct WaitSender(Sender<()>);

impl Observer for WaitSender {
    fn waiting(&self, wait: &Wait) {
        if is_for_login(wait) {
            // The test may know enough.
            self.0.send(()).ok();
        }
    }
}

fn is_for_login(wait: &Wait) -> bool {
    wait.reason == WaitReason::Operation(OperationKind::LogIn)
}

#[test]
fn the_session_that_one_process_opens_the_others_use_and_end() {
    let (stage, register) = (Stage::new(), Register::default());
    let here = process(&stage, register.clone());
    let there = process(&stage, register);
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
    let (stage, register) = (Stage::new(), Register::default());
    let login = HeldRequest::login();
    let (waits, waiting) = mpsc::channel();
    let here = watched(&stage, register.clone(), login.watch);
    let there = watched(&stage, register, WaitSender(waits));
    thread::scope(|scope| {
        let first = scope.spawn(|| here.call(account()));
        login.is_held.recv().unwrap();
        let second = scope.spawn(|| there.call(account()));
        waiting.recv().unwrap();
        login.go_on.send(|| ()).unwrap();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
    });
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn nothing_is_sent_that_could_not_be_saved() {
    let (stage, register) = (Stage::new(), Register::default());
    let client = process(&stage, register.clone());
    register.0.broken.store(true, Relaxed);
    let error = client.call(account()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
    assert!(error.is_never_sent(), "{error}");
    assert!(client.transact(|_| ()).is_err());
    assert_eq!(stage.seen_in_all(), 0);
}

/// An observer that panics on the thread of a call that waits for the login.
struct PanicsDuringTheLogin;

impl Observer for PanicsDuringTheLogin {
    fn waiting(&self, wait: &Wait) {
        assert!(!is_for_login(wait), "on purpose");
    }
}

/// Begins a login here, holds it back, ends the call that needs it with `end`, and
/// asserts that a call there has the session that the login opens.
fn assert_login_goes_on<S: Store + Clone + 'static>(
    store: &S,
    watch: impl Observer + 'static,
    end: impl FnOnce(&Stage, &Client) + Send,
) {
    let stage = Stage::new();
    let login = HeldRequest::login();
    let (waits, waiting) = mpsc::channel();
    let here = watched(&stage, store.clone(), (login.watch, watch));
    let there = watched(&stage, store.clone(), WaitSender(waits));
    thread::scope(|scope| {
        let ended = scope.spawn(|| end(&stage, &here));
        login.is_held.recv().unwrap();
        ended.join().unwrap();
        let operation = there.transact(|session| session.operation());
        assert_eq!(operation.unwrap(), Some(OperationKind::LogIn));
        let waits = scope.spawn(|| there.call(account()));
        waiting.recv().unwrap();
        assert_eq!(stage.seen(Call::LogIn), 0);
        login.go_on.send(|| ()).unwrap();
        waits.join().unwrap().unwrap();
    });
    here.call(account()).unwrap();
    let guard = there.transact(|session| session.login_guard()).unwrap();
    assert_eq!((guard.failed_logins, guard.last_failure), (0, None));
    assert_eq!(
        (stage.seen(Call::BearerToken), stage.seen(Call::LogIn)),
        (1, 1)
    );
    assert_eq!((stage.done(Call::LogIn), stage.failed_logins()), (1, 0));
}

fn panic_during_the_login(_: &Stage, client: &Client) {
    let client = client.clone();
    let call = thread::spawn(move || client.call(account()));
    call.join().unwrap_err();
}

fn give_up_during_the_login(stage: &Stage, client: &Client) {
    let deadline = client.now() + Duration::from_secs(1);
    let call = stage.call(account()).with_deadline(deadline);
    let error = client.run(call).unwrap_err();
    assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
}

#[test]
fn law_14_the_login_of_a_call_that_panics_goes_on_for_all() {
    let register = Register::default();
    assert_login_goes_on(&register, PanicsDuringTheLogin, panic_during_the_login);
}

#[test]
fn law_14_the_login_of_a_call_that_gives_up_goes_on_for_all() {
    assert_login_goes_on(&Register::default(), (), give_up_during_the_login);
}

#[cfg(unix)]
#[test]
fn law_14_the_login_goes_on_for_all_who_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| FileStore::new(folder.path().join(name).join("session.json"));
    assert_login_goes_on(&file("panic"), PanicsDuringTheLogin, panic_during_the_login);
    assert_login_goes_on(&file("deadline"), (), give_up_during_the_login);
}

#[test]
fn law_8_a_process_whose_password_another_has_reset_makes_no_login_with_it() {
    let (stage, register) = (Stage::new(), Register::default());
    let here = process(&stage, register.clone());
    let there = process(&stage, register);
    there.log_in().unwrap();
    let new = here.reset_password().unwrap();
    there.call(account()).unwrap();
    stage.pass(IDLE);
    let error = there.call(account()).unwrap_err();
    assert_eq!(
        error.login_guard().unwrap().blocked,
        Some(BlockReason::PasswordOutdated)
    );
    assert_eq!(stage.failed_logins(), 0);

    let give = |session: &mut Session| {
        let mut credentials = session.credentials().clone();
        credentials.user = credentials.user.with_password(new.clone());
        session.set_credentials(credentials)
    };
    there.transact(give).unwrap().unwrap();
    there.call(account()).unwrap();
}

#[test]
fn law_8_no_process_makes_a_login_until_a_reset_is_confirmed() {
    let (stage, register) = (Stage::new(), Register::default());
    let here = process(&stage, register.clone());
    let there = process(&stage, register);
    let new = here.request_reset().unwrap();
    there.call(account()).unwrap();
    stage.pass(IDLE);
    let error = there.call(account()).unwrap_err();
    let guard = error.login_guard().unwrap();
    assert_eq!(guard.blocked, Some(BlockReason::AwaitingConfirmation));
    assert_eq!(stage.seen(Call::LogIn), 1);

    here.confirm_reset(&new).unwrap();
    here.call(account()).unwrap();
    there.call(account()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

#[test]
fn a_process_that_starts_after_a_reset_logs_in_with_the_new_password() {
    let (stage, register) = (Stage::new(), Register::default());
    let new = process(&stage, register.clone()).reset_password().unwrap();
    let later = blocking::builder(stage.options_with(new.expose()))
        .store(register)
        .build()
        .unwrap();
    later.log_out().unwrap();
    later.log_in().unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

#[test]
fn law_8_a_confirmation_that_could_not_be_saved_gives_the_password_and_may_be_retried() {
    let (stage, register) = (Stage::new(), Register::default());
    let client = process(&stage, register.clone());
    client.log_in().unwrap();
    // The reset is saved before it is sent, and its response. The third save fails.
    register.0.saves_left.store(3, Relaxed);
    let error = client.reset_password().unwrap_err();
    let shown = format!("{error} {error:?}");
    let ErrorKind::NotConfirmed { new, .. } = error.into_kind() else {
        panic!("{shown}");
    };
    let is_right = |service: &mut Simulator| service.reveal_password() == new.password().expose();
    assert!(stage.server.with(is_right));
    assert!(!shown.contains(new.password().expose()));
    let guard = client.transact(|session| session.login_guard()).unwrap();
    assert_eq!(guard.blocked, Some(BlockReason::AwaitingConfirmation));
    client.call(account()).unwrap();

    // Nor is it confirmed while the store is down.
    register.0.broken.store(true, Relaxed);
    let error = client.confirm_reset(&new).unwrap_err();
    let ErrorKind::NotConfirmed { new: same, .. } = error.kind() else {
        panic!("{error:?}");
    };
    assert_eq!(same, &new);
    register.0.broken.store(false, Relaxed);
    client.confirm_reset(&new).unwrap();
    client.log_out().unwrap();
    client.log_in().unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
    assert_eq!(stage.seen(Call::ResetPassword), 1);
}

#[test]
fn law_8_a_reset_whose_response_could_not_be_saved_is_confirmed_all_the_same() {
    let (stage, register) = (Stage::new(), Register::default());
    let client = process(&stage, register.clone());
    client.log_in().unwrap();
    // The reset is saved before it is sent. The save of its response fails.
    register.0.saves_left.store(2, Relaxed);
    let new = client.request_reset().unwrap();
    assert_eq!(register.0.saves_left.load(Relaxed), 0);
    client.confirm_reset(&new).unwrap();

    register.0.saves_left.store(2, Relaxed);
    let password = client.reset_password().unwrap();
    assert_eq!(register.0.saves_left.load(Relaxed), 0);
    let is_right = |service: &mut Simulator| service.reveal_password() == password.expose();
    assert!(stage.server.with(is_right));
    client.log_out().unwrap();
    client.log_in().unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
    assert_eq!(stage.seen(Call::ResetPassword), 2);
}

#[test]
fn a_session_without_a_store_is_changed_all_the_same() {
    let stage = Stage::new();
    let client = blocking::builder(stage.options()).build().unwrap();
    client.log_in().unwrap();
    let version = client.session(|session| session.version());
    client.transact(Session::unblock).unwrap();
    assert!(client.session(|session| session.version()) > version);
}
