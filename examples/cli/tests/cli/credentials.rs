//! The sources of the credentials.

use std::process::Command;

use thingspace_simulator::Simulator;

use crate::stage::*;

const ALL: [(&str, &str); 4] = [
    ("THINGSPACE_KEY", Simulator::KEY),
    ("THINGSPACE_SECRET", Simulator::SECRET),
    ("THINGSPACE_USERNAME", Simulator::USERNAME),
    ("THINGSPACE_PASSWORD", Simulator::PASSWORD),
];

/// `login` without any credentials.
fn bare(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(&[&["login"], args].concat());
    for (name, _) in ALL {
        command.env_remove(name);
        command.env_remove(format!("{name}_FILE"));
    }
    command
}

#[track_caller]
fn ends(stage: &Stage, mut command: Command, code: i32, part: &str) {
    let ran = stage.finish(command.spawn().unwrap()).ends_with(code);
    assert!(ran.stderr.contains(part), "no {part:?}: {ran:?}");
}

#[test]
fn each_comes_from_a_variable() {
    let stage = Stage::new();
    let mut login = bare(&stage, &[]);
    login.envs(ALL);
    ends(&stage, login, 0, "");
}

#[test]
fn each_comes_from_a_file_of_its_own() {
    let stage = Stage::new();
    let mut login = bare(&stage, &[]);
    for ((name, value), end) in ALL.into_iter().zip(["", "\n", "\r\n", "\n"]) {
        let path = stage.write(name, &format!("{value}{end}"));
        login.env(format!("{name}_FILE"), path);
    }
    ends(&stage, login, 0, "");
}

#[test]
fn all_come_from_one_file() {
    let stage = Stage::new();
    let text = format!(
        "# of the fleet\n\nTHINGSPACE_KEY={}\r\nTHINGSPACE_SECRET={}\nTHINGSPACE_USERNAME={}\nTHINGSPACE_PASSWORD_FILE={}\n",
        Simulator::KEY,
        Simulator::SECRET,
        Simulator::USERNAME,
        stage.at("password").display()
    );
    stage.write("all", &text);
    let login = bare(&stage, &["--credentials", "all"]);
    ends(&stage, login, 0, "");
}

#[test]
fn each_that_is_missing_is_named() {
    let stage = Stage::new();
    for (missing, _) in ALL {
        let mut login = bare(&stage, &[]);
        login.envs(ALL).env_remove(missing);
        let message = format!("{missing} is not given; set it, or {missing}_FILE");
        ends(&stage, login, 2, &message);
    }
}

