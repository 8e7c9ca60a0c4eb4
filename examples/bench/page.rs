//! The tables of README.md, each between its markers.

use std::{fs, ops::Range};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// Shows a part of the page, and records it there.
pub(crate) fn show(name: &str, part: &str, records: bool) {
    println!("{part}");
    if records {
        let mut page = read();
        let place = place(&page, name);
        page.replace_range(place, &format!("{}\n", part.trim_end()));
        fs::write(PAGE, page).unwrap();
    }
}

/// The page as it is recorded.
pub(crate) fn read() -> String {
    fs::read_to_string(PAGE).unwrap()
}

/// The place of a part in the page: the lines between its markers.
pub(crate) fn place(page: &str, name: &str) -> Range<usize> {
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let from = page.find(&begin).map(|at| at + begin.len());
    let to = page.find(&end);
    let place = from.zip(to).map(|(from, to)| from..to);
    place.unwrap_or_else(|| panic!("README.md has no part {name}"))
}
