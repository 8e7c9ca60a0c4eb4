//! Runs [`thingspace_fuzz::log_out`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(log_out);
