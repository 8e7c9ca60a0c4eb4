//! Runs [`thingspace_fuzz::simulator`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(simulator);
