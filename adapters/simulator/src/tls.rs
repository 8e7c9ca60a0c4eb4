//! Connections inside of TLS, where the client and the server agree on a
//! version of HTTP before the first request.

use std::sync::Arc;

use hyper_util::rt::TokioExecutor;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::connection::{self, Builder};
use crate::server::Shared;

/// Serves one connection until either side ends it, if the two can agree.
pub(crate) async fn serve(acceptor: TlsAcceptor, stream: TcpStream, shared: Arc<Shared>) {
    // The client has been told what is wrong, and nobody else is concerned.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let (_, agreed) = stream.get_ref();
    let builder = Builder::new(TokioExecutor::new());
    let builder = if agreed.alpn_protocol() == Some(b"h2") {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    connection::serve(builder, stream, shared).await;
}
