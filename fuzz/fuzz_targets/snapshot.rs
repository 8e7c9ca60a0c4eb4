//! Runs [`thingspace_fuzz::snapshot`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(snapshot);
