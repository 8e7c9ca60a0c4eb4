//! The requests that are on their way.

use bytes::Bytes;
use http::{
    Method, Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use thingspace_core::{
    Timestamp, TransportError,
    session::{Attempt, Operation, Transmit},
};

use super::{Client, Place};
use crate::{
    http_json::{all, response},
    json::{Fields, Json},
    words::Words,
};

/// A request that is on its way.
pub(super) struct Exchange {
    owner: Owner,
    pub(super) deadline: Timestamp,
    pub(super) is_given_up: bool,
    is_head: bool,
    read_limit: usize,
}

/// The one that a result goes to.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// The session: an operation is nobody's own.
    Session(Operation),
    Call(u64, Attempt),
}

impl Client {
    /// Takes what came of a request.
    pub(super) fn take_exchange(
        &mut self,
        now: Timestamp,
        what: &str,
        exchange: u64,
        mut given: Fields,
        body: Bytes,
    ) -> Result<(), String> {
        let part = given.optional("response").map(|part| response(part, body));
        let error = given.text("error").unwrap_or_default();
        given.end()?;
        let Some(ended) = self.exchanges.remove(exchange) else {
            return Ok(());
        };
        let result = match part.transpose() {
            Ok(Some(response)) if what == "response" => ended.complete(response),
            Ok(part) => Err(ended.broken(error, part)),
            Err(_) => {
                let error = "fetch gave something that is no response".to_owned();
                Err(ended.broken(error, None))
            }
        };
        self.receive(now, ended.owner, result);
        Ok(())
    }

    /// Sends a request, or says that no time is left for it.
    pub(super) fn send(&mut self, now: Timestamp, owner: Owner, transmit: Transmit) {
        if now >= transmit.deadline {
            let error = TransportError::not_sent(Words::from("no time was left to send it"));
            return self.receive(now, owner, Err(error));
        }
        let exchange = self.next_number();
        if let Owner::Call(id, _) = owner {
            if let Some(running) = self.calls.get_mut(id) {
                running.place = Place::Sending(exchange);
            }
        }
        let read_limit = transmit.read_limit;
        let (mut head, body) = transmit.request.into_parts();
        // fetch counts by itself, and takes no other's count.
        head.headers.remove(CONTENT_LENGTH);
        self.exchanges.insert(
            exchange,
            Exchange {
                owner,
                deadline: transmit.deadline,
                is_given_up: false,
                is_head: head.method == Method::HEAD,
                read_limit,
            },
        );
        let body = self.keep(body);
        let send = Json::Shown(vec![
            ("exchange", exchange.into()),
            ("method", head.method.as_str().into()),
            ("url", Json::shown(&head.uri)),
            ("headers", all(&head.headers)),
            ("body", body.into()),
            ("readLimit", read_limit.into()),
        ]);
        self.effects.push(Json::named("send", send));
    }

    /// Gives a result to whom it is for.
    pub(super) fn receive(
        &mut self,
        now: Timestamp,
        owner: Owner,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        match owner {
            Owner::Session(operation) => self.session.receive(now, operation, result),
            Owner::Call(id, attempt) => {
                if let Some(running) = self.calls.get_mut(id) {
                    let session = &mut self.session;
                    running.call.receive(session, now, attempt, result);
                    running.place = Place::Ready;
                    self.ready.push_back(id);
                }
            }
        }
        self.sync_beside(now);
    }

    pub(super) fn abort(&mut self, exchange: u64) {
        let abort = Json::Shown(vec![("exchange", exchange.into())]);
        self.effects.push(Json::named("abort", abort));
    }
}

impl Exchange {
    /// The result of an exchange to whose end `fetch` came.
    fn complete(&self, response: Response<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let headers = response.headers();
        let announced = headers
            .get(CONTENT_LENGTH)
            .filter(|_| !self.is_head && !headers.contains_key(CONTENT_ENCODING))
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let came = response.body().len();
        if announced.is_some_and(|length| came < length) && came < self.read_limit {
            let error = Words::from("the response is shorter than it announced");
            return Err(TransportError::broken_off(response, error));
        }
        Ok(response)
    }

    /// The error of an exchange that `fetch` failed in. That proves nothing of the
    /// request: it may always have left.
    fn broken(&self, error: String, part: Option<Response<Bytes>>) -> TransportError {
        let error = if self.is_given_up {
            Words::from("no response in time")
        } else {
            error.into()
        };
        match part {
            Some(part) => TransportError::broken_off(part, error),
            None => TransportError::unknown(error),
        }
    }
}
