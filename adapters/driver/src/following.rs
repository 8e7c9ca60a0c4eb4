//! Asynchronous requests, followed to their outcome.

use std::pin::pin;

use futures_lite::future::or;
use thingspace_core::{
    Call, Endpoint, Timestamp,
    api::account_requests::{AsynchronousRequestResult, GetCurrentAsynchronousRequestStatus},
    asynchronous::{AsynchronousRequest, FollowStep, Following, RequestOutcome},
};

use crate::{Client, Runtime, event_listener::EventListener, mailbox::Subscription};

impl<R: Runtime> Client<R> {
    /// Follows an asynchronous request to its outcome, or to the end of its
    /// [time](thingspace_core::asynchronous::FollowSettings::timeout): by its status, which
    /// is asked for with growing pauses, and by callbacks that are delivered to the
    /// [mailbox](Self::mailbox), whichever comes first.
    ///
    /// Its time begins now. It may be dropped, and the request followed anew.
    #[doc(alias = "poll")]
    #[doc(alias = "request_id")]
    pub fn follow(
        &self,
        request: AsynchronousRequest,
    ) -> impl Future<Output = RequestOutcome> + Send {
        let followed = Followed::new(self, request);
        async move { followed.outcome(self).await }
    }
}

/// A request that a client follows, and its place in the mailbox.
pub(crate) struct Followed {
    following: Following,
    subscription: Subscription,
}

impl Followed {
    /// Follows a request from now on.
    pub(crate) fn new<R: Runtime>(client: &Client<R>, request: AsynchronousRequest) -> Self {
        let subscription = client.mailbox().subscribe(request.request_id.clone());
        Self {
            following: Following::new(request, client.now()),
            subscription,
        }
    }

    /// Follows the request to its outcome.
    pub(crate) async fn outcome<R: Runtime>(mut self, client: &Client<R>) -> RequestOutcome {
        loop {
            let delivered = self.read();
            let now = client.now();
            match self.following.step(now) {
                FollowStep::Ask(call) => self.ask(client, call).await,
                FollowStep::Wait(until) => client.wait(delivered, until.since(now)).await,
                FollowStep::Done => {
                    // Whoever follows it anew, for what is unknown, is to know what was known.
                    if self.following.has_ended() {
                        self.subscription.end();
                    }
                    return self.following.into_outcome();
                }
            }
        }
    }

    /// Reads the messages that have come. Returns a listener for those that come then.
    fn read(&mut self) -> EventListener {
        let delivered = self.subscription.listen();
        let following = &mut self.following;
        self.subscription.read(|message| following.receive(message));
        delivered
    }

    /// Asks for the status, unless messages end the request before the response is there.
    async fn ask<R: Runtime>(
        &mut self,
        client: &Client<R>,
        call: GetCurrentAsynchronousRequestStatus,
    ) {
        let deadline = client.attempt_deadline().min(self.following.deadline());
        // On the heap, for it is large, and most of the time nothing is asked.
        let mut asking = Box::pin(ask(client, call, deadline));
        loop {
            let delivered = self.read();
            if self.following.has_ended() {
                return;
            }
            let status = async { Some(asking.as_mut().await) };
            let woken = async {
                delivered.await;
                None
            };
            if let Some(status) = or(pin!(status), pin!(woken)).await {
                // What came meanwhile counts first: it has the reason of a failure.
                self.read();
                return self.following.receive_status(client.now(), status);
            }
        }
    }
}

/// Makes a status call. If it fails, that is reported to the client's observer, and no
/// outcome.
async fn ask<R: Runtime>(
    client: &Client<R>,
    call: GetCurrentAsynchronousRequestStatus,
    deadline: Timestamp,
) -> Option<AsynchronousRequestResult> {
    let call = Call::to(call, client.environment());
    let mut call = call.map(|call| call.with_deadline(deadline));
    let response = client.respond(&mut call).await.ok()?;
    let status = GetCurrentAsynchronousRequestStatus::parse(response).ok()?;
    Some(status.into_body())
}
