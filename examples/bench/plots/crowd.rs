//! The throughput of threads with one session, and with one each.

use plotters::{
    chart::{ChartBuilder, SeriesLabelPosition},
    element::PathElement,
    prelude::{IntoDrawingArea, SVGBackend},
    series::LineSeries,
    style::{Color, text_anchor::HPos},
};

use crate::{
    paint::{INK, OURS, SECOND, WIDTH, letters},
    tables::Table,
};

const HEIGHT: u32 = 340;

/// The numbers of threads: each has the same room.
const THREADS: [&str; 5] = [
    "1 thread",
    "2 threads",
    "4 threads",
    "8 threads",
    "64 threads",
];

pub(crate) fn picture(page: &str) -> String {
    let table = Table::one(page, "sharing");
    let series = [
        ("one session", "on one session, calls per second", OURS),
        ("a session each", "with one session each", SECOND),
    ];
    let figures = series.map(|(name, column, color)| {
        let millions = |who: &str| table.number(&[who], column) / 1e6;
        (name, THREADS.map(millions), color)
    });
    let most = figures
        .iter()
        .flat_map(|(_, figures, _)| figures)
        .copied()
        .fold(0.0, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption(
                "Millions of calls per second, service in memory, two processors",
                letters(16, HPos::Left),
            )
            .margin(12)
            .margin_right(48)
            .x_label_area_size(32)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..4.0, 0.0..most * 1.1)
            .unwrap();
        let who = |place: &f64| {
            let who = THREADS
                .iter()
                .zip(0_u8..)
                .find(|(_, at)| (f64::from(*at) - place).abs() < 0.1);
            who.map_or_else(String::new, |(who, _)| (*who).to_owned())
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .axis_style(INK)
            .bold_line_style(INK.mix(0.4))
            .light_line_style(INK.mix(0.0))
            .label_style(letters(13, HPos::Center))
            .x_labels(5)
            .x_label_formatter(&who)
            .y_labels(6)
            .y_label_formatter(&|millions| format!("{millions:.1}"))
            .draw()
            .unwrap();
        for (name, figures, color) in &figures {
            let points = (0_u8..).map(f64::from).zip(figures.iter().copied());
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(3)).point_size(4))
                .unwrap()
                .label(*name)
                .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(3)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .label_font(letters(14, HPos::Left))
            .draw()
            .unwrap();
        area.present().unwrap();
    }
    svg
}
