//! A ThingSpace that sends a few messages, over a real socket.

use std::{io, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use thingspace_core::callback::{Listener, ListenerCredentials};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::oneshot,
    time::{sleep, timeout},
};

use crate::BoxError;

/// The time within which a listener that is stopped takes no more connections.
const LONGEST_STOP: Duration = Duration::from_secs(20);

const USERNAME: &str = "listener";
const PASSWORD: &str = "drowssap";

/// The listener as it was registered with this ThingSpace.
pub fn registered() -> Result<Listener, BoxError> {
    Ok(Listener::new(ListenerCredentials::new(USERNAME, PASSWORD)?))
}

/// Sends the listener at this address what ThingSpace sends, and what others may send.
/// Stops it while a message is on its way: that one is accepted, and none after it.
pub async fn play(listener: SocketAddr, stop: oneshot::Sender<()>) -> Result<(), BoxError> {
    let send = |what, path, body| send(listener, what, path, body);
    send("a device was activated", "/carrier", activated(PASSWORD, 1)).await?;
    send("the same, sent again", "/carrier", activated(PASSWORD, 2)).await?;
    send("data of a device", "/nidd", nidd_data()).await?;
    send("a wrong password", "/carrier", activated("guess", 1)).await?;

    let late = Sending::begin(listener, "/carrier", &failed()).await?;
    // The channel is closed if the listener has stopped already.
    let _ = stop.send(());
    timeout(LONGEST_STOP, refuses_connections(listener)).await?;
    println!("   the listener takes no more connections");
    let status = late.end().await?;
    println!("{status} for a failure, on its way when the listener was stopped");
    Ok(())
}

async fn refuses_connections(listener: SocketAddr) {
    while TcpStream::connect(listener).await.is_ok() {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn send(listener: SocketAddr, what: &str, path: &str, body: Value) -> Result<(), BoxError> {
    let status = Sending::begin(listener, path, &body).await?.end().await?;
    println!("{status} for {what}");
    Ok(())
}

/// A request whose head is sent, and whose body the listener waits for.
struct Sending {
    stream: BufReader<TcpStream>,
    body: String,
}

impl Sending {
    async fn begin(listener: SocketAddr, path: &str, body: &Value) -> io::Result<Self> {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {listener}\r\nconnection: close\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        let mut stream = BufReader::new(TcpStream::connect(listener).await?);
        stream.write_all(head.as_bytes()).await?;
        // "HTTP/1.1 100 Continue", and an empty line.
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        stream.read_line(&mut line).await?;
        Ok(Self { stream, body })
    }

    /// Sends the body, and returns the status of the response.
    async fn end(mut self) -> Result<String, BoxError> {
        self.stream.write_all(self.body.as_bytes()).await?;
        let mut response = String::new();
        self.stream.read_to_string(&mut response).await?;
        let status = response.split(' ').nth(1).ok_or("no response")?;
        Ok(status.to_owned())
    }
}

fn activated(password: &str, callback_count: u8) -> Value {
    json!({
        "username": USERNAME,
        "password": password,
        "requestId": "d1f08526-5443-4054-9a29-4456490ea9f8",
        "deviceIds": [{"id": "990000473475989", "kind": "imei"}],
        "deviceResponse": {"activateResponse": {
            "deviceIds": [
                {"id": "990000473475989", "kind": "imei"},
                {"id": "9085551234", "kind": "mdn"},
            ],
            "servicePlan": "M2M_4G",
            "state": "Active",
        }},
        "status": "Success",
        "callbackCount": callback_count,
        "maxCallbackThreshold": 4,
    })
}

fn failed() -> Value {
    json!({
        "username": USERNAME,
        "password": PASSWORD,
        "requestId": "595f5c44-c31c-4552-8670-020a1545a84d",
        "deviceIds": [{"id": "990000473475997", "kind": "imei"}],
        "faultResponse": {
            "faultcode": "REQUEST_FAILED.UnexpectedError",
            "faultstring": "The device is on another account.",
        },
        "status": "Failed",
        "callbackCount": 1,
        "maxCallbackThreshold": 4,
    })
}

fn nidd_data() -> Value {
    json!({
        "username": USERNAME,
        "password": PASSWORD,
        "requestId": "a0fff7d6-6b30-45eb-84d7-0bc103d319c0",
        "deviceIds": [{"id": "990000473475989", "kind": "IMEI"}],
        "niddResponse": {"niddMONotificationResponse": {
            "accountName": "0000123456-00001",
            "message": "SGVsbG8sIFdvcmxkIQ==",
            "deviceIds": [
                {"id": "990000473475989", "kind": "IMEI"},
                {"id": "9085551234", "kind": "MDN"},
            ],
        }},
        "callbackCount": 1,
        "maxCallbackThreshold": 4,
    })
}
