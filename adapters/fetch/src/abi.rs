//! The functions that the module exports.
//!
//! The host asks for a [buffer](thingspace_buffer), writes what happened into it, and
//! calls [`thingspace_input`]. What is to be done stays where
//! [`thingspace_output`] and [`thingspace_body`] say until the next input. None of it
//! reads memory through an address that came from outside, so nothing here is unsafe but
//! the names.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Host, Output};

/// The state of the module. The host offers no other place for it.
static MODULE: Mutex<Module> = Mutex::new(Module {
    host: None,
    buffer: Vec::new(),
    output: None,
});

struct Module {
    host: Option<Host>,
    buffer: Vec<u8>,
    output: Option<Output>,
}

/// Returns the address of a buffer of this length, for the next input.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_buffer(length: usize) -> *mut u8 {
    let mut module = module();
    module.buffer = vec![0; length];
    module.buffer.as_mut_ptr()
}

/// Takes what is in the buffer: JSON of this length, then the bytes of a body. Returns
/// the length of what is to be done.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_input(json_length: usize) -> usize {
    let mut module = module();
    let mut json = mem::take(&mut module.buffer);
    let body = json.split_off(json_length.min(json.len()));
    let host = module.host.get_or_insert_default();
    let output = host.input(json, body.into());
    let length = output.json().len();
    module.output = Some(output);
    length
}

/// Returns the address of what is to be done, as JSON in UTF-8.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_output() -> *const u8 {
    let module = module();
    let output = module.output.as_ref();
    output.map_or(std::ptr::null(), |output| output.json().as_ptr())
}

/// Returns the address of a body, by its number in the output.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_body(number: usize) -> *const u8 {
    let module = module();
    let output = module.output.as_ref();
    output.map_or(std::ptr::null(), |output| output.body(number).as_ptr())
}

/// Returns the length of a body.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_body_length(number: usize) -> usize {
    let module = module();
    let output = module.output.as_ref();
    output.map_or(0, |output| output.body(number).len())
}

fn module() -> MutexGuard<'static, Module> {
    MODULE.lock().unwrap_or_else(PoisonError::into_inner)
}
