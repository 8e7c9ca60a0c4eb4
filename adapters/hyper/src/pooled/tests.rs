//! The pool over connections in memory.

use std::{
    convert::Infallible,
    future::{pending, ready},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use futures_lite::future::poll_once;
use hyper::{body::Incoming, server, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{Barrier, mpsc},
    task::JoinSet,
    time::{advance, pause, timeout},
};

use super::*;

/// The other ends of connections.
type Arrivals = mpsc::UnboundedReceiver<DuplexStream>;

/// Returns a pool of connections in memory, and their other ends. If it needs more than
/// these, it gets none.
fn network(is_http2: bool, connections: usize) -> (Pooled, Arrivals) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let made = AtomicUsize::new(0);
    let connect = move |_| -> Connecting {
        if made.fetch_add(1, Relaxed) >= connections {
            return Box::pin(pending());
        }
        let (near, far) = duplex(1024);
        arrived.send(far).unwrap();
        let host = HeaderValue::from_static("thingspace.example");
        let connecting = Connection::new(TokioIo::new(near), is_http2, host);
        Box::pin(async { Ok(connecting.await?) })
    };
    (pool(connect), arrivals)
}

const PLACE: &str = "https://thingspace.example/api/m2m/v1/devices?page=2";

fn request() -> Request<Full<Bytes>> {
    Request::get(PLACE).body(Full::default()).unwrap()
}

/// Makes a call, and reads its response to the end.
async fn call(pool: &Pooled) -> Result<Bytes, BoxError> {
    let response = pool.clone().call(request()).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

/// Reads the head of a request; `None` at the end of the connection.
async fn heard(stream: &mut DuplexStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.ok()?;
        head.push(byte);
    }
    Some(String::from_utf8(head).unwrap())
}

async fn say(stream: &mut DuplexStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Responds to each request until the connection ends. Returns their number.
async fn serve(mut stream: DuplexStream) -> usize {
    let mut served = 0;
    while heard(&mut stream).await.is_some() {
        say(&mut stream, OK).await;
        served += 1;
    }
    served
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_response_was_read() {
    let (pool, mut arrivals) = network(false, 2);
    let server = async {
        let mut stream = arrivals.recv().await.unwrap();
        for _ in 0..3 {
            let head = heard(&mut stream).await.unwrap();
            assert!(head.starts_with("GET /api/m2m/v1/devices?page=2 HTTP/1.1\r\n"));
            assert!(head.contains("\r\nhost: thingspace.example\r\n"), "{head}");
            say(&mut stream, OK).await;
        }
    };
    let calls = async {
        for _ in 0..3 {
            assert_eq!(call(&pool).await.unwrap(), "ok");
        }
    };
    tokio::join!(server, calls);
    assert!(arrivals.is_empty());
}

#[tokio::test]
async fn a_response_that_is_not_read_to_its_end_closes_its_connection() {
    let (pool, mut arrivals) = network(false, 2);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe beginning";
    let server = async {
        let mut stream = arrivals.recv().await.unwrap();
        heard(&mut stream).await.unwrap();
        say(&mut stream, head).await;
        assert_eq!(heard(&mut stream).await, None);
    };
    let calls = async { drop(pool.clone().call(request()).await.unwrap()) };
    tokio::join!(server, calls);

    let server = async { serve(arrivals.recv().await.unwrap()).await };
    let calls = async {
        call(&pool).await.unwrap();
        drop(pool);
    };
    assert_eq!(tokio::join!(server, calls).0, 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection_alone() {
    let (pool, mut arrivals) = network(false, 2);
    let mut dropped = Box::pin(call(&pool));
    assert!(poll_once(&mut dropped).await.is_none());
    let mut first = arrivals.recv().await.unwrap();
    let head = async { heard(&mut first).await.unwrap() };
    tokio::select! {
        _ = &mut dropped => unreachable!("it has no response yet"),
        _ = head => {}
    }

    let other = call(&pool);
    let server = async {
        let mut second = arrivals.recv().await.unwrap();
        heard(&mut second).await.unwrap();
        drop(dropped);
        assert_eq!(heard(&mut first).await, None);
        say(&mut second, OK).await;
    };
    assert_eq!(tokio::join!(server, other).1.unwrap(), "ok");
    assert!(arrivals.is_empty());
}

#[tokio::test]
async fn a_call_that_waits_for_a_connection_takes_one_that_is_returned() {
    let (pool, mut arrivals) = network(false, 1);
    let mut crowd = JoinSet::new();
    for _ in 0..1000 {
        let pool = pool.clone();
        crowd.spawn(async move { call(&pool).await.unwrap() });
    }
    let server = serve(arrivals.recv().await.unwrap());
    let calls = async {
        assert_eq!(crowd.join_all().await.len(), 1000);
        drop(pool);
    };
    assert_eq!(tokio::join!(server, calls).0, 1000);
}

#[tokio::test]
async fn ten_thousand_calls_share_one_connection_of_http_2() {
    let (pool, mut arrivals) = network(true, 1);
    let mut crowd = JoinSet::new();
    for _ in 0..10_000 {
        let pool = pool.clone();
        crowd.spawn(async move { call(&pool).await.unwrap() });
    }
    let count = Arc::new(AtomicUsize::new(0));
    let server = serve_http2(arrivals.recv().await.unwrap(), Arc::clone(&count));
    let calls = async {
        assert_eq!(crowd.join_all().await.len(), 10_000);
        // No call is left, and the pool is the last to hold the connection.
        drop(pool);
    };
    tokio::join!(server, calls);
    assert_eq!(count.load(Relaxed), 10_000);
}

/// Responds over HTTP/2 until the connection ends.
async fn serve_http2(stream: DuplexStream, served: Arc<AtomicUsize>) {
    let respond = service_fn(move |_| {
        served.fetch_add(1, Relaxed);
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("ok"))) }
    });
    server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), respond)
        .await
        .ok();
}

