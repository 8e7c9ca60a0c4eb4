//! A place that the laws are checked on: what somebody who writes a store gives to them.

use std::{fmt, sync::Arc, time::Duration};

use thingspace_core::session::{AsyncStore, Blocking, Store};

/// A place where one session is saved, and everything that happens to such places: a
/// file, a row of a database, a key of a register.
///
/// Nothing here has a default that leaves a law out. What a place can't do, it
/// [says](Can::No) with the reason.
pub trait Place: Send + Sync + Sized + 'static {
    /// Creates a place of its own, where nothing is saved.
    fn new() -> Self;

    /// Opens the place as one more process does: with a new store, which shares nothing
    /// with the others but the place.
    fn open(&self) -> Opened;

    /// Reads the text that is saved, past the stores; `None` if there is nothing.
    ///
    /// It is the snapshot as JSON, or whatever else the store makes of it.
    fn read(&self) -> Option<String>;

    /// Puts a text in place of what is saved, past the stores, or nothing (`None`). A
    /// text is as old as this call.
    ///
    /// A store that saves the revision apart from the text gets that of the text, or one
    /// that nobody has if the text has none.
    fn write(&self, text: Option<&str>);

    /// Makes what is saved older by this much, by the store's own clock.
    fn let_pass(&self, time: Duration) -> Can<()>;

    /// Lets the place hang: from now on accesses to it are neither done nor refused,
    /// until what is returned is dropped.
    fn freeze(&self) -> Can<Frozen<'_>>;

    /// Says whether the stores tell their [watchers](Store::watch) of changes.
    fn wakes(&self) -> Can<()>;

    /// Enters the runtime that the futures of the stores need; none by default. It is left
    /// when what is returned is dropped. The laws poll all futures on threads of their own.
    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(())
    }
}

/// Something that a place can do, or the reason why it can't. Then the laws that need it
/// have nothing to check, and print the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can<T> {
    /// It can, and this is what comes of it.
    Yes(T),
    /// It can't, for this reason.
    No(&'static str),
}

/// Anything that has an effect until it is dropped.
pub trait Held {}

impl<T: ?Sized> Held for T {}

/// A place that hangs until this is dropped.
pub struct Frozen<'a> {
    pub(crate) bound: Duration,
    pub(crate) hangs: Hangs,
    _held: Box<dyn Held + 'a>,
}

/// The accesses that hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangs {
    All,
    Saves,
}

impl<'a> Frozen<'a> {
    /// A place where loads and saves hang until `held` is dropped. The store ends each of
    /// them with an error within `bound`.
    pub fn all(bound: Duration, held: impl Held + 'a) -> Self {
        Self::new(bound, Hangs::All, held)
    }

    /// A place where saves hang until `held` is dropped, and loads do not: a file whose
    /// lock another process holds.
    pub fn saves(bound: Duration, held: impl Held + 'a) -> Self {
        Self::new(bound, Hangs::Saves, held)
    }

    fn new(bound: Duration, hangs: Hangs, held: impl Held + 'a) -> Self {
        Self {
            bound,
            hangs,
            _held: Box::new(held),
        }
    }
}

impl fmt::Debug for Frozen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frozen")
            .field("bound", &self.bound)
            .field("hangs", &self.hangs)
            .finish_non_exhaustive()
    }
}

/// The store of one process: one that blocks, one that is awaited, or both. All laws are
/// checked on each.
#[derive(Debug)]
pub struct Opened(pub(crate) Vec<Face>);

/// A store as the laws see it: one that is awaited. That of a blocking one is ready at
/// once.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    pub(crate) store: Arc<dyn Shown>,
    /// True if its futures are ready at their first poll.
    pub(crate) blocks: bool,
}

impl Opened {
    /// A store that blocks.
    pub fn blocking(store: impl Store + fmt::Debug + 'static) -> Self {
        Self(vec![Face::blocking(store)])
    }

    /// A store that is awaited.
    pub fn awaited(store: impl AsyncStore + fmt::Debug + 'static) -> Self {
        Self(vec![Face::awaited(store)])
    }

    /// A store that blocks, and one that is awaited: often one under two names, by an
    /// [`Arc`].
    pub fn both(
        blocking: impl Store + fmt::Debug + 'static,
        awaited: impl AsyncStore + fmt::Debug + 'static,
    ) -> Self {
        Self(vec![Face::blocking(blocking), Face::awaited(awaited)])
    }
}

impl Face {
    fn blocking(store: impl Store + fmt::Debug + 'static) -> Self {
        Self {
            store: Arc::new(Blocking(store)),
            blocks: true,
        }
    }

    fn awaited(store: impl AsyncStore + fmt::Debug + 'static) -> Self {
        Self {
            store: Arc::new(store),
            blocks: false,
        }
    }
}

/// A store that can be shown.
pub(crate) trait Shown: AsyncStore + fmt::Debug {}

impl<S: AsyncStore + fmt::Debug> Shown for S {}
