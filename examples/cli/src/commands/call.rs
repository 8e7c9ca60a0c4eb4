//! Any call of the API.

use std::{
    fs,
    io::{self, IsTerminal, Read},
};

use bytes::Bytes;
use clap::Args;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use serde_json::{Map, Value, json};
use thingspace_ureq::core::{api::Endpoint, session};

use crate::{common::Common, context::Context, failure::Failure, output, show};

/// Make any call of the API, with both tokens
///
/// The response goes to the standard output as it came; everything else goes to
/// the standard error.
#[derive(Args)]
pub(crate) struct Call {
    /// GET, POST, PUT, DELETE, …
    method: Method,

    /// The call's path below the environment's base, with its query:
    /// /m2m/v1/accounts/0000123456-00001
    path: String,

    /// The request's body: JSON as it is, @FILE for the contents of a file, - for the
    /// standard input
    #[arg(long, value_name = "JSON")]
    data: Option<String>,

    /// One more header of the request; may be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// Write the response's status and headers before its body
    #[arg(long)]
    include: bool,
}

impl Call {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        // The deadline counts while the body is read.
        let context = Context::new(common)?;
        let request = self.request()?;
        let response = context.run(|client| {
            let call = session::Call::to(request, &context.environment)?;
            let response = context.call(client, call)?.into_response()?;
            Ok(<Request<Bytes> as Endpoint>::parse(response)?)
        })?;
        if common.json {
            return output::print(true, &to_json(&response), "");
        }
        if self.include {
            output::to_stdout(&head(&response))?;
        }
        output::to_stdout(response.body())?;
        // The prompt of a shell is to begin a line.
        if io::stdout().is_terminal() && !response.body().ends_with(b"\n") {
            output::to_stdout(b"\n")?;
        }
        Ok(())
    }

    fn request(&self) -> Result<Request<Bytes>, Failure> {
        // It would be taken for a host, or for no address at all.
        if !self.path.starts_with('/') && !self.path.contains("://") {
            return Err(Failure::usage(
                "the path does not begin with a slash; give one like /m2m/v1/…",
            ));
        }
        let request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .body(self.body()?);
        let mut request = request
            .map_err(|_| Failure::usage("the path is not valid in a URL; percent-encode it"))?;
        for (name, value) in &self.header {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }

    fn body(&self) -> Result<Bytes, Failure> {
        let Some(data) = &self.data else {
            return Ok(Bytes::new());
        };
        let unread = |error: io::Error| Failure::usage(format!("the body can't be read: {error}"));
        if data == "-" {
            let mut body = Vec::new();
            io::stdin().lock().read_to_end(&mut body).map_err(unread)?;
            return Ok(body.into());
        }
        match data.strip_prefix('@') {
            Some(file) => fs::read(file).map(Bytes::from).map_err(unread),
            None => Ok(data.clone().into()),
        }
    }
}

fn header(given: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = given
        .split_once(':')
        .ok_or("write it like: Accept: application/json")?;
    let name = name.trim().parse().map_err(|_| "not a header name")?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| "not a header value")?;
    Ok((name, value))
}

/// The status and the headers, as HTTP/1.1 writes them.
fn head(response: &Response<Bytes>) -> Vec<u8> {
    let mut head = format!("{:?} {}\r\n", response.version(), response.status()).into_bytes();
    for (name, value) in response.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn to_json(response: &Response<Bytes>) -> Value {
    let mut headers = Map::new();
    for name in response.headers().keys() {
        let values = response.headers().get_all(name);
        let values = values
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        headers.insert(name.to_string(), values.collect());
    }
    json!({
        "status": response.status().as_u16(),
        "headers": headers,
        "body": show::body(response.body()),
    })
}
