//! One HTTP connection to the simulator, whatever it runs over, and how a
//! [`Reply`] looks on it.

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
use crate::line::ends_first;
use crate::refusal::bare;
use crate::server::Shared;

/// Finds out for itself which version of HTTP a client speaks, unless it is
/// told.
pub(crate) type Builder = hyper_util::server::conn::auto::Builder<TokioExecutor>;

/// How long an idle client gets to agree to the end of its connection.
const FAREWELL: Duration = Duration::from_millis(100);

/// Serves one connection until either side ends it. How it ends, cut on
/// purpose or by the client, is nobody's business here.
pub(crate) async fn serve<S>(mut builder: Builder, stream: S, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    // A crowd is served at once, be it over one connection.
    builder.http2().max_concurrent_streams(None);
    // Made before the connection, so that it is dropped after it.
    let line = shared.open_line();
    let service = service_fn(|request| respond(request, Arc::clone(&shared), line.hold()));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    if ends_first(connection.as_mut(), line.told_to_close()).await {
        return;
    }
    connection.as_mut().graceful_shutdown();
    if line.is_idle() {
        // HTTP/2 waits for the client, which may not be running.
        timeout(FAREWELL, connection).await.ok();
    } else {
        connection.await.ok();
    }
}

/// Answers one request, or cuts it off; it holds its line until that is done.
async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    line: Arc<Notify>,
) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let Some(body) = read(body).await? else {
        let refusal = bare(StatusCode::PAYLOAD_TOO_LARGE);
        return Ok(refusal.map(|bytes| Body::whole(bytes, line)));
    };
    let request = Request::from_parts(head, body);
    let now = shared.now();
    match shared.with(|simulator| simulator.answer(now, &request)) {
        Reply::Answer(response) => Ok(response.map(|bytes| Body::whole(bytes, line))),
        Reply::Late(delay, response) => {
            sleep(delay).await;
            Ok(response.map(|bytes| Body::whole(bytes, line)))
        }
        Reply::Last(response) => {
            line.notify_one();
            // The connection says so before it answers.
            yield_now().await;
            Ok(response.map(|bytes| Body::whole(bytes, line)))
        }
        Reply::CutShort(response) => Ok(response.map(|bytes| Body::cut_short(&bytes, line))),
        Reply::Endless(response) => Ok(response.map(|bytes| Body::endless(bytes, line))),
        Reply::Dropped => Err(Cut::Broken),
        Reply::Refused => Err(Cut::Refused(h2::Reason::REFUSED_STREAM.into())),
        Reply::Hung => std::future::pending().await,
    }
}
