//! Schedules that once broke a law, each named after what went wrong.

use crate::world::{
    Act::{
        Confirm, Deliver, DeliverAgain, Drive, Drop, Give, Pass, Receive, Step, Want, WantWithin,
    },
    Driver::{One, Two},
    Other,
    Reply::{Brief, Fine, Lost, SessionRefused, Unclear, WrongAndThrottled},
    Wish::{LogIn, LogOut, Read, Reset},
    run,
};

#[test]
fn law_3_a_throttled_reset_that_names_the_credentials_blocks_the_guard() {
    run(&[
        Want(One, Reset),
        Step(0),
        Receive(0, Fine),
        Step(0),
        Receive(0, Fine),
        Step(0),
        Receive(0, WrongAndThrottled),
    ]);
}

/// The second call had waited for the first login, and took the failure of the
/// next one, of which it knew nothing, for its own.
#[test]
fn law_12_a_call_fails_only_with_an_operation_that_it_waited_for() {
    run(&[
        Want(One, Read),
        Want(One, Read),
        Step(0),
        Receive(0, Fine),
        Step(0),
        Step(1),
        Receive(0, Fine),
        Step(1),
        Receive(1, SessionRefused),
        Step(0),
        Receive(0, Unclear),
        Step(1),
    ]);
}

/// The response to the first reset, from before the caller gave another password,
/// ended the doubt that the second one had left.
#[test]
fn law_8_a_doubt_about_the_password_is_ended_only_by_the_response_that_it_is_about() {
    for other in [Other::Password, Other::User] {
        run(&[
            Want(One, Reset),
            Step(0),
            Receive(0, Fine),
            Step(0),
            Receive(0, Fine),
            Step(0),
            Pass(36_000),
            Want(Two, Read),
            Step(1),
            Give(other),
            Want(Two, Reset),
            Step(2),
            Receive(2, Fine),
            Step(2),
            Receive(2, Lost),
            Receive(0, Fine),
        ]);
    }
}

/// A call that needed another bearer token waited for the reset, and failed with
/// it.
#[test]
fn law_14_a_reset_fails_for_nobody_but_its_caller() {
    run(&[
        Want(One, Reset),
        Drive(0, Brief),
        Drive(0, Fine),
        Step(0),
        Pass(31_000),
        Want(Two, Read),
        Step(1),
        Receive(0, Unclear),
        Step(1),
    ]);
}

/// The second response found no session to end, and took the place of the first
/// one, at which nobody had looked.
#[test]
fn law_7_a_logout_that_is_reported_twice_has_ended_the_session_once() {
    run(&[
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Fine),
        Step(0),
        Want(One, LogOut),
        Step(0),
        Deliver(0, Fine),
        DeliverAgain(2, Fine),
        Step(0),
    ]);
}

/// The response to a reset whose lease had expired took the place of the new
/// password that a later one had brought to a call that was dropped.
#[test]
fn law_8_an_older_new_password_does_not_displace_the_one_that_is_awaited() {
    run(&[
        Want(One, Reset),
        Drive(0, Fine),
        Drive(0, Fine),
        Step(0),
        Pass(36_000),
        Want(Two, Reset),
        Step(0),
        Step(0),
        Drop(0),
        Deliver(1, Fine),
        Deliver(0, Fine),
        Confirm(0),
    ]);
}

/// The call that had asked for the reset looked after that, and failed as if no
/// response had come.
#[test]
fn law_8_a_reset_succeeds_that_is_confirmed_before_its_call_looks() {
    run(&[
        Want(One, Reset),
        Drive(0, Fine),
        Drive(0, Fine),
        Drive(0, Fine),
        Confirm(0),
        Step(0),
    ]);
}

/// The call timed out as if its login had never been sent.
#[test]
fn law_6_a_login_that_succeeded_too_late_for_its_call_was_sent() {
    run(&[
        WantWithin(One, LogIn, 20),
        Drive(0, Fine),
        Drive(0, Fine),
        Pass(30_000),
        Step(0),
    ]);
}
