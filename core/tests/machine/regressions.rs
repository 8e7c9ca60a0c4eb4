//! Schedules that once broke a law, each named after what went wrong.

use thingspace_core::session::Settings;

use crate::world::{
    Act::{
        self, Confirm, Deliver, DeliverAgain, Drive, Drop, Give, Pass, Receive, Restart,
        RestartWith, Step, Unblock, Want, WantWithin,
    },
    Driver::{One, Two},
    Other,
    Reply::{
        BearerFault, Brief, Fine, Lost, Outage, SessionRefused, Unclear, Unnamed,
        WrongAndThrottled, WrongCredentials, WrongInSuccess,
    },
    Wish::{LogIn, LogOut, Read, Reset},
    World, run,
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

/// The login was allowed by name, and lost: blocked again. Whoever allowed another one
/// took that back, and with it the refusal that came after all.
#[test]
fn law_3_a_late_refusal_blocks_whatever_was_allowed_since() {
    run(&[
        Unblock,
        Want(One, LogIn),
        Drive(0, Fine),
        Step(0),
        Pass(36_000),
        Step(0),
        Unblock,
        Deliver(0, WrongCredentials),
        Want(Two, LogIn),
        Step(1),
    ]);
}

/// The password had changed while the login was on its way, so its success was of no
/// use; and it could be made once more.
#[test]
fn law_3_a_login_that_was_allowed_is_made_once_also_if_its_success_is_not_used() {
    run(&[
        Unblock,
        Want(One, LogIn),
        Drive(0, Fine),
        Step(0),
        Give(Other::Password),
        Deliver(0, Fine),
        Give(Other::Again(0)),
        Step(0),
    ]);
}

/// Nobody knows whether the service counts resets with a wrong password, which it is
/// after the first one that was lost.
#[test]
fn law_2_no_more_than_four_resets_are_lost() {
    run(&[
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Fine),
        Step(0),
        Want(One, Reset),
        Drive(0, Lost),
        Step(0),
        Want(One, Reset),
        Drive(0, Lost),
        Step(0),
        Want(One, Reset),
        Drive(0, Lost),
        Step(0),
        Want(One, Reset),
        Drive(0, Lost),
        Step(0),
        Want(One, Reset),
        Step(0),
    ]);
}

/// What was allowed before the reset allowed a login after it, with a password that
/// nobody knows.
#[test]
fn law_8_nothing_is_allowed_any_more_once_the_password_is_in_doubt() {
    for lost in [Lost, Fine] {
        run(&[
            Want(One, LogIn),
            Drive(0, Fine),
            Drive(0, Fine),
            Step(0),
            Unblock,
            Want(One, Reset),
            Drive(0, lost),
            Step(0),
            Pass(36_000),
            Want(One, Read),
            Drive(0, SessionRefused),
            Step(0),
        ]);
    }
}

/// The driver died with the login, the second that was lost. A day later, the half hour
/// before the next began when somebody noticed.
#[test]
fn law_12_a_login_is_lost_when_its_lease_expires_and_not_when_somebody_notices() {
    assert!(opens(&[
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Lost),
        Pass(30_000),
        Step(0),
        Restart(86_400_000),
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, SessionRefused),
        Drive(0, Fine),
    ]));
}

/// A gateway that refused every bearer was asked once a second, for ever, by one call.
#[test]
fn law_5_a_service_check_whose_bearer_is_refused_is_not_repeated_for_ever() {
    let lost = [
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Lost),
        Pass(30_000),
        Drive(0, Lost),
        Step(0),
        Pass(30_000),
    ];
    let checked = [Drive(0, BearerFault), Pass(1_000), Drive(0, Fine)];
    let checked = std::iter::repeat_n(checked, 20).flatten();
    run(&lost.into_iter().chain(checked).collect::<Vec<_>>());
}

