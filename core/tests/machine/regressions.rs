//! Schedules that once broke a law, each named after what went wrong.

use crate::world::{
    Act::{Give, Hear, Pass, Step, Want},
    Driver::{One, Two},
    Other,
    Wish::{Change, Read},
    Word::{Fine, Lost, SessionRefused, Unclear, WrongAndThrottled},
    run,
};

#[test]
fn law_3_a_throttled_reset_that_names_the_credentials_closes_the_gate() {
    run(&[
        Want(One, Change),
        Step(0),
        Hear(0, Fine),
        Step(0),
        Hear(0, Fine),
        Step(0),
        Hear(0, WrongAndThrottled),
    ]);
}

/// The second call had waited for the first login, and took the failure of the
/// next one, of which it knew nothing, for its own.
#[test]
fn law_12_a_call_fails_only_with_a_flight_that_it_waited_for() {
    run(&[
        Want(One, Read),
        Want(One, Read),
        Step(0),
        Hear(0, Fine),
        Step(0),
        Step(1),
        Hear(0, Fine),
        Step(1),
        Hear(1, SessionRefused),
        Step(0),
        Hear(0, Unclear),
        Step(1),
    ]);
}

/// The answer to the first reset, from before the caller gave another password,
/// ended the doubt that the second one had left.
#[test]
fn law_8_a_doubt_about_the_password_is_ended_only_by_the_answer_that_it_is_about() {
    for other in [Other::Password, Other::User] {
        run(&[
            Want(One, Change),
            Step(0),
            Hear(0, Fine),
            Step(0),
            Hear(0, Fine),
            Step(0),
            Pass(36_000),
            Want(Two, Read),
            Step(1),
            Give(other),
            Want(Two, Change),
            Step(2),
            Hear(2, Fine),
            Step(2),
            Hear(2, Lost),
            Hear(0, Fine),
        ]);
    }
}
