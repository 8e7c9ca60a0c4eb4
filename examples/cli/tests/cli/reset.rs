//! `reset-password`: the new password is saved, or its place and what is known are
//! reported.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
};

use bytes::Bytes;
use http::Response;
use thingspace_simulator::{Call, Fault, Simulator};
use thingspace_ureq::core::{
    Session,
    session::{self, OperationKind},
};

use crate::stage::*;

const TO_FILE: [&str; 3] = ["reset-password", "--to", "password"];

/// Makes the next login, with the password in the password's file.
#[track_caller]
fn next_login_ends_with(stage: &Stage, code: i32) -> Ran {
    stage.run(&["logout"]).succeeds();
    stage.run(&["login"]).ends_with(code)
}

/// The progress of the reset, as `status` reports it.
fn progress(stage: &Stage) -> String {
    let status = stage.status();
    status["reset"]["new_password"].as_str().unwrap().to_owned()
}

#[test]
fn the_new_password_takes_the_old_ones_place_until_a_login_proves_it() {
    let stage = Stage::open();
    let old = stage.password();
    stage
        .run(&TO_FILE)
        .succeeds()
        .prints("the new one is in")
        .prints("password.old until the next login");
    let new = stage.password();
    assert_ne!(old, new);
    assert_eq!(stage.read("password").unwrap(), format!("{new}\n"));
    assert_eq!(stage.read("password.old").unwrap(), format!("{old}\n"));
    for name in ["password", "password.old"] {
        assert_eq!(mode(&stage.at(name)), 0o600);
    }
    assert_eq!(progress(&stage), "saved");

    // The open session goes on, and is no proof.
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert!(stage.at("password.old").exists());
    next_login_ends_with(&stage, 0);
    assert!(!stage.at("password.old").exists());
    assert!(!stage.at("password.new").exists());
    assert!(stage.status()["reset"].is_null());
    assert_eq!(
        stage.server.with(|service| service.counts().failed_logins),
        0
    );
}

#[test]
fn its_place_is_reported_as_json() {
    let stage = Stage::open();
    let reset = stage.run(&[&TO_FILE[..], &["--json"]].concat()).succeeds();
    let reset = reset.json();
    assert_eq!(reset["reset"], true);
    assert_eq!(reset["place"], stage.at("password").to_str().unwrap());
    assert_eq!(reset["old"], stage.at("password.old").to_str().unwrap());
    assert_eq!(reset["state_saved"], true);
}

#[test]
fn a_reset_opens_a_session_if_none_is_open() {
    let stage = Stage::new();
    stage.run(&TO_FILE).succeeds();
    assert_eq!(stage.done(Call::LogIn), 1);
    assert_eq!(stage.done(Call::ResetPassword), 1);
}

#[test]
fn one_reset_after_another_leaves_one_old_password() {
    let stage = Stage::open();
    stage.run(&TO_FILE).succeeds();
    let second = stage.password();
    stage.run(&TO_FILE).succeeds();
    assert_eq!(stage.read("password.old").unwrap(), format!("{second}\n"));
    next_login_ends_with(&stage, 0);
}

#[test]
fn a_file_that_is_not_there_yet_is_made() {
    let stage = Stage::open();
    let old = stage.password();
    stage
        .run(&["reset-password", "--to", "other"])
        .succeeds()
        .prints("Put the new one into the credentials");
    assert_eq!(stage.read("other").unwrap().trim(), stage.password());
    assert_eq!(stage.read("other.old").unwrap().trim(), old);
}

#[test]
fn law_8_no_login_is_spent_on_the_password_from_before() {
    let stage = Stage::open();
    stage.run(&["reset-password", "--to", "other"]).succeeds();
    next_login_ends_with(&stage, 3)
        .reports("the password given is the one from before the reset")
        .reports("other");
    assert_eq!(stage.seen(Call::LogIn), 1);
    let new = stage.password();
    stage.write("password", &new);
    stage.run(&["login"]).succeeds();
    assert!(!stage.at("other.old").exists());
}

