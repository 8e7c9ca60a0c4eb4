//! A store in memory that keeps all laws, and stores that break one each.

#![cfg(test)]

mod broken;
mod store;

mod sound {
    use crate::store::{Memory, Sound};

    type Place = Memory<Sound>;

    thingspace_conformance::all!(Place);
}
