//! The metrics of a session, as Prometheus scrapes them.
//!
//! ```text
//! cargo run --example metrics
//! ```

use std::error::Error;

use bytes::Bytes;
use http::{Request, StatusCode};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use thingspace_metrics::{Metrics, describe};
use thingspace_simulator::{Call, Fault, Server, Simulator};
use thingspace_ureq::{
    Builder, Config,
    core::{AppCredentials, Credentials, SessionBuilder, UserCredentials},
};

/// The buckets of requests and waits, in seconds; few here, so that the page is short.
const BUCKETS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];

fn main() -> Result<(), Box<dyn Error>> {
    // The recorder comes first. A server has an HTTP listener too, by the exporter's
    // feature of that name, or renders at a path of its own.
    let prometheus = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets_for_metric(Matcher::Suffix("duration".to_owned()), &BUCKETS)?
        .install_recorder()?;
    describe();

    let server = Server::start(Simulator::new(42))?;
    let session = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(server.base().parse()?); // leave this out for production
    let metrics = Metrics::new();
    let client = Builder::new(Config::new(session).observer(metrics.clone())).build()?;

    // A session that dies, and a service that is busy: the caller notices neither.
    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    client.call(account.clone())?;
    server.with(Simulator::forget_sessions);
    client.call(account.clone())?;
    let busy = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
    server.with(|service| service.inject(Call::Account, busy));
    client.call(account)?;

    // Before each scrape: the gauges depend on the time.
    client.session(|session| metrics.record(session, client.now()));
    println!("{}", prometheus.render());

    client.log_out()?;
    println!("Logged out.");
    Ok(())
}
