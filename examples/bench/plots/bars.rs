//! Bars, one below the other, each with its name and its figure.

use plotters::{
    element::{PathElement, Rectangle, Text},
    prelude::{IntoDrawingArea, SVGBackend},
    style::{Color, RGBColor, text_anchor::HPos},
};

use crate::paint::{INK, WIDTH, letters};

/// Bars of one scale, under a title.
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) bars: Vec<Bar>,
    /// The value at which a line stands, to compare with.
    pub(crate) line: Option<f64>,
}

pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) figure: String,
    pub(crate) color: RGBColor,
}

/// The left end of the bars, their longest length, the room for a figure, and the height
/// of a row.
const LEFT: i32 = 290;
const LONGEST: i32 = 390;
const FIGURE: i32 = 110;
const ROW: i32 = 24;

/// Draws panels, one below the other.
pub(crate) fn picture(panels: &[Panel]) -> String {
    let rows = panels
        .iter()
        .map(|panel| panel.bars.len() + 2)
        .sum::<usize>();
    let height = u32::try_from(rows).unwrap() * ROW.unsigned_abs() + 8;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let mut top = 0;
        for panel in panels {
            let middle = top + ROW;
            let title = letters(16, HPos::Left);
            area.draw(&Text::new(panel.title.clone(), (8, middle), title))
                .unwrap();
            top += 2 * ROW;
            let most = panel.bars.iter().map(|bar| bar.value).fold(1.0, f64::max);
            let length = |value: f64| length(value / most);
            let line = panel.line.map(|line| LEFT + length(line));
            if let Some(at) = line {
                let rows = i32::try_from(panel.bars.len()).unwrap();
                let ends = [(at, top), (at, top + rows * ROW)];
                let line = PathElement::new(ends, INK.stroke_width(1));
                area.draw(&line).unwrap();
            }
            for bar in &panel.bars {
                let (middle, right) = (top + ROW / 2, LEFT + length(bar.value));
                let name = Text::new(
                    bar.name.clone(),
                    (LEFT - 10, middle),
                    letters(14, HPos::Right),
                );
                area.draw(&name).unwrap();
                let corners = [(LEFT, top + 4), (right, top + ROW - 4)];
                area.draw(&Rectangle::new(corners, bar.color.filled()))
                    .unwrap();
                // A figure that would stand on the line stands behind it.
                let is_before = |line: &i32| (right..right + FIGURE).contains(line);
                let at = line.filter(is_before).unwrap_or(right) + 8;
                let figure = Text::new(bar.figure.clone(), (at, middle), letters(14, HPos::Left));
                area.draw(&figure).unwrap();
                top += ROW;
            }
        }
        area.present().unwrap();
    }
    svg
}

/// The length of a bar; one of less than nothing has none.
#[allow(clippy::cast_possible_truncation, reason = "at most the longest")]
fn length(share: f64) -> i32 {
    (f64::from(LONGEST) * share.clamp(0.0, 1.0)).round() as i32
}
