//! Lists in pages and requests that are followed, over a service of a few lines, in a time
//! that passes when everybody waits.

#![cfg(test)]
#![cfg(feature = "connectivity")]

mod crowd;
mod following;
mod paging;
mod world;
