//! Lists that come in pages, item by item.

use std::fmt;

use futures_lite::future::block_on;
use thingspace_core::{Error, api::Paged};

use crate::Runtime;

/// The items of a list that comes in pages: an iterator over them, or over one error.
///
/// A page is fetched when its first item is wanted, so that one page is in memory, and the
/// one before it. Dropped at any point, it harms nothing: a list changes nothing.
///
/// After an error it ends. [`resume`](Self::resume) it to fetch the same page again. To go on
/// in another process, or after this one has ended, save the [request](Self::request).
#[must_use = "nothing is fetched before an item is wanted"]
pub struct Items<R, E: Paged>(crate::Items<R, E>);

impl<R: Runtime, E: Paged + Send + 'static> Items<R, E> {
    pub(super) const fn new(items: crate::Items<R, E>) -> Self {
        Self(items)
    }

    /// Fetches the page that failed once more, with the next item that is wanted.
    pub fn resume(&mut self) {
        self.0.resume();
    }

    /// The request that goes on from here: that of the page which failed, or whose items are
    /// being handed out. `None` after the last item.
    ///
    /// Who saves it and begins with it anew misses no item, and may get items of that page
    /// twice.
    pub fn request(&self) -> Option<&E> {
        self.0.request()
    }

    /// Returns true if the list ended on a page that repeats itself: the service said that
    /// there is more, and no request leads to it.
    pub fn repeats(&self) -> bool {
        self.0.repeats()
    }
}

impl<R: Runtime, E: Paged + Send + 'static> Iterator for Items<R, E> {
    type Item = Result<E::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        block_on(self.0.next())
    }
}

impl<R, E: Paged + fmt::Debug> fmt::Debug for Items<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
