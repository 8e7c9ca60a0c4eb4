//! Runs [`thingspace_fuzz::request`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(request);
