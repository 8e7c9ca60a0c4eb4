//! The README's code, compiled as tests.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
