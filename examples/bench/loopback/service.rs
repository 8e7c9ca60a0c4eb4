//! The service that all contenders call: it reads a request to its end and gives
//! the same response every time, with as little work as there can be.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

pub(crate) struct Service {
    port: u16,
}

impl Service {
    /// Serves on a free port, until the process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream));
            }
        });
        Self { port }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }
}

/// Responds until the client hangs up.
fn serve(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let body = response(line.split(' ').nth(1)?);
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let (name, value) = line.trim_end().split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            if name.is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        writer.write_all(response.as_bytes()).ok()?;
    }
}

/// The body of every response to a call of this path.
pub(crate) fn response(path: &str) -> &'static str {
    if path.ends_with("/oauth2/token") {
        r#"{"access_token":"cf1b1d3a-8a0f-3c46-9d36-5e6cbe7dbe2b","token_type":"Bearer","expires_in":3600}"#
    } else if path.ends_with("/session/login") {
        r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#
    } else {
        r#"{"accountName":"0000123456-00001"}"#
    }
}
