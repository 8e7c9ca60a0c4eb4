//! Whole sessions on a store: the driver of many processes, and a service that opens a
//! session for whoever asks.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Response;
use thingspace_core::{
    Completion, Error, ErrorKind, Session, SessionToken, StoreError, Timestamp,
    session::{
        Call, OperationKind, OtherSession, Revision, Saved, SharedStep, Snapshot, SnapshotError,
        Transmit, Wait, WaitReason,
    },
};

use crate::{
    Place,
    snapshots::{NOW, SECRET, SOMEBODY_ELSE, USER, builder, kind, response_to},
    stage::{Process, Stage, assert_shows_no_secret, chain},
};

/// The interval at which a process that waits looks at the store.
const INTERVAL: Duration = Duration::from_millis(5);

/// The time after which nothing that was loaded is new any more, and a store that was down
/// is asked again.
const A_MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn two_processes_make_one_login<P: Place>() {
    Stage::<P>::each(|stage| {
        let service = Service::default();
        let mut here = Client::new(stage.process(), USER, 42);
        let mut there = Client::new(stage.process(), USER, 43);
        there.now = NOW + Duration::from_secs(60 * 60 * 5);

        let mut first = Call::log_in();
        let login = loop {
            match here.next(&mut first) {
                Next::Send(transmit) if kind(&transmit) == Some(OperationKind::LogIn) => {
                    break transmit;
                }
                Next::Send(transmit) => here.receive(&mut first, &transmit, &service),
                next => panic!("{next:?}"),
            }
        };
        // The login of the one is in the store before it is sent, and the other waits.
        let mut second = Call::log_in();
        match there.next(&mut second) {
            Next::Wait(wait) if matches!(wait.reason, WaitReason::Operation(_)) => {}
            next => panic!("the other process does not wait: {next:?}"),
        }
        here.receive(&mut first, &login, &service);
        let token = here.run(first, &service).unwrap().into_logged_in().unwrap();
        let same = there.run(second, &service).unwrap();
        assert_eq!(same.into_logged_in().unwrap(), token);
        assert_eq!(service.logins(), 1);
    });
}

pub(crate) fn of_two_processes_that_begin_a_login_at_once_one_waits<P: Place>() {
    Stage::<P>::each(|stage| {
        let service = Service::default();
        let mut here = Client::new(stage.process(), USER, 42);
        let mut there = Client::new(stage.process(), USER, 43);
        // All that they need for a login is there.
        here.log_in(&service);
        here.run(Call::log_out(), &service).unwrap();
        there.run(Call::sync(), &service).unwrap();

        let (mut first, mut second) = (Call::log_in(), Call::log_in());
        let mine = here.until_save(&mut first);
        let theirs = there.until_save(&mut second);
        here.end_save(&mut first, mine);
        there.end_save(&mut second, theirs);
        match there.next(&mut second) {
            Next::Wait(wait) if matches!(wait.reason, WaitReason::Operation(_)) => {}
            next => panic!("the other process does not wait: {next:?}"),
        }
        let token = here.run(first, &service).unwrap().into_logged_in().unwrap();
        let same = there.run(second, &service).unwrap();
        assert_eq!(same.into_logged_in().unwrap(), token);
        assert_eq!(service.logins(), 2);
    });
}

/// The number of processes of each kind.
const CROWD: u64 = 4;

pub(crate) fn a_crowd_makes_one_login<P: Place>() {
    Stage::<P>::each(|stage| {
        let service = Service::default();
        let processes: Vec<_> = (0..CROWD).flat_map(|_| stage.processes()).collect();
        let start = Barrier::new(processes.len());
        let tokens = thread::scope(|scope| {
            let running: Vec<_> = (1..)
                .zip(processes)
                .map(|(number, process)| {
                    let (start, service) = (&start, &service);
                    scope.spawn(move || {
                        let mut client = Client::new(process, USER, number);
                        // No two clocks agree, by hours.
                        let ahead = Duration::from_secs(60 * 60 * number);
                        client.real_time = Some(ahead);
                        start.wait();
                        client.log_in(service)
                    })
                })
                .collect();
            let tokens = running.into_iter().map(|running| running.join().unwrap());
            tokens.collect::<Vec<_>>()
        });
        assert_eq!(service.logins(), 1);
        assert!(tokens.iter().all(|token| *token == tokens[0]));
    });
}

