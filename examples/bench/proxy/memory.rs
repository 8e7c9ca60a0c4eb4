//! The memory of the proxy's process.

use std::{
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use thingspace_simulator::{Call, Fault, Part, Server};

use crate::{
    CALL, Size,
    clients::call_once,
    process::{Home, Program, Proxy},
    service,
};

/// The memory of a proxy that has nothing to do, and of one with many calls.
pub(crate) fn table(program: &Program, size: Size) -> String {
    let connections = size.pick(1000, 50);
    let (server, home) = (service(), Home::new());
    let proxy = program.start(&server, &home, &["--max-connections", "2048"]);
    let mut table =
        String::from("| the proxy's process | resident | most before |\n| --- | ---: | ---: |\n");
    table += &row("started", &proxy);
    call_once(proxy.address());
    table += &row("idle, with an open session", &proxy);

    server.with(|service| service.begin_outage(Part::One(Call::Account), Fault::Hang));
    let before = seen(&server);
    let address = proxy.address().strip_prefix("http://").unwrap();
    let address = address.strip_suffix("/api").unwrap();
    let request = format!("GET /api{CALL} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let streams = (0..connections).map(|_| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    });
    let streams: Vec<_> = streams.collect();
    let limit = Instant::now() + Duration::from_secs(20);
    while seen(&server) - before < connections {
        assert!(Instant::now() < limit, "the calls are not in flight");
        thread::sleep(Duration::from_millis(2));
    }
    let shown = format!("{connections} connections, each with a call in flight");
    table += &row(&shown, &proxy);
    drop(streams);
    table
}

fn seen(server: &Server) -> u64 {
    server.with(|service| service.counts().seen(Call::Account))
}

fn row(what: &str, proxy: &Proxy) -> String {
    let (now, most) = proxy.memory();
    format!("| {what} | {} KiB | {} KiB |\n", now / 1024, most / 1024)
}
