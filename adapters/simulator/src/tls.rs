//! Connections over TLS. The client and the server negotiate the version of HTTP
//! in the handshake.

use std::sync::Arc;

use hyper_util::rt::TokioExecutor;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::connection::{self, Builder};
use crate::shared::Shared;

/// Serves one connection until either side ends it, or the handshake fails.
pub(crate) async fn serve(acceptor: TlsAcceptor, stream: TcpStream, shared: Arc<Shared>) {
    // The handshake has sent the reason to the client. Nobody else needs it.
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
