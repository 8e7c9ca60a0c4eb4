//! A stage for the tests: a simulated ThingSpace, a proxy before it, and clients that
//! write HTTP by hand.

use std::{
    io::{Read, Write},
    net::{self, SocketAddr},
    ops::ControlFlow,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use thingspace_proxy::{
    Drained, Listener, Proxy, Rules, Server,
    core::Environment,
    thingspace_hyper::{Builder, Client, Pooled},
};
use thingspace_scenarios as scenarios;
use thingspace_simulator::Simulator;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

/// The service, and the time.
pub(crate) type Stage = scenarios::Stage<()>;

pub(crate) const ACCOUNT: &str = "/api/m2m/v1/accounts/0000123456-00001";
pub(crate) const DEVICES: &str = "/api/m2m/v1/devices/actions/list";

/// Returns a client of the stage's service, which backs off for moments.
pub(crate) fn client(stage: &Stage) -> Client<Pooled> {
    let options = stage.options();
    Builder::new(options.into_config()).build().unwrap()
}

/// A service that opens sessions by itself, and gives every other request to `act`,
/// which may take the connection over.
pub(crate) fn service(
    act: impl Fn(String, &mut net::TcpStream) -> ControlFlow<()> + Send + Sync + 'static,
) -> Environment {
    scenarios::connections_to(move |mut stream| {
        let mut bytes = [0; 8192];
        loop {
            let length = stream.read(&mut bytes).unwrap_or(0);
            if length == 0 {
                return;
            }
            let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let body = if request.contains("/oauth2/token") {
                r#"{"access_token":"true-bearer","token_type":"Bearer","expires_in":3600}"#
            } else if request.contains("/session/login") {
                r#"{"sessionToken":"true-session"}"#
            } else {
                match act(request, &mut stream) {
                    ControlFlow::Continue(()) => continue,
                    ControlFlow::Break(()) => return,
                }
            };
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
        }
    })
}

/// A proxy that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    end: oneshot::Sender<()>,
    server: JoinHandle<Drained>,
}

impl Running {
    /// Runs a proxy on a free port.
    pub(crate) fn new(stage: &Stage, rules: Rules) -> Self {
        Self::of(Server::new(Proxy::new(client(stage), rules)))
    }

    /// Runs this server on a free port.
    pub(crate) fn of(server: Server<Proxy<Pooled>>) -> Self {
        Self::on(server, Listener::loopback(0).unwrap())
    }

    /// Runs this server on this listener.
    pub(crate) fn on(server: Server<Proxy<Pooled>>, listener: Listener) -> Self {
        let address = listener.address();
        let (end, ended) = oneshot::channel();
        let server = server.run(listener, async { ended.await.unwrap_or_default() });
        Self {
            address: address.unwrap_or_else(|| ([127, 0, 0, 1], 0).into()),
            end,
            server: tokio::spawn(server),
        }
    }

    /// Ends it as an operator does.
    pub(crate) async fn end(self) -> Drained {
        self.end.send(()).unwrap();
        self.server.await.unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request with these further headers, each with its line end.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let host = self.address;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.send_raw(request.as_bytes()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", "").await
    }

    pub(crate) async fn post(&self, path: &str) -> Reply {
        self.send("POST", path, "content-type: application/json\r\n", "{}")
            .await
    }

    /// Sends exactly this, and reads to the end of the connection.
    pub(crate) async fn send_raw(&self, request: &[u8]) -> Reply {
        exchange(self.connect().await, request).await
    }
}

/// Sends exactly this, and reads to the end of the connection.
pub(crate) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> Reply {
    stream.write_all(request).await.unwrap();
    Reply::read(stream).await
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// Reads to the end of the connection. A proxy that hangs up while more is sent may
    /// have it reset.
    pub(crate) async fn read(mut stream: impl AsyncRead + Unpin) -> Self {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let _ = tokio::time::timeout(Duration::from_secs(60), read)
            .await
            .expect("an end within a minute");
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value.trim()).unwrap())
        });
        Self {
            status: status.map_or(0, |status| status.parse().unwrap()),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that it is a response of the service's, with this status.
    #[track_caller]
    pub(crate) fn expect_response(self, status: u16) -> Self {
        let mark = self.headers.get("thingspace-proxy-error");
        assert_eq!((self.status, mark), (status, None), "{self:?}");
        self
    }

    /// Asserts that it is an error of the proxy's own.
    #[track_caller]
    pub(crate) fn expect_error(self, status: u16, kind: &str, outcome: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        let mark = self.headers.get("thingspace-proxy-error");
        assert_eq!(mark.unwrap(), kind, "{self:?}");
        let error = &self.json()["error"];
        assert_eq!(error["kind"], kind, "{self:?}");
        assert_eq!(error["outcome"], outcome, "{self:?}");
        assert!(error["message"].is_string(), "{self:?}");
        for secret in [Simulator::SECRET, Simulator::PASSWORD] {
            assert!(!self.body.contains(secret), "{self:?}");
        }
        self
    }
}