#[test]
fn law_8_the_open_session_goes_on_with_the_password_from_before() {
    // It may have been put elsewhere, or be on this machine alone.
    let elsewhere = ["reset-password", "--to", "other"];
    let failing = ["reset-password", "--command", "sh", "-c", "exit 7"];
    for (args, code) in [(&elsewhere[..], 0), (&failing, 5)] {
        let stage = Stage::open();
        stage.run(args).ends_with(code);
        stage.run(&["call", "GET", ACCOUNT]).succeeds();
        stage
            .run(&["login"])
            .succeeds()
            .prints("has been open since");

        // Once it has ended, no login is made: until the lease of a reset that is not
        // confirmed has expired, others wait for that.
        stage.server.with(Simulator::forget_sessions);
        stage.age(MINUTE);
        stage
            .run(&["call", "GET", ACCOUNT])
            .ends_with(3)
            .reports("the password given is the one from before the reset")
            .reports("move");
        assert_eq!(stage.seen(Call::LogIn), 1);
    }
}

#[test]
fn a_program_is_given_the_new_password_without_a_line_end() {
    let stage = Stage::open();
    // It sees that no process has the password among its arguments.
    let vault = "cat > got; ! grep -qsF -f got /proc/[0-9]*/cmdline; s=$?; echo stored; exit $s";
    let args = ["reset-password", "--command", "sh", "-c", vault];
    let ran = stage
        .run(&args)
        .succeeds()
        .prints("the program has the new one");
    assert!(ran.stderr.contains("stored") && !ran.text().contains("stored"));
    assert_eq!(stage.read("got").unwrap(), stage.password());
    let left = [
        "session.json",
        "session.json.lock",
        "session.json.password.old",
    ];
    assert_eq!(&stage.beside_state()[..3], left);
    assert_eq!(progress(&stage), "handed_over");

    let new = stage.password();
    stage.write("password", &new);
    next_login_ends_with(&stage, 0);
    assert!(!stage.at("state/session.json.password.old").exists());
}

#[test]
fn a_program_that_fails_leaves_the_new_password_beside_the_session() {
    let stage = Stage::open();
    let args = ["reset-password", "--command", "sh", "-c", "exit 7"];
    let ran = stage
        .run(&args)
        .ends_with(5)
        .reports("the new one could not be saved")
        .reports("exit status: 7")
        .reports("session.json.password: put it where it belongs");
    for part in ["in the clear", "this error"] {
        assert!(!ran.stderr.contains(part), "{part}: {ran:?}");
    }
    let saved = stage.read("state/session.json.password").unwrap();
    assert_eq!(saved.trim(), stage.password());
    assert_eq!(mode(&stage.at("state/session.json.password")), 0o600);
    assert_eq!(progress(&stage), "being_handed_over");

    // No login is spent until the operator unblocks the guard.
    stage.age(MINUTE);
    stage.write("password", saved.trim());
    next_login_ends_with(&stage, 3).reports("session.json.password");
    stage.run(&["unblock", "--yes"]).succeeds();
    stage.run(&["login"]).succeeds();
    assert_eq!(
        stage.server.with(|service| service.counts().failed_logins),
        0
    );
}

#[test]
fn a_new_password_that_is_not_where_it_should_be_is_reported_as_json() {
    let stage = Stage::open();
    let args = [
        "reset-password",
        "--json",
        "--command",
        "sh",
        "-c",
        "exit 7",
    ];
    let error = stage.run(&args).ends_with(5).error();
    assert_eq!(error["outcome"], "unknown");
    assert!(error["causes"][0].as_str().unwrap().contains("status: 7"));
    let advice = error["advice"][0].as_str().unwrap();
    assert!(advice.contains("session.json.password"), "{advice}");
    let guard = &stage.status()["login_guard"];
    assert_eq!(guard["blocked"], "awaiting_confirmation");
    let advice = guard["advice"].as_str().unwrap();
    assert!(
        advice.contains("give the new one, then unblock"),
        "{advice}"
    );
}

