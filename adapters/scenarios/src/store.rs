//! Clients of several processes that share one session through a store.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Weak,
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use thingspace_core::{
    Error, ErrorKind, Session, StoreError,
    session::{
        BlockReason, Loaded, Observer, OperationKind, Revision, Saved, Snapshot, Store, Wait,
        WaitReason, Watcher,
    },
};
use thingspace_simulator::{Call, Simulator};

use crate::{
    Client,
    held::HeldRequest,
    register::{Register, awaits_confirmation, is_open},
    stage::{IDLE, LONG, MINUTE, Stage, account, devices},
};

/// A time after which a store that failed is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// Builds the client of one more process.
fn process<C: Client>(stage: &Stage<C>, register: &Register) -> C {
    stage.builder().store(register.clone()).build().unwrap()
}

/// Builds the client of one more process, with an observer.
fn watched<C: Client>(
    stage: &Stage<C>,
    store: impl Store + 'static,
    watch: impl Observer + 'static,
) -> C {
    let builder = stage.builder().store(store).observer(watch);
    builder.build().unwrap()
}

/// An observer that reports each wait for a login.
struct WaitSender(Sender<()>);

impl Observer for WaitSender {
    fn waiting(&self, wait: &Wait) {
        if is_for_login(wait) {
            // The scenario may know enough.
            self.0.send(()).ok();
        }
    }
}

fn is_for_login(wait: &Wait) -> bool {
    wait.reason == WaitReason::Operation(OperationKind::LogIn)
}

/// Makes a call until the store is not taken as down any more: what saves beside the
/// calls may have found it down a moment ago.
fn until_back<C, T>(stage: &Stage<C>, call: impl Fn() -> Result<T, Error>) -> T {
    for _ in 0..10 {
        stage.pass(PAUSE);
        match call() {
            Ok(response) => return response,
            Err(error) => assert_store_failed(&error),
        }
    }
    panic!("the store is still taken as down");
}

#[track_caller]
fn assert_store_failed(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
    assert!(error.is_never_sent(), "{error}");
}

/// Asserts that the service has counted one login and no failed one.
#[track_caller]
fn assert_one_login<C>(stage: &Stage<C>) {
    assert_eq!(
        (stage.seen(Call::BearerToken), stage.seen(Call::LogIn)),
        (1, 1)
    );
    assert_eq!(stage.failed_logins(), 0);
}

pub(crate) fn the_session_that_one_process_opens_the_others_use_and_end<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let (here, there) = (process(&stage, &register), process(&stage, &register));
    here.call(account()).unwrap();
    there.call(account()).unwrap();
    there.log_out().unwrap();
    assert_eq!(here.log_out().unwrap(), None);
    assert_one_login(&stage);
}

pub(crate) fn law_1_two_processes_make_one_login_for_both<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let processes = [(); 4].map(|()| process(&stage, &register));
    thread::scope(|scope| {
        for process in &processes {
            for _ in 0..5 {
                scope.spawn(|| process.call(account()).unwrap());
            }
        }
    });
    assert_one_login(&stage);
    assert_eq!(stage.done(Call::Account), 20);
}

pub(crate) fn law_1_a_call_waits_for_the_login_of_another_process<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
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

/// A store that tells of every change, and is not to be polled.
#[derive(Clone)]
struct Announced {
    register: Register,
    watchers: Arc<Mutex<Vec<Watcher>>>,
}

impl Store for Announced {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.register.load()
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        let saved = self.register.save(seen, snapshot)?;
        let watchers = self.watchers.lock().unwrap().clone();
        watchers
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|watcher| watcher());
        Ok(saved)
    }

    fn poll_interval(&self) -> Duration {
        MINUTE * 60
    }

    fn watch(&self, watcher: Watcher) {
        self.watchers.lock().unwrap().push(watcher);
    }
}

pub(crate) fn a_call_that_waits_for_another_process_is_woken_by_the_store<C: Client>() {
    let stage = Stage::<C>::new();
    let store = Announced {
        register: stage.register(),
        watchers: Arc::default(),
    };
    let login = HeldRequest::login();
    let (waits, waiting) = mpsc::channel();
    let here = watched(&stage, store.clone(), login.watch);
    let there = watched(&stage, store.clone(), WaitSender(waits));
    let started = Instant::now();
    thread::scope(|scope| {
        let first = scope.spawn(|| here.call(account()));
        login.is_held.recv().unwrap();
        let second = scope.spawn(|| there.call(account()));
        waiting.recv().unwrap();
        login.go_on.send(|| ()).unwrap();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
    });
    // The lease of the login would have run out at the earliest then.
    assert!(started.elapsed() < LONG);
    assert_one_login(&stage);

    // A client that is gone is told of nothing.
    drop((here, there));
    let watchers = store.watchers.lock().unwrap();
    assert!(watchers.iter().all(|watcher| watcher.strong_count() == 0));
}

