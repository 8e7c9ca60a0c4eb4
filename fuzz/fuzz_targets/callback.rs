//! Runs [`thingspace_fuzz::callback`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(callback);
