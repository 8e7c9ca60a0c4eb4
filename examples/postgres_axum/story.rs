//! The story: two instances in one process, and somebody who uses them.

use std::{env, net::SocketAddr};

use thingspace_postgres::Postgres;
use thingspace_simulator::{Call, Server, Simulator};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{BoxError, client, serve};

pub(crate) async fn play() -> Result<(), BoxError> {
    let address = env::var("THINGSPACE_STORE").map_err(
        |_| "Set THINGSPACE_STORE to a PostgreSQL: postgres://user:password@host/database",
    )?;
    let service = Server::start(Simulator::new(42))?;
    // A row for this simulator alone. In production, one for each user name.
    let store = Postgres::at(&address)?.create_table();
    let store = store.name(format!("example {}", service.base()))?;
    // Says at once if there is no such server.
    client(&service, &store)?.sync().await?;

    // Each instance has a client, a connection to the store and a port of its own.
    let (stop, stopped) = watch::channel(false);
    let (mut instances, mut ports) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        ports.push(socket.local_addr()?);
        let client = client(&service, &store)?;
        instances.push(tokio::spawn(serve(socket, client, stopped.clone())));
    }
    for port in ports {
        println!("{port}: {}", request(port, "/organization").await?);
        println!("{port}: {}", request(port, "/health").await?);
    }
    let logins = service.with(|service| service.counts().done(Call::LogIn));
    println!("Two instances shared {logins} login.");

    stop.send_replace(true);
    for instance in instances {
        instance.await??;
    }
    println!("Both have ended, and the session goes on.");
    client(&service, &store)?.log_out().await?;
    println!("Logged out.");
    Ok(())
}

/// Requests a page of the web service. Returns its status and its body.
async fn request(port: SocketAddr, path: &str) -> Result<String, BoxError> {
    let mut stream = TcpStream::connect(port).await?;
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or("no body")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    Ok(format!("{status} {body}"))
}