pub(crate) fn law_15_nothing_is_sent_that_could_not_be_saved<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let client = process(&stage, &register);
    register.set_down(true);
    assert_store_failed(&client.call(account()).unwrap_err());
    assert_store_failed(&client.log_in().unwrap_err());
    // What nobody has sent need not be known by others.
    client.sync().unwrap_err();
    assert_eq!(stage.seen_in_all(), 0);

    // What can be loaded and not saved is not sent, either.
    register.set_down(false);
    register.fail_saves(|_| true);
    stage.pass(PAUSE);
    assert_store_failed(&client.call(account()).unwrap_err());
    assert_eq!(stage.seen_in_all(), 0);
    client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));
}

pub(crate) fn law_15_a_thousand_calls_with_an_open_session_make_no_load_and_no_save<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let first = process(&stage, &register);
    first.log_in().unwrap();
    first.sync().unwrap();
    let register = register.counted_apart();
    let client = process(&stage, &register);
    client.log_in().unwrap();
    assert_eq!(register.accesses(), (1, 0));
    for _ in 0..500 {
        client.call(account()).unwrap();
    }
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| (0..50).for_each(|_| drop(client.call(devices()).unwrap())));
        }
    });
    client.log_in().unwrap();
    assert_eq!(register.accesses(), (1, 0));

    // The last use is saved some minutes later, beside the calls.
    stage.pass(MINUTE * 6);
    client.call(account()).unwrap();
    client.sync().unwrap();
    let (_, saves) = register.accesses();
    assert_eq!(saves, 1);
    assert_one_login(&stage);
}

pub(crate) fn law_15_a_session_whose_login_could_not_be_saved_is_used_at_once<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let client = process(&stage, &register);
    register.fail_saves(is_open);
    let token = client.log_in().unwrap();
    client.call(account()).unwrap();
    client.call(devices()).unwrap();
    assert!(!is_open(&register.saved().unwrap()));
    assert_one_login(&stage);

    register.fail_saves(|_| false);
    until_back(&stage, || client.sync());
    assert!(is_open(&register.saved().unwrap()));
    assert_eq!(process(&stage, &register).log_in().unwrap(), token);
    assert_one_login(&stage);
}

