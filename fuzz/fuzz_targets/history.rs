//! Runs [`thingspace_fuzz::history`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(history);
