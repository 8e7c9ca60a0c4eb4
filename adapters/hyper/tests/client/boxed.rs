//! Stacks of tower middleware in a box: their clients can be named, and their calls
//! spawned.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{
    BodyExt, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thingspace_hyper::{Builder, Client, Own, Pooled};
use thingspace_scenarios::account;
use tower::{
    ServiceBuilder, ServiceExt,
    util::{BoxCloneService, BoxCloneSyncService},
};

use crate::{
    asynchronous::{Stage, builder},
    over::{BoxError, plain},
};

type Boxed<B> = BoxCloneSyncService<Request<Full<Bytes>>, Response<B>, BoxError>;
type Unsync = Boxed<UnsyncBoxBody<Bytes, BoxError>>;
type Sync = Boxed<BoxBody<Bytes, BoxError>>;

/// A program's own type, with every kind of client in a field.
struct Fleet {
    ready_made: Client<Pooled>,
    unsync: Client<Unsync>,
    sync: Client<Sync>,
    builder: Builder<Own<Unsync>>,
}

/// Boxes hyper-util's client and a middleware that counts its requests.
fn stack<B: 'static>(sent: &Arc<AtomicU64>, box_body: fn(Incoming) -> B) -> Boxed<B> {
    let sent = Arc::clone(sent);
    let count = move |request| {
        sent.fetch_add(1, Ordering::Relaxed);
        request
    };
    let counted = ServiceBuilder::new().map_request(count).service(plain());
    let boxed = counted
        .map_response(move |response: Response<Incoming>| response.map(box_body))
        .map_err(BoxError::from);
    BoxCloneSyncService::new(boxed)
}

fn unsync(body: Incoming) -> UnsyncBoxBody<Bytes, BoxError> {
    body.map_err(BoxError::from).boxed_unsync()
}

fn sync(body: Incoming) -> BoxBody<Bytes, BoxError> {
    body.map_err(BoxError::from).boxed()
}

#[tokio::test]
async fn calls_over_boxed_stacks_are_spawned_and_their_clients_are_named() {
    let stage = Stage::new();
    let sent = Arc::new(AtomicU64::new(0));
    let own =
        |stack| builder(stage.options()).stack(stack, TokioTimer::new(), TokioExecutor::new());
    let fleet = Fleet {
        ready_made: builder(stage.options()).build().unwrap(),
        unsync: own(stack(&sent, unsync)).build().unwrap(),
        sync: builder(stage.options())
            .stack(stack(&sent, sync), TokioTimer::new(), TokioExecutor::new())
            .build()
            .unwrap(),
        builder: own(stack(&sent, unsync)),
    };
    let Fleet {
        ready_made,
        unsync,
        sync,
        builder,
    } = fleet;

    // One after the other: the session of each ends that of the one before.
    let call = tokio::spawn(async move { ready_made.call(account()).await });
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
    let call = tokio::spawn(async move { unsync.call(account()).await });
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
    let call = tokio::spawn(async move { sync.call(account()).await });
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
    assert_eq!(sent.load(Ordering::Relaxed), 6);

    let client = builder.build().unwrap();
    let life = tokio::spawn(async move {
        client.log_in().await?;
        let new = client.request_reset().await?;
        client.confirm_reset(&new).await?;
        client.log_out().await
    });
    assert!(life.await.unwrap().unwrap().is_some());
    assert_eq!(sent.load(Ordering::Relaxed), 10);
    assert_eq!(stage.seen_in_all(), 13);
}

#[tokio::test]
async fn a_stack_that_is_not_sync_is_one_as_well() {
    type Stack = BoxCloneService<Request<Full<Bytes>>, Response<Incoming>, BoxError>;

    let stage = Stage::new();
    let stack: Stack = BoxCloneService::new(plain().map_err(BoxError::from));
    let client: Client<Stack> = builder(stage.options())
        .stack(stack, TokioTimer::new(), TokioExecutor::new())
        .build()
        .unwrap();
    let both = [client.clone(), client].map(|client| {
        // On any thread, and both at once.
        tokio::spawn(async move { client.call(account()).await })
    });
    for call in both {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
}
