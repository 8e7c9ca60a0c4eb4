//! The store: a file or a server, and the addresses that are refused.

use std::process::Command;

use thingspace_simulator::Call;

use crate::stage::*;

/// The program with this store, and without `--state`.
fn stored(stage: &Stage, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thingspace"));
    stage.furnish(&mut command);
    command.args(args);
    command
}

fn run(stage: &Stage, args: &[&str]) -> Ran {
    stage.finish(stored(stage, args).spawn().unwrap())
}

#[test]
fn a_file_may_be_named_as_the_store() {
    let stage = Stage::new();
    let path = stage.state();
    let path = path.to_str().unwrap();
    for store in [
        path.to_owned(),
        format!("file:{path}"),
        format!("file://{path}"),
    ] {
        run(&stage, &["login", "--store", &store]).succeeds();
        let mut command = stored(&stage, &["login"]);
        command.env("THINGSPACE_STORE", &store);
        stage.finish(command.spawn().unwrap()).succeeds();
    }
    stage.run(&["login"]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 1);
    run(&stage, &["status", "--store", path]).prints(path);
}

#[test]
fn a_store_that_is_given_twice_is_refused() {
    let stage = Stage::new();
    let path = stage.state();
    let path = path.to_str().unwrap();
    run(&stage, &["login", "--store", path, "--state", path])
        .ends_with(2)
        .reports("given twice");
    let mut command = stored(&stage, &["login", "--store", path]);
    command.env("THINGSPACE_STORE", path);
    stage.finish(command.spawn().unwrap()).ends_with(2);
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn law_10_a_password_among_the_arguments_is_refused_and_not_repeated() {
    let stage = Stage::new();
    stage.is_secret("hush-hush");
    for address in [
        "postgres://fleet:hush-hush@db.example/app",
        "redis://:hush-hush@cache.example",
        "postgres://db.example/app?password=hush-hush",
    ] {
        run(&stage, &["login", "--store", address])
            .ends_with(2)
            .reports("THINGSPACE_STORE_PASSWORD");
    }
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn a_server_that_can_not_be_reached_is_named_without_its_password() {
    let stage = Stage::new();
    stage.is_secret("hush-hush");
    let mut command = stored(&stage, &["login"]);
    command
        .env("THINGSPACE_STORE", "postgres://fleet@127.0.0.1:1/app")
        .env("THINGSPACE_STORE_PASSWORD", "hush-hush");
    stage
        .finish(command.spawn().unwrap())
        .ends_with(4)
        .reports("PostgreSQL at 127.0.0.1:1/app");
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let stage = Stage::new();
    run(
        &stage,
        &["login", "--store", "postgres://db.example/?sslmode=perhaps"],
    )
    .ends_with(2)
    .reports("no address of a PostgreSQL database");
}

#[test]
fn a_session_is_sealed_with_the_key_in_a_file() {
    const KEY: &str = "6b1e3c0b0f5d4f7c9c1f7e3a5d2b8e4f0a9c8b7d6e5f4a3b2c1d0e9f8a7b6c5d";
    let stage = Stage::new();
    stage.is_secret(KEY);
    let key = stage.write("key", KEY);
    let run = |args: &[&str], variable: &str, value: &str| {
        let mut command = stage.command(args);
        command.env(variable, value);
        stage.finish(command.spawn().unwrap())
    };
    let sealed = |args: &[&str]| run(args, "THINGSPACE_STORE_KEY_FILE", key.to_str().unwrap());
    sealed(&["login"]).succeeds();
    sealed(&["call", "GET", ACCOUNT]).prints("accountName");
    sealed(&["status"]).prints("open since");
    assert_eq!(stage.seen(Call::LogIn), 1);
    let saved = stage.read("state/session.json").unwrap();
    assert!(saved.starts_with("{\"thingspace-sealed-1\""), "{saved}");

    // Without the key, or with one that seals nothing, there is no session to be had.
    stage.run(&["login"]).ends_with(2).reports("sealed");
    run(&["login"], "THINGSPACE_STORE_KEY", KEY)
        .ends_with(2)
        .reports("THINGSPACE_STORE_KEY_FILE");
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.read("state/session.json").unwrap(), saved);
}

#[cfg(feature = "servers")]
mod servers {
    use thingspace_fleet::{Postgres, Redis};

    use super::*;

    /// Shares a session through a server, which is killed and restarted.
    fn share(address: &str, name: &str, kill: impl Fn(), restart: impl Fn()) {
        let stage = Stage::new();
        let run = |args: &[&str]| {
            let mut command = stored(&stage, args);
            command.env("THINGSPACE_STORE", address);
            stage.finish(command.spawn().unwrap())
        };
        run(&["login"]).succeeds();
        run(&["call", "GET", ACCOUNT]).prints("accountName");
        run(&["status"]).prints(name).prints("open since");
        assert_eq!(stage.seen(Call::LogIn), 1);
        run(&["logout"]).succeeds();
        assert_eq!(stage.done(Call::LogOut), 1);

        kill();
        run(&["login"]).ends_with(4).reports(name);
        restart();
        run(&["login"]).succeeds();
        assert_eq!(stage.seen(Call::LogIn), 2);
        assert!(!stage.at("state").exists());
    }

    #[test]
    fn many_machines_share_a_session_in_postgresql() {
        let server = Postgres::start();
        let (kill, restart) = (|| server.kill(), || server.restart());
        share(&server.address(), "PostgreSQL at 127.0.0.1", kill, restart);
    }

    #[test]
    fn many_machines_share_a_session_in_redis() {
        let server = Redis::start();
        let (kill, restart) = (|| server.kill(), || server.restart());
        share(&server.address(), "Redis at 127.0.0.1", kill, restart);
    }
}
