//! Runs [`thingspace_fuzz::refusal`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(refusal);