#[test]
fn none_is_given_twice() {
    let stage = Stage::new();
    let file = stage.write("one", "THINGSPACE_USERNAME=zbeeblebrox\n");
    for (name, value) in ALL {
        let mut login = bare(&stage, &[]);
        login.envs(ALL).env(format!("{name}_FILE"), &file);
        ends(&stage, login, 2, &format!("{name} is given twice"));

        stage.write("all", &format!("{name}={value}\n"));
        let mut login = bare(&stage, &["--credentials", "all"]);
        login.envs(ALL);
        ends(&stage, login, 2, &format!("{name} is given twice"));
    }
    stage.write("all", "THINGSPACE_KEY=a\nTHINGSPACE_KEY=a\n");
    let login = bare(&stage, &["--credentials", "all"]);
    ends(&stage, login, 2, "THINGSPACE_KEY is given twice");
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let stage = Stage::new();
    for mode in [0o640, 0o604, 0o644, 0o620] {
        set_mode(&stage.at("password"), mode);
        stage
            .run(&["login"])
            .ends_with(2)
            .reports("is open to others")
            .reports("chmod 600");
    }
    stage.write("all", "");
    set_mode(&stage.at("all"), 0o644);
    let login = bare(&stage, &["--credentials", "all"]);
    ends(&stage, login, 2, "is open to others");
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn a_file_with_anything_else_is_refused_without_showing_it() {
    let stage = Stage::new();
    stage.is_secret("hush");
    for (text, message) in [
        ("THINGSPACE_KEY=a\nhush\n", "line 2"),
        ("PASSWORD=hush\n", "line 1"),
        ("export THINGSPACE_PASSWORD=hush\n", "line 1"),
    ] {
        stage.write("all", text);
        let login = bare(&stage, &["--credentials", "all"]);
        ends(&stage, login, 2, message);
    }
    let login = bare(&stage, &["--credentials", "nothing"]);
    ends(&stage, login, 2, "there is no file nothing");
    stage.write("password", "");
    stage
        .run(&["login"])
        .ends_with(2)
        .reports("password is empty");
}

#[test]
fn a_value_that_is_quoted_or_has_a_comment_is_refused_before_it_costs_a_login() {
    let stage = Stage::new();
    stage.is_secret("hush");
    for (value, problem) in [
        ("\"hush\"", "has a quote around it"),
        ("'hush'", "has a quote around it"),
        ("hush # of the fleet", "has a comment after it"),
        ("hush\t# of the fleet", "has a comment after it"),
        ("# hush", "has a comment after it"),
        (" hush", "has a blank around it"),
        ("hush ", "has a blank around it"),
    ] {
        let text = format!(
            "THINGSPACE_KEY={}\nTHINGSPACE_SECRET={}\nTHINGSPACE_USERNAME={}\nTHINGSPACE_PASSWORD={value}\n",
            Simulator::KEY,
            Simulator::SECRET,
            Simulator::USERNAME,
        );
        stage.write("all", &text);
        let mut login = bare(&stage, &["--credentials", "all"]);
        let ran = stage.finish(login.spawn().unwrap()).ends_with(2);
        for part in [
            "THINGSPACE_PASSWORD, in line 4 of all",
            problem,
            "THINGSPACE_PASSWORD_FILE",
        ] {
            assert!(ran.stderr.contains(part), "no {part}: {ran:?}");
        }
    }
    assert_eq!(stage.seen_in_all(), 0);

    // The way out that was named.
    let odd = "\"a#b # c\"";
    let stage = Stage::of(Simulator::new(42).user(Simulator::USERNAME, odd));
    stage.run(&["login"]).succeeds();
    let inner = Stage::of(Simulator::new(42).user(Simulator::USERNAME, "a#b\"c"));
    inner.write("all", "THINGSPACE_PASSWORD=a#b\"c\n");
    let mut login = inner.command(&["login", "--credentials", "all"]);
    login.env_remove("THINGSPACE_PASSWORD_FILE");
    ends(&inner, login, 0, "");
}

#[test]
fn an_environment_is_given_once() {
    let stage = Stage::new();
    stage
        .run(&["login", "--environment", "mock"])
        .ends_with(2)
        .reports("give one of them");
    let mut login = stage.command(&["login"]);
    login.env("THINGSPACE_BASE_URL", "http://thingspace.verizon.com");
    ends(&stage, login, 2, "must be https");
}

#[test]
fn law_9_plain_http_to_another_machine_is_allowed_by_name_and_with_a_warning() {
    let stage = Stage::new();
    // Nothing listens there: only what is said before counts.
    let base = "http://simulator.invalid:4280/api";
    let login = |args: &[&str], variable: Option<&str>| {
        let mut login = stage.command(&[&["login", "--wait", "0"], args].concat());
        login.env("THINGSPACE_BASE_URL", base);
        if let Some(host) = variable {
            login.env("THINGSPACE_INSECURE_HTTP_HOST", host);
        }
        login
    };
    let flag = "--insecure-http-host";
    let warning = "go to http://simulator.invalid:4280/api in the clear";
    ends(&stage, login(&[], None), 2, "must be https");
    let other = login(&[flag, "other.invalid"], None);
    ends(&stage, other, 2, "must be https");
    let named = login(&[flag, "simulator.invalid"], None);
    ends(&stage, named, 4, warning);
    let named = login(&[], Some("simulator.invalid"));
    ends(&stage, named, 4, warning);
    let twice = login(&[flag, "simulator.invalid"], Some("simulator.invalid"));
    ends(&stage, twice, 2, "give one of them");

    // It is no warning where it changes nothing.
    let ran = Stage::new().run(&["login", flag, "simulator.invalid"]);
    assert_eq!(ran.succeeds().stderr, "");
}

#[test]
fn no_argument_takes_a_secret() {
    let stage = Stage::new();
    for name in ["--password", "--secret", "--key", "--username"] {
        stage.run(&["login", name, "x"]).ends_with(2);
    }
}
