//! A web service on axum whose instances share one session on PostgreSQL: one login for
//! all of them, a route for health checks, and an end that breaks off nothing.
//!
//! ```text
//! export THINGSPACE_STORE=postgres://user:password@127.0.0.1/database
//! cargo run -p thingspace-example-postgres-axum --example postgres_axum
//! ```
//!
//! It makes the table `thingspace_session`, unless it is there. One container is enough:
//! `docker run --rm -e POSTGRES_PASSWORD=secret -p 5432:5432 postgres`.

mod story;

use std::{error::Error, future::IntoFuture, process::ExitCode, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::get,
};
use thingspace_hyper::{
    Builder, Client, Pooled,
    core::{
        self, AppCredentials, Credentials, SessionBuilder, UserCredentials,
        api::accounts::GetAccountInformation,
    },
};
use thingspace_postgres::Postgres;
use thingspace_simulator::{Server, Simulator};
use tokio::{net::TcpListener, sync::watch, time::timeout};

type BoxError = Box<dyn Error + Send + Sync>;

/// The time that requests in progress have at the end.
const LAST: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = story::play().await else {
        return ExitCode::SUCCESS;
    };
    eprintln!("{error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

/// Returns a client for an instance: all of them have the same store.
fn client(service: &Server, store: &Postgres) -> Result<Client<Pooled>, BoxError> {
    let session = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(service.base().parse()?); // leave this out for production
    let store = store.clone().store()?;
    Ok(Builder::new(session).store(store).build()?)
}

/// Serves one instance until it is stopped.
async fn serve(
    socket: TcpListener,
    client: Client<Pooled>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), BoxError> {
    let app = Router::new()
        .route("/organization", get(organization))
        .route("/health", get(health))
        .with_state(client.clone());
    let mut stopping = stopped.clone();
    // In place of `stopped`, await your service manager's signal.
    let serving = axum::serve(socket, app).with_graceful_shutdown(async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    });
    let serving = tokio::spawn(serving.into_future());
    let _ = stopping.wait_for(|stopped| *stopped).await;
    timeout(LAST, serving).await???;
    // What a response has brought is saved beside the calls: wait for that. There is no
    // logout, since the other instances use the session.
    client.sync().await?;
    Ok(())
}

/// Responds with the organization that the account belongs to.
async fn organization(State(client): State<Client<Pooled>>) -> Result<String, Failure> {
    let account = GetAccountInformation::new(Simulator::ACCOUNT);
    let account = client.call(account).await.map_err(Failure)?.into_body();
    Ok(account.organization_name.unwrap_or_default())
}

/// Responds to health checks by what this instance knows: a check makes no call.
///
/// Alert on it, but do not let it restart anything: the login guard is in the store, and
/// a new process finds it blocked as well.
async fn health(State(client): State<Client<Pooled>>) -> (StatusCode, &'static str) {
    match client.session(|session| session.login_guard().blocked) {
        None => (StatusCode::OK, "logins are allowed"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "logins are blocked"),
    }
}

/// A call that failed, as a response. The reason is for the log alone.
struct Failure(core::Error);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        eprintln!("{error}.");
        if let Some(at) = error.retry_at() {
            let seconds = at.since(std::time::SystemTime::now().into()).as_secs() + 1;
            let after = [(RETRY_AFTER, seconds.to_string())];
            return (StatusCode::SERVICE_UNAVAILABLE, after).into_response();
        }
        let status = match error.outcome() {
            _ if error.is_not_found() => StatusCode::NOT_FOUND,
            core::Outcome::NeverSent => StatusCode::SERVICE_UNAVAILABLE,
            core::Outcome::Refused => StatusCode::BAD_GATEWAY,
            core::Outcome::Unknown => StatusCode::GATEWAY_TIMEOUT,
        };
        status.into_response()
    }
}
