//! Runs [`thingspace_fuzz::bearer_token`].
#![cfg_attr(fuzzing, no_main)]

thingspace_fuzz::program!(bearer_token);
