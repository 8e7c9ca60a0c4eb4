//! The code of the README and of the guide's page on migration, compiled as tests.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
#![cfg_attr(doctest, doc = include_str!("../core/src/guide/migration.md"))]
