//! The service: the simulator in memory, served by smol on a loopback port.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use smol::net::TcpListener;
use smol_hyper::rt::FuturesIo;
use thingspace_simulator::Simulator;

use crate::BoxError;

/// Starts to serve the simulator until the program ends. Returns its base address.
pub(crate) async fn start(simulator: Simulator) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/api", listener.local_addr()?);
    let simulator = Arc::new(Mutex::new(simulator));
    smol::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let simulator = Arc::clone(&simulator);
            let service = service_fn(move |request| respond(Arc::clone(&simulator), request));
            smol::spawn(http1::Builder::new().serve_connection(FuturesIo::new(stream), service))
                .detach();
        }
    })
    .detach();
    Ok(base)
}

async fn respond(
    simulator: Arc<Mutex<Simulator>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BoxError> {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, body.collect().await?.to_bytes());
    let mut simulator = simulator.lock().unwrap_or_else(PoisonError::into_inner);
    let reply = simulator.respond(SystemTime::now().into(), &request);
    Ok(reply.into_response().ok_or("no response")?.map(Full::new))
}
