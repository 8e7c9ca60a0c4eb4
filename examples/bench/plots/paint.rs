//! The colours and letters of all pictures.
//!
//! There is no background, so that a picture can stand on a light page and on a dark one.
//! Each colour has a contrast of 3.4 at least to white and to nearly black (`#0d1117`), and
//! that of the letters 4.2.

use plotters::style::{
    IntoFont, RGBColor, TextStyle,
    text_anchor::{HPos, Pos, VPos},
};

pub(crate) const INK: RGBColor = RGBColor(0x7b, 0x7b, 0x7b);
pub(crate) const OURS: RGBColor = RGBColor(0x3a, 0x7b, 0xd5);
pub(crate) const OTHERS: RGBColor = RGBColor(0x85, 0x8a, 0x93);
pub(crate) const SECOND: RGBColor = RGBColor(0xb0, 0x6a, 0x00);

/// The width of all pictures.
pub(crate) const WIDTH: u32 = 800;

/// Letters of this size, at the left of a point, at the right, or around it.
pub(crate) fn letters(size: u32, at: HPos) -> TextStyle<'static> {
    let style = TextStyle::from(("sans-serif", size).into_font());
    style.color(&INK).pos(Pos::new(at, VPos::Center))
}
