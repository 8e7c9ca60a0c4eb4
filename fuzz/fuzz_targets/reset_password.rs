//! Runs [`thingspace_fuzz::reset_password`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(reset_password);