pub(crate) fn law_15_a_store_that_is_down_stops_no_call_of_an_open_session<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let client = process(&stage, &register);
    client.log_in().unwrap();
    client.sync().unwrap();
    register.set_down(true);
    // For hours, also when another bearer token is needed, or one was refused.
    for _ in 0..16 {
        client.call(account()).unwrap();
        client.call(devices()).unwrap();
        client.log_in().unwrap();
        stage.pass(MINUTE * 15);
    }
    stage.server.with(Simulator::forget_bearers);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);

    // What must be saved before it is sent is not sent.
    assert_store_failed(&client.log_out().unwrap_err());
    assert_store_failed(&client.reset_password().unwrap_err());
    stage.pass(IDLE);
    assert_store_failed(&client.call(account()).unwrap_err());
    assert_store_failed(&client.log_in().unwrap_err());
    assert_eq!(
        (
            stage.seen(Call::LogIn),
            stage.seen(Call::LogOut),
            stage.seen(Call::ResetPassword)
        ),
        (1, 0, 0)
    );
    client.session(|session| {
        let guard = session.login_guard();
        assert_eq!((guard.failed_logins, guard.blocked), (0, None));
    });

    register.set_down(false);
    until_back(&stage, || client.call(account()));
    process(&stage, &register).call(account()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

pub(crate) fn law_15_a_client_that_is_built_while_its_store_is_down_works_when_it_is_back<
    C: Client,
>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    // Others have reset the password before.
    let new = process(&stage, &register).reset_password().unwrap();
    register.set_down(true);
    let builder = stage.builder_with(new.expose()).store(register.clone());
    let client = builder.build().unwrap();
    for _ in 0..3 {
        assert_store_failed(&client.call(account()).unwrap_err());
    }
    register.set_down(false);
    until_back(&stage, || client.call(account()));
    stage.pass(IDLE);
    client.call(account()).unwrap();
    client.session(|session| assert_eq!(session.login_guard().blocked, None));
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

pub(crate) fn law_14_a_store_that_panics_harms_its_own_call_alone<C: Client>() {
    // Of the token fetch, the login and the logout, whichever is the next load or save.
    for number in 1..=6 {
        for (load, save) in [(Some(number), None), (None, Some(number))] {
            let story = format!("{load:?} {save:?}");
            let stage = Stage::<C>::new();
            let register = stage.register();
            let client = process(&stage, &register);
            register.panic_at(load, save);
            let mut panicked = 0;
            let mut insist = |call: &dyn Fn()| {
                while catch_unwind(AssertUnwindSafe(call)).is_err() {
                    panicked += 1;
                }
            };
            insist(&|| drop(client.call(account()).unwrap()));
            insist(&|| drop(client.log_out().unwrap()));
            assert!(panicked <= 1, "{story}");
            assert_one_login(&stage);
            assert_eq!(stage.seen(Call::LogOut), 1, "{story}");
            client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));

            // Others learn of all of it.
            register.panic_at(None, None);
            client.sync().unwrap();
            let other = process(&stage, &register);
            other.call(account()).unwrap();
            assert_eq!(stage.seen(Call::BearerToken), 1, "{story}");
            assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
        }
    }
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
fn assert_login_goes_on<C: Client, S: Store + Clone + 'static>(
    stage: &Stage<C>,
    store: &S,
    watch: impl Observer + 'static,
    end: impl FnOnce(&Stage<C>, &C) + Send,
) {
    let login = HeldRequest::login();
    let (waits, waiting) = mpsc::channel();
    let here = watched(stage, store.clone(), (login.watch, watch));
    let there = watched(stage, store.clone(), WaitSender(waits));
    thread::scope(|scope| {
        let ended = scope.spawn(|| end(stage, &here));
        login.is_held.recv().unwrap();
        ended.join().unwrap();
        there.sync().unwrap();
        let operation = there.session(|session| session.operation());
        assert_eq!(operation, Some(OperationKind::LogIn));
        let waits = scope.spawn(|| there.call(account()));
        waiting.recv().unwrap();
        assert_eq!(stage.seen(Call::LogIn), 0);
        login.go_on.send(|| ()).unwrap();
        waits.join().unwrap().unwrap();
    });
    here.call(account()).unwrap();
    there.sync().unwrap();
    let guard = there.session(|session| session.login_guard());
    assert_eq!((guard.failed_logins, guard.last_failure), (0, None));
    assert_one_login(stage);
    assert_eq!(stage.done(Call::LogIn), 1);
}

fn panic_during_the_login<C: Client>(_: &Stage<C>, client: &C) {
    let client = client.clone();
    let call = thread::spawn(move || client.call(account()));
    call.join().unwrap_err();
}

fn give_up_during_the_login<C: Client>(stage: &Stage<C>, client: &C) {
    let deadline = client.now() + Duration::from_secs(1);
    let call = stage.call(account()).with_deadline(deadline);
    let error = client.run(call).unwrap_err();
    assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
}

pub(crate) fn law_14_the_login_of_a_call_that_panics_goes_on_for_all<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    assert_login_goes_on(
        &stage,
        &register,
        PanicsDuringTheLogin,
        panic_during_the_login,
    );
}

pub(crate) fn law_14_the_login_of_a_call_that_gives_up_goes_on_for_all<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    assert_login_goes_on(&stage, &register, (), give_up_during_the_login);
}

pub(crate) fn law_14_the_login_goes_on_for_all_who_share_a_file<C: Client>() {
    #[cfg(unix)]
    {
        use thingspace_file::FileStore;

        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| FileStore::new(folder.path().join(name).join("session.json"));
        let panics = PanicsDuringTheLogin;
        let (first, second) = (Stage::<C>::new(), Stage::<C>::new());
        assert_login_goes_on(&first, &file("panic"), panics, panic_during_the_login);
        assert_login_goes_on(&second, &file("deadline"), (), give_up_during_the_login);
    }
}

