//! Runs [`thingspace_fuzz::connectivity`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(connectivity);
