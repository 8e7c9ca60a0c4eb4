//! Runs [`thingspace_fuzz::merge`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(merge);