pub(crate) fn a_process_that_does_not_know_whether_it_has_saved_finds_out_by_loading<P: Place>() {
    Stage::<P>::each(|stage| {
        for lost in [Lost::Response, Lost::Request] {
            // Each save in turn, until there is none that could be lost.
            for number in 1.. {
                stage.place.write(None);
                let service = Service::default();
                let mut client = Client::new(stage.process(), USER, 42);
                client.lost = Some((number, lost));
                let token = match client.run(Call::log_in(), &service) {
                    Ok(done) => done.into_logged_in().unwrap(),
                    // What was not saved was not sent, and may be tried again.
                    Err(error) => {
                        assert!(matches!(lost, Lost::Request), "{number}: {error:?}");
                        assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
                        client.now = client.now + A_MINUTE;
                        client.log_in(&service)
                    }
                };
                client.now = client.now + A_MINUTE;
                client.run(Call::sync(), &service).unwrap();

                let mut other = Client::new(stage.process(), USER, 43);
                assert_eq!(other.log_in(&service), token);
                assert_eq!(service.logins(), 1, "{number}: {lost:?}");
                assert_eq!(other.session.login_guard().failed_logins, 0);
                if client.saves < number {
                    assert!(number > 3, "hardly anything was saved");
                    break;
                }
            }
        }
    });
}

pub(crate) fn a_session_of_somebody_else_is_refused_and_left_in_its_place<P: Place>() {
    Stage::<P>::each(|stage| {
        let service = Service::default();
        let mut theirs = Client::new(stage.process(), SOMEBODY_ELSE, 42);
        theirs.log_in(&service);
        theirs.run(Call::sync(), &service).unwrap();
        let text = stage.text();

        let mut client = Client::new(stage.process(), USER, 43);
        client.session.unblock();
        for call in [Call::sync(), Call::log_in()] {
            let call = call.with_deadline(client.now + A_MINUTE);
            let error = client.run(call, &service).unwrap_err();
            assert_shows_no_secret(&format!("{error:?} {}", chain(&error)));
            assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
            let of_another_user = SnapshotError::Other(OtherSession::User).to_string();
            assert!(chain(&error).contains(&of_another_user), "{error:?}");
        }
        assert_eq!(service.logins(), 1);
        assert!(stage.text() == text, "it is not left as it is");
    });
}

pub(crate) fn what_a_place_has_forgotten_it_gets_again<P: Place>() {
    Stage::<P>::each(|stage| {
        let service = Service::default();
        let mut client = Client::new(stage.process(), USER, 42);
        client.session.unblock();
        client.run(Call::sync(), &service).unwrap();
        let before = stage.text();
        let token = client.log_in(&service);
        for older in [Some(&*before), None] {
            stage.place.write(older);
            client.now = client.now + A_MINUTE;
            client.run(Call::sync(), &service).unwrap();
            let mut other = Client::new(stage.process(), USER, 43);
            assert_eq!(other.log_in(&service), token);
        }
        assert_eq!(service.logins(), 1);
    });
}

/// A service that opens a session, with a token of its own, for whoever asks.
#[derive(Default)]
struct Service {
    logins: Arc<AtomicU64>,
}

impl Service {
    fn logins(&self) -> u64 {
        self.logins.load(Ordering::Relaxed)
    }

    fn respond(&self, transmit: &Transmit) -> Response<Bytes> {
        let mut token = SECRET.to_owned();
        if kind(transmit) == Some(OperationKind::LogIn) {
            let number = self.logins.fetch_add(1, Ordering::Relaxed);
            token = format!("{SECRET}-{number}");
        }
        response_to(transmit, &token)
    }
}

/// The part of a save that is lost on its way: it fails, and nobody knows whether it took
/// place.
#[derive(Clone, Copy, Debug)]
enum Lost {
    /// It did not.
    Request,
    /// It did.
    Response,
}

