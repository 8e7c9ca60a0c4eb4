//! Runs [`thingspace_fuzz::machine`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(machine);