#[test]
fn law_8_no_other_reset_is_made_until_the_new_password_is_where_it_belongs() {
    let stage = Stage::open();
    let failing = ["reset-password", "--command", "sh", "-c", "exit 7"];
    stage.run(&failing).ends_with(5);
    stage.age(MINUTE);
    let saved = stage.read("state/session.json.password").unwrap();
    stage.write("password", &saved);
    stage
        .run(&["reset-password", "--to", "other"])
        .ends_with(3)
        .reports("the password from before is wrong")
        .reports("session.json.password, and the program that was to save it may not have it");
    assert_eq!(progress(&stage), "being_handed_over");
    assert_eq!(stage.seen(Call::ResetPassword), 1);

    stage.run(&["unblock", "--yes"]).succeeds();
    stage.run(&["reset-password", "--to", "other"]).succeeds();
}

#[test]
fn a_folder_that_is_removed_during_the_reset_does_not_lose_the_password() {
    let stage = Stage::open();
    fs::create_dir(stage.at("secrets")).unwrap();
    let args = ["reset-password", "--to", "secrets/password"];
    let ran = stage.reset_meanwhile(&args, || {
        fs::remove_dir_all(stage.at("secrets")).unwrap();
    });
    let ran = ran
        .ends_with(5)
        .reports("session.json.password: put it where");
    let new = stage.password();
    assert!(!ran.stderr.contains(&new), "{ran:?}");
    let saved = stage.read("state/session.json.password").unwrap();
    assert_eq!(saved.trim(), new);
    assert_eq!(progress(&stage), "rescued");
    assert_eq!(
        stage.status()["login_guard"]["blocked"],
        "awaiting_confirmation"
    );
}

#[test]
fn a_password_that_can_be_written_nowhere_is_shown_as_a_last_resort() {
    let stage = Stage::open();
    fs::create_dir(stage.at("secrets")).unwrap();
    let args = ["reset-password", "--to", "secrets/password"];
    let ran = stage.reset_meanwhile(&args, || {
        fs::remove_dir_all(stage.at("secrets")).unwrap();
        fs::remove_dir_all(stage.at("state")).unwrap();
        fs::write(stage.at("state"), "").unwrap();
    });
    ran.ends_with(5)
        .reports("here it is, once, in the clear")
        .reports(&stage.password());
}

#[test]
fn a_session_that_can_not_be_saved_does_not_undo_the_reset() {
    let stage = Stage::open();
    let args = ["reset-password", "--to", "password", "--json"];
    let ran = stage.reset_meanwhile(&args, || {
        fs::rename(stage.at("state"), stage.at("aside")).unwrap();
        fs::write(stage.at("state"), "").unwrap();
    });
    let reset = ran.succeeds().json();
    assert_eq!(reset["state_saved"], false);
    assert_eq!(stage.read("password").unwrap().trim(), stage.password());

    // For the others the reset is lost, and the password's place is reported.
    fs::remove_file(stage.at("state")).unwrap();
    fs::rename(stage.at("aside"), stage.at("state")).unwrap();
    stage.pass(MINUTE);
    assert_eq!(progress(&stage), "saved");
    next_login_ends_with(&stage, 3).reports("The password to use is in");
    stage.run(&["unblock", "--yes"]).succeeds();
    stage.run(&["login"]).succeeds();
}

#[test]
fn a_session_that_is_read_and_not_saved_has_the_password_saved_once() {
    let stage = Stage::open();
    let lock = stage.at("state/session.json.lock");
    let args = ["reset-password", "--to", "password"];
    let ran = stage.reset_meanwhile(&args, || {
        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
    });
    ran.succeeds()
        .prints("repair that, then unblock the login guard");
    assert_eq!(stage.read("password").unwrap().trim(), stage.password());
}

