//! A timer of the caller's own: it decides when time has passed.

use std::{future::pending, time::Duration};

use futures_lite::future::block_on;
use http::HeaderValue;
use thingspace_hyper::core::session;
use thingspace_scenarios::{account, devices, settings};
use thingspace_simulator::{Call, Fault};

use crate::{executors::Lazy, memory::Memory, over::StackFn};

#[test]
fn law_12_a_stack_that_never_responds_is_given_up_when_the_timer_says_so() {
    let memory = Memory::new();
    let hangs = StackFn::new({
        let memory = memory.clone();
        move |request| {
            let memory = memory.clone();
            async move {
                if request.uri().path().ends_with("/list") {
                    pending::<()>().await;
                }
                memory.respond(request).await
            }
        }
    });
    let client = memory.client_over(hangs);
    let start = memory.now();
    let error = block_on(client.call(devices())).unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(memory.now().since(start), settings().attempt_timeout);
}

#[test]
fn a_backoff_is_over_when_the_timer_says_so() {
    let memory = Memory::new();
    let client = memory.client_over(memory.stack());
    let throttled = Fault::Throttled {
        retry_after: Some(HeaderValue::from_static("45")),
    };
    memory.with(|service| service.inject(Call::Devices, throttled));
    let start = memory.now();
    block_on(client.call(devices())).unwrap();
    assert!(memory.now().since(start) >= Duration::from_secs(45));
}

#[test]
fn law_12_a_deadline_is_over_when_the_timer_says_so() {
    let memory = Memory::new();
    let client = memory.client_on(memory.stack(), Lazy::after(0));
    let deadline = memory.now() + Duration::from_secs(5);
    let environment = client.session(|session| session.environment().clone());
    let call = session::Call::to(account(), &environment).unwrap();
    let call = call.with_deadline(deadline);
    let error = block_on(client.run(call)).unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    assert_eq!(memory.now(), deadline);
}
