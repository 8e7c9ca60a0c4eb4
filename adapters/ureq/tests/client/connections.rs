//! Connections that stay open.

use thingspace_scenarios::{Client, account, devices};
use thingspace_simulator::Call;

use crate::blocking::Stage;

#[test]
fn connections_that_went_stale_cost_nothing() {
    let stage = Stage::new();
    let client = stage.client();
    for request in [account, devices] {
        client.call(request()).unwrap();
        stage.server.close_idle();
        client.call(request()).unwrap();
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::Account), 2);
    assert_eq!(stage.seen(Call::Devices), 2);
}
