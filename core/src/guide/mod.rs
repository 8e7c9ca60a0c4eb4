//! The guide: pages to read, without code.
//!
//! | page | read it to |
//! | --- | --- |
//! | [`glossary`] | look a word up |
//! | [`migration`] | replace a login loop of your own, or Verizon's SDK |
//! | [`sdk_names`] | find a call or a model by its name in Verizon's SDKs |
//! | [`errors`] | know what to do about an error |
//! | [`settings`] | know which setting to change, and when |
//! | [`limits`] | look a number up, with its source |
//!
//! The guide is a part of the documentation only. Programs are compiled without it.

// Without the feature, there are no items that some of the pages could link to.
#![cfg_attr(not(feature = "connectivity"), allow(rustdoc::broken_intra_doc_links))]

#[doc = include_str!("glossary.md")]
pub mod glossary {}

// Its code is of the clients, which the core does not depend on. The examples test it.
#[cfg_attr(not(doctest), doc = include_str!("migration.md"))]
#[cfg_attr(doctest, doc = "The page that is tested by the examples.")]
pub mod migration {}

#[cfg_attr(feature = "connectivity", doc = include_str!("sdk_names.md"))]
#[cfg_attr(
    not(feature = "connectivity"),
    doc = "The names of Verizon's SDKs. The page needs the feature `connectivity`."
)]
pub mod sdk_names {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("settings.md")]
pub mod settings {}

#[doc = include_str!("limits.md")]
pub mod limits {}
