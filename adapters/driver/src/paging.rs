//! Lists that come in pages, item by item.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures_lite::{Stream, StreamExt};
use http::Response;
use thingspace_core::{
    Error,
    api::{Paged, Pages},
};

use crate::{Client, Runtime};

impl<R: Runtime> Client<R> {
    /// Lists all items of a list that comes in pages, from this request on: a stream, which
    /// fetches a page when its first item is wanted.
    #[doc(alias = "pages")]
    #[doc(alias = "pagination")]
    pub fn items<E: Paged + Send + 'static>(&self, first: E) -> Items<R, E> {
        Items::new(self.clone(), first)
    }
}

/// The items of a list that comes in pages: a stream of them, or of one error.
///
/// A page is fetched when its first item is wanted, so that one page is in memory, and the
/// one before it. Dropped at any point, it harms nothing: a list changes nothing.
///
/// After an error it ends. [`resume`](Self::resume) it to fetch the same page again. To go on
/// in another process, or after this one has ended, save the [request](Self::request).
#[must_use = "nothing is fetched before an item is wanted"]
pub struct Items<R, E: Paged> {
    client: Client<R>,
    pages: Pages<E>,
    /// The items of a page that are left, and the request of that page.
    left: vec::IntoIter<E::Item>,
    of: Option<E>,
    fetching: Option<Fetching<E::Output>>,
    has_failed: bool,
}

/// A page on its way.
type Fetching<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Error>> + Send>>;

impl<R: Runtime, E: Paged + Send + 'static> Items<R, E> {
    /// The items of the list from this request on.
    pub(crate) fn new(client: Client<R>, first: E) -> Self {
        Self {
            client,
            pages: Pages::new(first),
            left: Vec::new().into_iter(),
            of: None,
            fetching: None,
            has_failed: false,
        }
    }

    /// Returns the next item; `None` after the last, and after an error.
    pub async fn next(&mut self) -> Option<Result<E::Item, Error>> {
        StreamExt::next(self).await
    }

    /// Fetches the page that failed once more, with the next item that is wanted.
    pub fn resume(&mut self) {
        self.has_failed = false;
    }

    /// The request that goes on from here: that of the page which failed, or whose items are
    /// being handed out. `None` after the last item.
    ///
    /// Who saves it and begins with it anew misses no item, and may get items of that page
    /// twice.
    pub fn request(&self) -> Option<&E> {
        match &self.of {
            Some(of) if !self.left.as_slice().is_empty() => Some(of),
            _ => self.pages.request(),
        }
    }

    /// Returns true if the list ended on a page that repeats itself: the service said that
    /// there is more, and no request leads to it.
    pub fn repeats(&self) -> bool {
        self.pages.repeats()
    }
}

impl<R: Runtime, E: Paged + Send + 'static> Stream for Items<R, E> {
    type Item = Result<E::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.left.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            if this.has_failed {
                return Poll::Ready(None);
            }
            let Some(request) = this.pages.request() else {
                return Poll::Ready(None);
            };
            let fetching = this.fetching.get_or_insert_with(|| {
                let (client, request) = (this.client.clone(), request.clone());
                Box::pin(async move { client.call(request).await })
            });
            let page = ready!(fetching.as_mut().poll(context));
            this.fetching = None;
            match page {
                Ok(page) => {
                    this.of = this.pages.request().cloned();
                    this.left = this.pages.receive(page).into_iter();
                }
                Err(error) => {
                    this.has_failed = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

/// Nothing in it is pinned.
impl<R, E: Paged> Unpin for Items<R, E> {}

impl<R, E: Paged + fmt::Debug> fmt::Debug for Items<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("request", &self.pages.request())
            .field("left", &self.left.len())
            .field("has_failed", &self.has_failed)
            .finish_non_exhaustive()
    }
}
