//! The instructions of a whole call, of each contender.

use crate::{
    bars::{Bar, Panel, picture as bars},
    paint::{OTHERS, OURS},
    tables::{Table, number},
};

pub(crate) fn picture(page: &str) -> String {
    let table = Table::one(page, "loopback");
    let rows = table.columns(["contender", "floor", "instructions", "× floor"]);
    let panel = |floor: &str| {
        let of_floor = rows.iter().filter(|[_, of, ..]| *of == floor);
        let bars = of_floor.map(|[name, _, instructions, ratio]| Bar {
            name: (*name).to_owned(),
            value: number(ratio),
            figure: format!("{ratio} × ({instructions})"),
            color: if name.starts_with("thingspace") {
                OURS
            } else {
                OTHERS
            },
        });
        Panel {
            title: format!("Instructions of a whole call, as a multiple of {floor} alone"),
            bars: bars.collect(),
            line: Some(1.0),
        }
    };
    bars(&["hyper-util", "ureq"].map(panel))
}
