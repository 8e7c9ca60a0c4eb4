//! The time that the proxy adds to a call.

use crate::{
    bars::{Bar, Panel, picture as bars},
    paint::{OTHERS, OURS},
    tables::{Table, number},
};

pub(crate) fn picture(page: &str) -> String {
    let tables = Table::all(page, "proxy calls");
    let panels = tables.iter().map(|table| {
        let rows = table.columns([table.title(), "way", "added, median", "added, 99 %"]);
        let through = rows
            .into_iter()
            .filter(|[_, way, ..]| way.starts_with("proxy"));
        let bars = through.flat_map(|[client, way, median, last]| {
            let bar = |which: &str, figure: &str, color| Bar {
                name: format!("{client}, {}, {which}", way.trim_start_matches("proxy, ")),
                value: number(figure),
                figure: figure.to_owned(),
                color,
            };
            [bar("median", median, OURS), bar("99 %", last, OTHERS)]
        });
        Panel {
            title: format!("Added to a call by the proxy: {}", table.title()),
            bars: bars.collect(),
            line: None,
        }
    });
    bars(&panels.collect::<Vec<_>>())
}