#[test]
fn what_another_process_begins_is_not_taken_for_a_session_that_was_not_saved() {
    let stage = Stage::open();
    let args = ["reset-password", "--to", "password", "--json"];
    let ran = stage.reset_meanwhile(&args, || {
        // It counts the reset as lost, and logs in.
        stage.age(60 * MINUTE);
        let unblock = |session: &mut Session| {
            session.expire(now());
            session.unblock();
        };
        let began = stage.drive(&mut session::Call::log_in(), unblock).unwrap();
        assert_eq!(began.kind(), OperationKind::TokenFetch);
    });
    assert_eq!(ran.succeeds().json()["state_saved"], true);
    assert!(stage.session().operation().is_some());
}

#[test]
fn a_password_that_is_right_after_all_is_given_a_way_in() {
    let stage = Stage::open();
    let lie = Bytes::from_static(br#"{"newPassword":"a-lie-of-the-service"}"#);
    stage.is_secret("a-lie-of-the-service");
    stage.inject(Call::ResetPassword, Fault::Replace(Response::new(lie)));
    stage.run(&["reset-password", "--to", "other"]).succeeds();
    next_login_ends_with(&stage, 3).reports("If it is right after all, move");
    stage
        .run(&["unblock", "--yes"])
        .ends_with(3)
        .reports("If it is right after all, move");
    fs::rename(stage.at("other.old"), stage.at("away")).unwrap();
    // The others that share the session need not try it.
    stage.run(&["login"]).ends_with(3);
    stage.run(&["unblock", "--yes"]).succeeds();
    stage.run(&["login"]).succeeds();
    assert!(stage.status()["reset"].is_null());
}

#[test]
fn a_place_that_can_not_be_written_sends_nothing() {
    let stage = Stage::open();
    let asked = stage.seen_in_all();
    stage.write("precious", "something else");
    stage.write("other.new", "of a reset that was killed");
    stage.write("open", Simulator::PASSWORD);
    set_mode(&stage.at("open"), 0o644);
    symlink(stage.at("password"), stage.at("link")).unwrap();
    for (to, reason) in [
        ("missing/password", "password.new could not be made"),
        ("precious", "holds something else than the password in use"),
        ("other", "other.new holds something else"),
        ("open", "is open to others"),
        ("link", "is not a plain file"),
        ("state", "is not a plain file"),
    ] {
        stage
            .run(&["reset-password", "--to", to])
            .ends_with(2)
            .reports(reason);
    }
    for program in ["nothing-of-that-name", "./precious", "/"] {
        stage
            .run(&["reset-password", "--command", program])
            .ends_with(2)
            .reports("can't be run");
    }
    stage.run(&["reset-password"]).ends_with(2);
    stage
        .run(&["reset-password", "--to", "a", "--command", "b"])
        .ends_with(2);
    assert_eq!(stage.seen_in_all(), asked);
    assert_eq!(stage.read("precious").unwrap(), "something else");
    assert_eq!(
        stage.read("other.new").unwrap(),
        "of a reset that was killed"
    );
    assert!(stage.status()["reset"].is_null());
}

#[test]
fn a_lost_response_leaves_the_old_password_and_reports_what_is_known() {
    for (fault, changed) in [(Fault::Drop, false), (Fault::Drop.after_acting(), true)] {
        let stage = Stage::open();
        let old = stage.password();
        stage.inject(Call::ResetPassword, fault);
        stage
            .run(&TO_FILE)
            .ends_with(5)
            .reports("the password may have been reset, but no response came")
            .reports("The reset of 20")
            .reports("it is not known whether the password is another one now")
            .reports("try it once: thingspace unblock");
        assert_eq!(stage.password() != old, changed);
        assert_eq!(stage.read("password").unwrap(), old);
        assert!(!stage.at("password.old").exists());
        assert!(!stage.at("password.new").exists());
        assert_eq!(progress(&stage), "none");
        assert_eq!(
            stage.status()["login_guard"]["blocked"],
            "password_in_doubt"
        );

        // The open session goes on, and no login is spent.
        stage.run(&["call", "GET", ACCOUNT]).succeeds();
        next_login_ends_with(&stage, 3).reports("left no new password");
        assert_eq!(stage.seen(Call::LogIn), 1);
        assert_eq!(stage.seen(Call::ResetPassword), 1);

        // The way out that was reported.
        stage.run(&["unblock", "--yes"]).succeeds();
        stage.run(&["login"]).ends_with(i32::from(changed));
        assert_eq!(stage.seen(Call::LogIn), 2);
    }
}

#[test]
fn what_an_earlier_reset_left_is_not_taken_for_what_a_lost_one_did() {
    let to_program = ["reset-password", "--command", "sh", "-c", "cat > password"];
    for args in [&TO_FILE[..], &to_program] {
        for executed in [false, true] {
            let stage = Stage::open();
            stage.run(args).succeeds();
            let fault = if executed {
                Fault::Drop.after_acting()
            } else {
                Fault::Drop
            };
            stage.password();
            stage.inject(Call::ResetPassword, fault);
            stage
                .run(args)
                .ends_with(5)
                .reports("left no new password")
                .reports("try it once: thingspace unblock");
            stage.password();
            assert_eq!(progress(&stage), "none");
            next_login_ends_with(&stage, 3);
            stage.run(&["unblock", "--yes"]).succeeds();
            stage.run(&["login"]).ends_with(i32::from(executed));
        }
    }
}

#[test]
fn a_copy_that_an_earlier_reset_left_is_not_taken_for_the_new_password() {
    let stage = Stage::open();
    let failing = ["reset-password", "--command", "sh", "-c", "exit 7"];
    stage.run(&failing).ends_with(5);
    let copy = stage.read("state/session.json.password").unwrap();
    stage.write("password", &copy);
    stage.age(MINUTE);
    stage.run(&["unblock", "--yes"]).succeeds();
    next_login_ends_with(&stage, 0);

    // It stays where it is: the credentials may be read from there.
    stage.run(&TO_FILE).succeeds();
    assert_eq!(progress(&stage), "saved");
    next_login_ends_with(&stage, 0);
    assert_eq!(stage.read("state/session.json.password"), Some(copy));
}

#[test]
fn an_invalid_response_is_saved_because_it_may_hold_the_password() {
    let stage = Stage::open();
    let odd = Bytes::from_static(br#"{"newpassword":"of-unknown-make"}"#);
    stage.is_secret("of-unknown-make");
    let response = Fault::Replace(Response::new(odd.clone()));
    stage.inject(Call::ResetPassword, response);
    stage
        .run(&TO_FILE)
        .ends_with(5)
        .reports("may hold the new password; it is in");
    let saved = stage.at("state/session.json.response");
    assert_eq!(fs::read(&saved).unwrap(), odd);
    assert_eq!(mode(&saved), 0o600);
    assert_eq!(progress(&stage), "in_response");

    // Nothing is written over it.
    stage
        .run(&TO_FILE)
        .ends_with(2)
        .reports("session.json.response may hold the new password");
    assert_eq!(stage.seen(Call::ResetPassword), 1);
    fs::remove_file(&saved).unwrap();
    assert_eq!(progress(&stage), "none");
    stage.run(&TO_FILE).succeeds();
}

#[test]
fn a_response_that_broke_off_is_saved_because_it_may_hold_the_password() {
    let stage = Stage::open();
    let old = stage.password();
    stage.inject(Call::ResetPassword, Fault::CutShort);
    stage
        .run(&TO_FILE)
        .ends_with(5)
        .reports("The response broke off, and may hold the new password; it is in");
    // Every byte that came is in it.
    let part = stage.read("state/session.json.response").unwrap();
    let whole = format!(r#"{{"newPassword":"{}"}}"#, stage.password());
    assert!(!part.is_empty() && whole.starts_with(&part), "{part}");
    assert_eq!(mode(&stage.at("state/session.json.response")), 0o600);
    assert_eq!(stage.read("password").unwrap(), old);
    assert_eq!(progress(&stage), "in_response");
    assert_eq!(
        stage.status()["login_guard"]["blocked"],
        "password_in_doubt"
    );
    next_login_ends_with(&stage, 3).reports("session.json.response");
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn an_obstacle_to_saving_is_found_before_anything_is_sent() {
    let stage = Stage::open();
    fs::create_dir(stage.at("password.old")).unwrap();
    stage
        .run(&TO_FILE)
        .ends_with(2)
        .reports("password.old is not a plain file");
    fs::remove_dir(stage.at("password.old")).unwrap();

    // Only root can give a file away, and nobody else owns this one.
    let given = stage.write("theirs", "IMgr8");
    let theirs = match chown(&given, Some(1), None) {
        Ok(()) => given,
        Err(_) => "/etc/passwd".into(),
    };
    stage
        .run(&["reset-password", "--to", theirs.to_str().unwrap()])
        .ends_with(2)
        .reports("belongs to another user");
    assert_eq!(stage.seen(Call::ResetPassword), 0);
}

/// Two jobs have their own sessions and one file.
#[test]
fn a_file_that_another_reset_is_about_to_write_is_not_written() {
    let stage = Stage::open();
    let _other = thingspace_file::Draft::begin(stage.at("password")).unwrap();
    stage
        .run(&TO_FILE)
        .ends_with(2)
        .reports("is being written by another process");
    assert_eq!(stage.seen(Call::ResetPassword), 0);
}

#[test]
fn a_reset_that_is_refused_leaves_everything_as_it_was() {
    let stage = Stage::open();
    stage.inject(
        Call::ResetPassword,
        Fault::Status(http::StatusCode::FORBIDDEN),
    );
    stage.run(&TO_FILE).ends_with(1);
    assert_eq!(stage.read("password").unwrap(), stage.password());
    assert!(!stage.at("password.new").exists());
    assert!(!stage.at("password.old").exists());
    assert!(stage.status()["reset"].is_null());
    stage.run(&TO_FILE).succeeds();
}

#[test]
fn a_refusal_that_repeats_the_old_password_is_not_shown() {
    for json in [&[][..], &["--json"]] {
        let stage = Stage::open();
        let body = format!(
            r#"{{"errorCode":"INPUT_INVALID.OldFields.Odd","errorMessage":"{} is odd"}}"#,
            stage.password()
        );
        let mut refusal = Response::new(Bytes::from(body));
        *refusal.status_mut() = http::StatusCode::BAD_REQUEST;
        stage.inject(Call::ResetPassword, Fault::Replace(refusal));
        let ran = stage.run(&[&TO_FILE[..], json].concat()).ends_with(1);
        assert!(ran.stderr.contains("OldFields.Odd"), "{ran:?}");
    }
}

#[test]
fn after_a_reset_the_status_names_the_password_to_use_first() {
    let stage = Stage::open();
    stage.run(&TO_FILE).succeeds();
    let place = stage.at("password").display().to_string();
    stage
        .run(&["status"])
        .succeeds()
        .prints(&format!(
            "Password      The password to use is in {place}, from the reset of 20"
        ))
        .prints(&format!(
            "(The one from before is in {place}.old until the next login, and of no use any more.)"
        ));
}

#[test]
fn a_reset_with_a_blocked_guard_is_not_sent() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    stage.run(&TO_FILE).ends_with(3);
    assert_eq!(stage.seen(Call::ResetPassword), 0);
}