#[tokio::test(start_paused = true)]
async fn requests_over_http_2_are_in_flight_together() {
    let (pool, mut arrivals) = network(true, 1);
    let both = Arc::new(Barrier::new(2));
    let respond = service_fn(move |request: Request<Incoming>| {
        assert_eq!(request.uri(), PLACE);
        let both = Arc::clone(&both);
        async move {
            both.wait().await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("ok")))
        }
    });
    let server = async {
        let stream = TokioIo::new(arrivals.recv().await.unwrap());
        let server = server::conn::http2::Builder::new(TokioExecutor::new());
        server.serve_connection(stream, respond).await.ok();
    };
    let calls = async {
        let both = async { tokio::join!(call(&pool), call(&pool)) };
        let (first, second) = timeout(IDLE, both).await.expect("one waits for the other");
        assert_eq!(
            (first.unwrap(), second.unwrap()),
            ("ok".into(), "ok".into())
        );
        drop(pool);
    };
    tokio::join!(server, calls);
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_is_closed() {
    for is_http2 in [false, true] {
        let (pool, mut arrivals) = network(is_http2, 1);
        let server = async {
            let stream = arrivals.recv().await.unwrap();
            if is_http2 {
                serve_http2(stream, Arc::default()).await;
            } else {
                serve(stream).await;
            }
        };
        let call = async { call(&pool).await.unwrap() };
        let both = async { tokio::join!(server, call) };
        timeout(2 * IDLE, both).await.expect("it is not closed");
        drop(pool);
    }
}

#[tokio::test]
async fn a_connection_that_was_unused_for_too_long_is_not_used_again() {
    let (pool, mut arrivals) = network(false, 2);
    let shortly = IDLE / 10 * 9;
    let server = async {
        let mut served = Vec::new();
        while let Some(stream) = arrivals.recv().await {
            served.push(serve(stream).await);
        }
        served
    };
    let calls = async {
        call(&pool).await.unwrap();
        pause();
        advance(shortly).await;
        call(&pool).await.unwrap();
        // Before the pool is cleaned again.
        advance(shortly).await;
        call(&pool).await.unwrap();
        advance(IDLE).await;
        call(&pool).await.unwrap();
        drop(pool);
    };
    assert_eq!(tokio::join!(server, calls).0, [3, 1]);
}

#[tokio::test]
async fn a_connection_that_ended_while_it_was_unused_is_not_used_again() {
    let (pool, mut arrivals) = network(false, 2);
    let server = async {
        let mut first = arrivals.recv().await.unwrap();
        heard(&mut first).await.unwrap();
        say(&mut first, OK).await;
        first
    };
    let (first, response) = tokio::join!(server, call(&pool));
    response.unwrap();
    drop(first);

    // hyper has not seen its end yet, and gives the request back.
    let server = async { serve(arrivals.recv().await.unwrap()).await };
    let calls = async {
        assert_eq!(call(&pool).await.unwrap(), "ok");
        drop(pool);
    };
    assert_eq!(tokio::join!(server, calls).0, 1);
}

#[tokio::test]
async fn a_request_for_which_no_connection_can_be_made_was_never_sent() {
    let pool = pool(|_| Box::pin(ready(Err("no route".into()))));
    let error = call(&pool).await.unwrap_err();
    let error = error.downcast::<TransportError>().unwrap();
    assert!(!error.may_have_left());
}

#[tokio::test]
async fn a_call_may_be_dropped_where_there_is_no_runtime() {
    let (pool, mut arrivals) = network(false, 2);
    let mut dropped = Box::pin({
        let pool = pool.clone();
        async move { call(&pool).await.unwrap() }
    });
    assert!(poll_once(&mut dropped).await.is_none());
    std::thread::spawn(|| drop(dropped)).join().unwrap();
    drop(arrivals.recv().await.unwrap());
    let server = async { serve(arrivals.recv().await.unwrap()).await };
    let calls = async {
        assert_eq!(call(&pool).await.unwrap(), "ok");
        drop(pool);
    };
    assert_eq!(tokio::join!(server, calls).0, 1);
}
