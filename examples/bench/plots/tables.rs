//! The tables of the page, as they are recorded.

use crate::page::place;

/// A table: its head, and its rows.
pub(crate) struct Table<'a> {
    head: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    /// The tables of a part of the page.
    pub(crate) fn all(page: &'a str, part: &str) -> Vec<Self> {
        let text = page.get(place(page, part)).unwrap();
        let tables = text.split("\n\n").filter(|table| table.starts_with('|'));
        tables.map(Self::of).collect()
    }

    /// The one table of a part.
    pub(crate) fn one(page: &'a str, part: &str) -> Self {
        let mut tables = Self::all(page, part);
        assert!(!tables.is_empty(), "{part} is not recorded");
        tables.remove(0)
    }

    fn of(text: &'a str) -> Self {
        let cells = |line: &'a str| {
            let line = line.trim_start_matches('|').trim_end_matches('|');
            line.split('|').map(str::trim).collect::<Vec<_>>()
        };
        let mut lines = text.lines().map(cells);
        let head = lines.next().unwrap();
        // The second line says how the columns are aligned.
        let rows = lines.skip(1).collect();
        Self { head, rows }
    }

    /// The name of the first column.
    pub(crate) fn title(&self) -> &'a str {
        self.head.first().unwrap()
    }

    /// The cells of some columns, row by row.
    pub(crate) fn columns<const N: usize>(&self, names: [&str; N]) -> Vec<[&'a str; N]> {
        let place = |name| {
            let place = self.head.iter().position(|column| *column == name);
            place.unwrap_or_else(|| panic!("{} has no column {name}", self.title()))
        };
        let places = names.map(place);
        let row = |row: &Vec<&'a str>| places.map(|place| *row.get(place).unwrap());
        self.rows.iter().map(row).collect()
    }

    /// The cell of a row, which its first cells name.
    pub(crate) fn cell(&self, row: &[&str], column: &str) -> &'a str {
        let at = self.rows.iter().position(|cells| cells.starts_with(row));
        let at = at.unwrap_or_else(|| panic!("{} has no row {row:?}", self.title()));
        let [cell] = self.columns([column]).swap_remove(at);
        cell
    }

    /// The number in such a cell.
    pub(crate) fn number(&self, row: &[&str], column: &str) -> f64 {
        number(self.cell(row, column))
    }
}

/// The number in a cell, whatever its unit.
pub(crate) fn number(cell: &str) -> f64 {
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    let number = cell
        .split(|c| !is_part(c))
        .find_map(|part| part.parse().ok());
    number.unwrap_or_else(|| panic!("no number in {cell:?}"))
}
