//! The cost of many calls that wait for one login.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use crate::{
    median,
    memory::{Memory, account},
};

const ROUNDS: usize = 9;

pub(crate) fn show() {
    println!("| calls that wait for one login | ns each to begin to wait | ns each to go on |");
    println!("| ---: | ---: | ---: |");
    for number in [100, 1_000, 10_000] {
        let rounds: Vec<_> = (0..ROUNDS).map(|_| round(number)).collect();
        let begin = median(rounds.iter().map(|(begin, _)| *begin).collect());
        let go_on = median(rounds.iter().map(|(_, go_on)| *go_on).collect());
        println!("| {number} | {begin:.0} | {go_on:.0} |");
    }
}

/// The time that it takes each of so many calls to find that it has to wait, and to
/// be done once the login is: each is looked at once.
fn round(number: u32) -> (f64, f64) {
    let memory = Memory::default();
    let client = memory.client();
    memory.hold_logins(true);
    let context = &mut Context::from_waker(Waker::noop());
    let mut carrier = pin!(client.call(account()));
    assert!(carrier.as_mut().poll(context).is_pending());
    let mut calls: Vec<_> = (0..number)
        .map(|_| Box::pin(client.call(account())))
        .collect();

    let start = Instant::now();
    for call in &mut calls {
        assert!(call.as_mut().poll(context).is_pending());
    }
    let begin = start.elapsed();

    memory.hold_logins(false);
    assert!(carrier.poll(context).is_ready());
    let start = Instant::now();
    for call in &mut calls {
        let Poll::Ready(response) = call.as_mut().poll(context) else {
            panic!("it waits once more");
        };
        response.unwrap();
    }
    let go_on = start.elapsed();
    let each = |took: std::time::Duration| took.as_secs_f64() * 1e9 / f64::from(number);
    (each(begin), each(go_on))
}
