//! One HTTP connection to the simulator, over any stream, and the translation of
//! a [`Reply`] to HTTP.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::Reply;
use crate::body::{Body, read};
use crate::cut::Cut;
use crate::refusal::bare;
use crate::shared::Shared;
use crate::tracker::ends_first;

/// The builder of a connection. It detects the version of HTTP, unless one is
/// set.
pub(crate) type Builder = hyper_util::server::conn::auto::Builder<TokioExecutor>;

/// The time that an idle client has to confirm the end of its connection.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// Serves one connection until either side ends it. Errors are ignored: the
/// client may cut the connection, and so may a fault.
pub(crate) async fn serve<S>(mut builder: Builder, stream: S, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    // Many requests are served at once, even over one connection.
    builder.http2().max_concurrent_streams(None);
    // Declared before the connection, so that it is dropped after it.
    let tracked = shared.track_connection();
    let service = service_fn(|request| respond(request, Arc::clone(&shared), tracked.hold()));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    if ends_first(connection.as_mut(), tracked.close_requested()).await {
        return;
    }
    connection.as_mut().graceful_shutdown();
    if tracked.is_idle() {
        // HTTP/2 waits for the client, whose runtime may not be running.
        timeout(CLOSE_TIMEOUT, connection).await.ok();
    } else {
        connection.await.ok();
    }
}

/// Responds to one request, or cuts it off. While it holds `busy`, the
/// connection is busy.
async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    busy: Arc<Notify>,
) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let Some(body) = read(body).await? else {
        let refusal = bare(StatusCode::PAYLOAD_TOO_LARGE);
        return Ok(refusal.map(|bytes| Body::whole(bytes, busy)));
    };
    let request = Request::from_parts(head, body);
    match shared.respond(&request) {
        Reply::Response(response) => Ok(response.map(|bytes| Body::whole(bytes, busy))),
        Reply::Late(delay, response) => {
            sleep(delay).await;
            Ok(response.map(|bytes| Body::whole(bytes, busy)))
        }
        Reply::Last(response) => {
            busy.notify_one();
            // Lets the connection announce its end before the response.
            yield_now().await;
            Ok(response.map(|bytes| Body::whole(bytes, busy)))
        }
        Reply::CutShort(response) => {
            Ok(response.map(|bytes| Body::cut_short(&bytes, Cut::Broken, busy)))
        }
        Reply::RefusedMidway(response) => {
            Ok(response.map(|bytes| Body::cut_short(&bytes, refused(), busy)))
        }
        Reply::Stalled(response) => Ok(response.map(|bytes| Body::stalled(&bytes, busy))),
        Reply::Endless(response) => Ok(response.map(|bytes| Body::endless(bytes, busy))),
        Reply::Dropped => Err(Cut::Broken),
        Reply::Refused => Err(refused()),
        Reply::Hung => std::future::pending().await,
    }
}

fn refused() -> Cut {
    Cut::Refused(h2::Reason::REFUSED_STREAM.into())
}