/// A process that drives its calls by hand.
struct Client<P> {
    session: Session,
    process: Process<P>,
    /// The time by its own clock, which passes when it has to wait.
    now: Timestamp,
    /// The lead of its clock, if it is one that nobody can set.
    real_time: Option<Duration>,
    /// The number of saves so far.
    saves: usize,
    /// The save that fails.
    lost: Option<(usize, Lost)>,
}

/// The next thing to do when the store has nothing to do.
#[derive(Debug)]
enum Next {
    Send(Box<Transmit>),
    Wait(Wait),
    Done(Result<Completion, Error>),
}

impl<P: Place> Client<P> {
    fn new(process: Process<P>, user: &str, seed: u64) -> Self {
        let session = builder(user).shared(INTERVAL).seed(seed).build();
        Self {
            session: session.unwrap(),
            process,
            now: NOW,
            real_time: None,
            saves: 0,
            lost: None,
        }
    }

    fn log_in(&mut self, service: &Service) -> SessionToken {
        let done = self.run(Call::log_in(), service);
        done.unwrap().into_logged_in().unwrap()
    }

    /// Drives a call to its end.
    fn run(&mut self, mut call: Call, service: &Service) -> Result<Completion, Error> {
        loop {
            match self.next(&mut call) {
                Next::Send(transmit) => self.receive(&mut call, &transmit, service),
                Next::Wait(wait) if self.real_time.is_none() => self.now = wait.until,
                Next::Wait(wait) => thread::sleep(wait.until.since(self.now)),
                Next::Done(result) => return result,
            }
        }
    }

    /// Drives a call until the store has nothing to do.
    fn next(&mut self, call: &mut Call) -> Next {
        loop {
            let now = self.tell_time();
            match call.step_shared(&mut self.session, now) {
                SharedStep::Load => {
                    let loaded = self.process.load();
                    let now = self.tell_time();
                    call.loaded(&mut self.session, now, loaded);
                }
                SharedStep::Save { seen, snapshot } => {
                    let saved = self.save(seen, &snapshot);
                    let now = self.tell_time();
                    call.saved(&mut self.session, now, saved);
                }
                SharedStep::Send(transmit) => return Next::Send(transmit.into()),
                SharedStep::Wait(wait) => return Next::Wait(wait),
                SharedStep::Done(result) => return Next::Done(result),
            }
        }
    }

    /// Drives a call until it has something to save.
    fn until_save(&mut self, call: &mut Call) -> (Option<Revision>, Snapshot) {
        loop {
            let now = self.tell_time();
            match call.step_shared(&mut self.session, now) {
                SharedStep::Load => {
                    let loaded = self.process.load();
                    call.loaded(&mut self.session, now, loaded);
                }
                SharedStep::Save { seen, snapshot } => return (seen, snapshot),
                step => panic!("{step:?}"),
            }
        }
    }

    /// Saves that.
    fn end_save(&mut self, call: &mut Call, (seen, snapshot): (Option<Revision>, Snapshot)) {
        let saved = self.save(seen, &snapshot);
        let now = self.tell_time();
        call.saved(&mut self.session, now, saved);
    }

    /// Sends a request, and saves what comes of it.
    fn receive(&mut self, call: &mut Call, transmit: &Transmit, service: &Service) {
        let response = service.respond(transmit);
        let now = self.tell_time();
        call.receive(&mut self.session, now, transmit.attempt, Ok(response));
        if self.session.is_unsaved(now) {
            self.run(Call::sync(), service).ok();
        }
    }

    fn save(&mut self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.saves += 1;
        match self.lost.filter(|(number, _)| *number == self.saves) {
            Some((_, Lost::Request)) => {}
            Some((_, Lost::Response)) => self.process.takes(seen, snapshot),
            None => return self.process.save(seen, snapshot),
        }
        Err(StoreError::new("the connection is lost"))
    }

    fn tell_time(&mut self) -> Timestamp {
        if let Some(ahead) = self.real_time {
            self.now = Timestamp::from(SystemTime::now()) + ahead;
        }
        self.now
    }
}
