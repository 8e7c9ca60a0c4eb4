//! Runs [`thingspace_fuzz::log_in`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(log_in);
