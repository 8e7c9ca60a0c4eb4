//! Lists that come in pages.
//!
//! The service has two styles, and some calls that document neither: 202 with a
//! `Location` that holds `next`, or `hasMoreData` and a request that says how far one
//! has seen. Behind both is one idea: a response says what the next request is.

use std::collections::BTreeSet;

use http::{Response, StatusCode, header::LOCATION};

use super::{authorization::OfSession, endpoint::Endpoint};

/// A call whose response may be one page of several.
pub trait Paged: Endpoint<Auth: OfSession> + Clone {
    /// What the pages list.
    type Item: Clone + PartialEq;

    /// Returns true if two items are the same one, as it was seen at two moments.
    fn is_same(one: &Self::Item, other: &Self::Item) -> bool {
        one == other
    }

    /// The items of a page, in their order.
    fn items(page: Self::Output) -> Vec<Self::Item>;

    /// The place in the list from which on this request asks; `None` at its start.
    fn cursor(&self) -> Option<String>;

    /// Returns true if the page of this request begins with the last items of the page
    /// before it, since the request can only say a time from which on.
    fn overlaps(&self) -> bool {
        false
    }

    /// The request of the page after this response; `None` if it was the last.
    fn next(&self, page: &Response<Self::Output>) -> Option<Self>;
}

/// The pages of a list, without I/O: which request is next, and what a response adds.
///
/// A page that fails can be asked for again: until a response is
/// [received](Self::receive), the request stays the same. To go on in another process,
/// save the [request](Self::request) or its [cursor](Paged::cursor), and begin with
/// that.
#[derive(Clone, Debug)]
pub struct Pages<E: Paged> {
    next: Option<E>,
    cursors: BTreeSet<Option<String>>,
    before: Vec<E::Item>,
    repeats: bool,
}

impl<E: Paged> Pages<E> {
    /// The pages from this request on.
    pub fn new(first: E) -> Self {
        Self {
            cursors: BTreeSet::from([first.cursor()]),
            next: Some(first),
            before: Vec::new(),
            repeats: false,
        }
    }

    /// The next request; `None` after the last page.
    pub fn request(&self) -> Option<&E> {
        self.next.as_ref()
    }

    /// Returns true if the list ended on a page that repeats itself: the service said
    /// that there is more, and no request leads to it.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Takes the response to the [request](Self::request) and returns the items that it
    /// adds. A page that holds nothing but the items of the page before repeats itself:
    /// it adds none, and is the last.
    pub fn receive(&mut self, page: Response<E::Output>) -> Vec<E::Item> {
        let Some(request) = self.next.take() else {
            return Vec::new();
        };
        let next = request.next(&page);
        let mut items = E::items(page.into_body());
        let is_repeated = !items.is_empty() && is_same_page::<E>(&items, &self.before);
        if is_repeated {
            items.clear();
        } else {
            let before = std::mem::replace(&mut self.before, items.clone());
            if request.overlaps() {
                remove::<E>(&mut items, before);
            }
        }
        if let Some(next) = next {
            if !is_repeated && self.cursors.insert(next.cursor()) {
                self.next = Some(next);
            } else {
                self.repeats = true;
            }
        }
        items
    }
}

fn is_same_page<E: Paged>(page: &[E::Item], before: &[E::Item]) -> bool {
    let mut pairs = page.iter().zip(before);
    page.len() == before.len() && pairs.all(|(one, other)| E::is_same(one, other))
}

/// Removes items that stood on the page before, each as often as it stood there.
fn remove<E: Paged>(items: &mut Vec<E::Item>, mut before: Vec<E::Item>) {
    items.retain(
        |item| match before.iter().position(|seen| E::is_same(seen, item)) {
            Some(place) => {
                before.swap_remove(place);
                false
            }
            None => true,
        },
    );
}

/// The value of `next` in the `Location` of a response that says that more follows.
///
/// The form of the address differs from the paths that are called, so it is not
/// followed.
pub(super) fn next_in_location<T>(
    page: &Response<T>,
    has_more_data: Option<bool>,
) -> Option<String> {
    if page.status() != StatusCode::ACCEPTED && has_more_data != Some(true) {
        return None;
    }
    let location = page.headers().get(LOCATION)?.to_str().ok()?;
    let (_, query) = location.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "next")
        .map(|(_, value)| value.into_owned())
        .filter(|next| !next.is_empty())
}