pub(crate) fn law_8_a_process_whose_password_another_has_reset_makes_no_login_with_it<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let (here, there) = (process(&stage, &register), process(&stage, &register));
    there.log_in().unwrap();
    let new = here.reset_password().unwrap();
    there.call(account()).unwrap();
    stage.pass(IDLE);
    for _ in 0..3 {
        let error = there.call(account()).unwrap_err();
        assert_eq!(
            error.login_guard().unwrap().blocked,
            Some(BlockReason::PasswordOutdated)
        );
    }
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (1, 0));

    there.session(|session| {
        let mut credentials = session.credentials().clone();
        credentials = credentials.with_password(new.clone());
        session.set_credentials(credentials).unwrap();
    });
    there.call(account()).unwrap();
    // It has caught up with the others, and outdates nobody.
    stage.pass(IDLE);
    here.call(account()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (3, 0));
}

pub(crate) fn law_8_no_process_makes_a_login_until_a_reset_is_confirmed<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let (here, there) = (process(&stage, &register), process(&stage, &register));
    let new = here.request_reset().unwrap();
    here.sync().unwrap();
    there.call(account()).unwrap();
    stage.pass(IDLE);
    let error = there.call(account()).unwrap_err();
    let guard = error.login_guard().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(guard.blocked, Some(BlockReason::AwaitingConfirmation));
    assert_eq!(stage.seen(Call::LogIn), 1);

    here.confirm_reset(&new).unwrap();
    here.call(account()).unwrap();
    there.call(account()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

pub(crate) fn a_process_that_starts_after_a_reset_logs_in_with_the_new_password<C: Client>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let new = process(&stage, &register).reset_password().unwrap();
    let builder = stage.builder_with(new.expose()).store(register);
    let later = builder.build().unwrap();
    later.log_out().unwrap();
    later.log_in().unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

/// Asserts that the service has this password.
fn assert_password<C>(stage: &Stage<C>, password: &str) {
    let is_right = |service: &mut Simulator| service.reveal_password() == password;
    assert!(stage.server.with(is_right));
}

pub(crate) fn law_8_a_confirmation_that_could_not_be_saved_gives_the_password_and_may_be_retried<
    C: Client,
>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let client = process(&stage, &register);
    client.log_in().unwrap();
    client.sync().unwrap();
    let new = client.request_reset().unwrap();
    client.sync().unwrap();
    register.fail_saves(|saved| !awaits_confirmation(saved));
    let error = client.confirm_reset(&new).unwrap_err();
    let shown = format!("{error} {error:?}");
    let ErrorKind::NotConfirmed { new: same, .. } = error.into_kind() else {
        panic!("{shown}");
    };
    assert_eq!(same, new);
    assert_password(&stage, new.password().expose());
    assert!(!shown.contains(new.password().expose()));
    // Others make no login meanwhile, and the open session goes on.
    let other = process(&stage, &register);
    other.sync().unwrap();
    let guard = other.session(|session| session.login_guard());
    assert_eq!(guard.blocked, Some(BlockReason::AwaitingConfirmation));
    client.call(account()).unwrap();

    // Nor is it confirmed while the store is down.
    register.set_down(true);
    stage.pass(PAUSE);
    let error = client.confirm_reset(&new).unwrap_err();
    let ErrorKind::NotConfirmed { new: same, .. } = error.kind() else {
        panic!("{error:?}");
    };
    assert_eq!(same, &new);
    register.set_down(false);
    register.fail_saves(|_| false);
    until_back(&stage, || client.sync());
    client.confirm_reset(&new).unwrap();
    assert!(!awaits_confirmation(&register.saved().unwrap()));
    client.log_out().unwrap();
    client.log_in().unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
    assert_eq!(stage.seen(Call::ResetPassword), 1);
}

pub(crate) fn law_8_a_reset_whose_response_could_not_be_saved_is_confirmed_all_the_same<
    C: Client,
>() {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let client = process(&stage, &register);
    client.log_in().unwrap();
    client.sync().unwrap();
    // The reset is saved before it is sent. The saves of its response fail.
    register.fail_saves(awaits_confirmation);
    let new = client.request_reset().unwrap();
    assert_password(&stage, new.password().expose());
    client.confirm_reset(&new).unwrap();
    let password = client.reset_password().unwrap();
    assert_password(&stage, password.expose());
    client.log_out().unwrap();
    client.log_in().unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
    assert_eq!(stage.seen(Call::ResetPassword), 2);
}

pub(crate) fn a_session_without_a_store_is_changed_and_synced_all_the_same<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    let version = client.session(|session| session.version());
    client.session(Session::unblock);
    assert!(client.session(|session| session.version()) > version);
    let seen = stage.seen_in_all();
    client.sync().unwrap();
    assert_eq!(stage.seen_in_all(), seen);
}
