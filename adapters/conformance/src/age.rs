//! The age of what is saved, by the clock of the store.

use std::time::Duration;

use crate::{
    Can, Place,
    stage::{PATIENCE, Process, Stage, until},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(crate) fn a_session_is_new_when_it_is_saved_and_grows_older<P: Place>() {
    Stage::<P>::each(|stage| {
        let (here, there) = (stage.process(), stage.process());
        here.change();
        assert!(age(&there) < PATIENCE, "it is old as soon as it is saved");

        match stage.place.let_pass(HOUR) {
            Can::Yes(()) => {
                for process in [&here, &there, &stage.process()] {
                    let age = age(process);
                    assert!(age >= HOUR, "an hour later it is {age:?} old");
                    assert!(age < HOUR + PATIENCE, "an hour later it is {age:?} old");
                }
            }
            // By a clock that nobody can set.
            Can::No(_) => {
                let young = age(&here);
                until("it grows older", || {
                    age(&here) > young && age(&there) > young && age(&stage.process()) > young
                });
            }
        }
        // What conflicts makes nothing younger, and what is loaded does not either.
        let before = age(&here);
        there.refuses(None, &crate::snapshots::next(None));
        assert!(age(&here) >= before, "it is younger than before");

        let text = stage.text();
        here.change();
        assert!(age(&there) < PATIENCE, "what is saved anew is not new");
        stage.place.write(Some(&text));
        assert!(age(&there) < PATIENCE, "what was put there is not new");
    });
}

fn age<P: Place>(process: &Process<P>) -> Duration {
    process.find().expect("something is saved").age
}