/// Whoever asked later why the guard is blocked was not told the code.
#[test]
fn law_16_a_refusal_that_came_with_a_success_is_told_later() {
    run(&[
        Want(One, Reset),
        Drive(0, Fine),
        Drive(0, Fine),
        Drive(0, WrongInSuccess),
        Step(0),
    ]);
    run(&[
        Want(One, LogIn),
        Drive(0, Fine),
        Step(0),
        Pass(36_000),
        Want(One, LogIn),
        Step(1),
        Deliver(0, WrongInSuccess),
    ]);
}

/// A command that is started with the old password knows it again, and one with the
/// new password does not suffer for it.
#[test]
fn law_3_a_password_that_was_refused_is_known_again_after_a_restart() {
    let mut acts = vec![
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, WrongCredentials),
        Step(0),
        RestartWith(60_000, Other::Password),
        Want(One, LogIn),
        Drive(0, Fine),
        Step(0),
    ];
    assert!(opens(&acts));
    acts.extend([
        Want(One, LogOut),
        Drive(0, Fine),
        Step(0),
        RestartWith(60_000, Other::Again(0)),
        Want(One, LogIn),
        Drive(0, Fine),
    ]);
    assert!(!opens(&acts));
    run(&acts);
}

/// After an outage in which two logins were lost, the first probe is made as soon as a
/// check finds that it is over.
#[test]
fn law_12_an_outage_heals_at_the_first_call_after_its_end() {
    let mut acts = vec![
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Outage),
        Pass(30_000),
        Drive(0, Outage),
        Step(0),
        Drop(0),
    ];
    for minutes in [1, 2, 4, 8, 10, 10, 10] {
        acts.extend([Pass(minutes * 60_000), Want(One, LogIn)]);
        acts.extend([Drive(0, Outage), Step(0), Drop(0)]);
    }
    acts.extend([Pass(600_000), Want(One, LogIn)]);
    acts.extend([Drive(0, SessionRefused), Drive(0, Fine), Step(0)]);
    assert!(opens(&acts));
}

/// Runs a schedule. Returns true if a session is open at its end.
fn opens(acts: &[Act]) -> bool {
    let mut world = World::new(Settings::default());
    for act in acts {
        world.act(*act);
    }
    world.session().session_token().is_some()
}

/// The reset was refused, and the guard unblocked after that. When the new password came
/// after all and was confirmed, the old one was still taken for good.
#[test]
fn law_8_the_old_password_is_outdated_whatever_was_said_of_it_before() {
    run(&[
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Fine),
        Step(0),
        Want(One, Reset),
        Drive(0, WrongCredentials),
        Unblock,
        DeliverAgain(2, Fine),
        Confirm(0),
        Give(Other::Again(0)),
        Want(One, Read),
    ]);
}

/// The second call's bearer token had been replaced by the time that it was refused as
/// well, and its session was ended for that.
#[test]
fn law_5_a_401_that_names_nothing_to_an_old_bearer_ends_no_session() {
    assert!(opens(&[
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Fine),
        Step(0),
        Want(One, Read),
        Want(One, Read),
        Step(0),
        Step(1),
        Receive(0, Unnamed),
        Receive(1, Unnamed),
    ]));
}

/// The bearer token that the call got after it had opened the session made it forget
/// that it had.
#[test]
fn law_5_a_401_that_names_nothing_ends_no_session_that_the_call_has_opened() {
    assert!(opens(&[
        Want(One, Read),
        Drive(0, Fine),
        Drive(0, Fine),
        Drive(0, BearerFault),
        Drive(0, Fine),
        Drive(0, Unnamed),
        Step(0),
    ]));
}

/// A session that was refused to its own logout counted as short-lived.
#[test]
fn law_5_a_session_that_is_refused_to_its_logout_delays_nothing() {
    let one: &[Act] = &[
        Want(One, LogIn),
        Drive(0, Fine),
        Drive(0, Fine),
        Step(0),
        Want(One, LogOut),
        Drive(0, SessionRefused),
        Step(0),
    ];
    run(&[one, &one[..1], &one[2..], &one[..1], &one[2..]].concat());
}
