//! A client's call, through the session to the service and back.

use std::{error::Error as StdError, pin::pin, time::Instant};

use bytes::{Buf, Bytes, BytesMut};
use http::{
    Method, Request, Response, StatusCode, Version, header::CONTENT_LENGTH, request::Parts,
};
use http_body::Body;
use http_body_util::BodyExt;
use thingspace_core::{Error, ErrorKind, session::Call};
use thingspace_hyper::{Client, Stack, Streamed};
use tokio::time::timeout;

use crate::{
    headers::{clean_request, clean_response},
    path::below,
    problem::Problem,
    rules::Rules,
};

/// Any error of a body.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Reads the body of a client's request, up to the limits.
pub(crate) async fn read<B>(body: B, rules: &Rules) -> Result<Bytes, Problem>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |length| length > rules.max_body) {
        return Err(Problem::body_too_large());
    }
    timeout(rules.body_timeout, read_all(body, rules.max_body))
        .await
        .unwrap_or_else(|_| Err(Problem::body_too_slow()))
}

async fn read_all<B>(body: B, limit: usize) -> Result<Bytes, Problem>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::body_broken())?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        if data.remaining() > limit.saturating_sub(read.len()) {
            return Err(Problem::body_too_large());
        }
        read.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    Ok(read.freeze())
}

/// Makes a client's call, and returns the service's response to it.
pub(crate) async fn forward<S: Stack>(
    client: &Client<S>,
    rules: &Rules,
    head: Parts,
    body: Bytes,
) -> Result<Response<Streamed>, Problem> {
    let is_head = head.method == Method::HEAD;
    // In HTTP/1.0, a body without a length that breaks off looks like a whole one.
    let may_stream = head.version > Version::HTTP_10;
    let attempt_timeout = client.session(|session| session.settings().attempt_timeout);
    let started = Instant::now();
    let mut call = request(client, rules, head, body).and_then(|mut request| {
        if may_stream {
            Streamed::ask(&mut request, attempt_timeout);
        }
        Call::to(request, client.environment())
    });
    let error = match client.respond(&mut call).await {
        Ok(response) => return Ok(given_back(response, is_head)),
        Err(error) => error,
    };
    if let Some(response) = response_of(&error) {
        let mut response = given_back(response, is_head);
        response.extensions_mut().insert(error);
        return Ok(response);
    }
    let had_whole_time = started.elapsed() >= attempt_timeout;
    Err(Problem::of_call(error, had_whole_time))
}

/// The request to the service: that of the client, without what goes no further.
fn request<S: Stack>(
    client: &Client<S>,
    rules: &Rules,
    mut head: Parts,
    body: Bytes,
) -> Result<Request<Bytes>, thingspace_core::RequestError> {
    let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
    head.uri = client.environment().uri(below(target).unwrap_or(target))?;
    head.version = Version::HTTP_11;
    head.extensions.clear();
    clean_request(&mut head.headers, rules.required_name());
    Ok(Request::from_parts(head, body))
}

/// The service's response to the call itself, if an error has one that is whole. (That
/// to a login may hold the password, and the client did not ask for it.)
fn response_of(error: &Error) -> Option<Response<Bytes>> {
    let is_own = error.prerequisite().is_none()
        && matches!(
            error.kind(),
            ErrorKind::Refused(_)
                | ErrorKind::Throttled { .. }
                | ErrorKind::BearerRefused(_)
                | ErrorKind::SessionRefused(_)
        );
    let refusal = error.refusal().filter(|_| is_own)?;
    Some(refusal.response().clone())
}

/// The response as the client gets it.
fn given_back(response: Response<Bytes>, is_head: bool) -> Response<Streamed> {
    let (mut head, body) = Streamed::of(response).into_parts();
    head.version = Version::HTTP_11;
    head.extensions.clear();
    clean_response(&mut head.headers);
    let has_body = !is_head
        && head.status != StatusCode::NO_CONTENT
        && head.status != StatusCode::NOT_MODIFIED;
    if has_body {
        match body.size_hint().exact() {
            Some(length) => head.headers.insert(CONTENT_LENGTH, length.into()),
            None => head.headers.remove(CONTENT_LENGTH),
        };
    }
    Response::from_parts(head, body)
}
