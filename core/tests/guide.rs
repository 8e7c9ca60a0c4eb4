//! The guide: a search of the documentation finds the items that it names, and nothing is
//! missing from its tables.
#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The public items of the sources, each with its search aliases.
#[derive(Default)]
struct Items(BTreeMap<String, BTreeSet<String>>);

impl Items {
    fn read(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read(&path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                self.read_source(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn read_source(&mut self, source: &str) {
        let mut aliases = BTreeSet::new();
        for line in source.lines().map(str::trim_start) {
            let alias = line.strip_prefix("#[doc(alias = \"");
            if let Some(alias) = alias.and_then(|rest| rest.strip_suffix("\")]")) {
                aliases.insert(alias.to_owned());
            } else if let Some(name) = name_of_item(line) {
                let known = self.0.entry(name.to_owned()).or_default();
                known.append(&mut aliases);
            }
        }
    }

    /// Returns true if a search for this name finds this item, or another one that is
    /// called so.
    fn finds(&self, name: &str, item: &str) -> bool {
        let is_name = |own: &String| own.eq_ignore_ascii_case(name);
        let aliases = self.0.get(item);
        self.0.keys().any(is_name) || aliases.is_some_and(|aliases| aliases.contains(name))
    }
}

/// The name of the public type, module or function that a line defines.
fn name_of_item(line: &str) -> Option<&str> {
    let mut words = line.strip_prefix("pub ")?.split(' ');
    let is_kind = |word: &str| matches!(word, "struct" | "enum" | "mod" | "fn" | "trait" | "type");
    words.find(|word| is_kind(word))?;
    let rest = words.next()?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// The names in code font of a cell.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The last part of the path that a cell links to.
fn linked(cell: &str) -> Option<&str> {
    let (_, rest) = cell.split_once("](")?;
    rest.split_once(')')?.0.rsplit("::").next()
}

/// The folder of the sources.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The text of a file among the sources.
fn source(path: &str) -> String {
    fs::read_to_string(sources().join(path)).unwrap()
}

/// The names in the definition of a type that begins with this line: variants or public
/// fields.
fn parts(source: &str, opening: &str) -> Vec<String> {
    let (_, rest) = source.split_once(&format!("{opening} {{\n")).unwrap();
    let (definition, _) = rest.split_once("\n}").unwrap();
    let names = definition.lines().filter_map(|line| {
        let part = line.strip_prefix("    ")?;
        let name = part.strip_prefix("pub ").unwrap_or(part);
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
        let name = &name[..end.unwrap_or(name.len())];
        (!name.is_empty()).then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn the_guide_says_what_to_do_about_every_error() {
    let page = source("guide/errors.md");
    let has_row = |name: &str| {
        let link = format!("| [`{name}`] |");
        page.lines().any(|line| line.starts_with(&link))
    };
    let kinds = parts(&source("session/error.rs"), "pub enum ErrorKind");
    assert!(kinds.contains(&"CallFinished".to_owned()), "{kinds:?}");
    for kind in kinds {
        assert!(has_row(&kind), "{kind}");
    }
    let outcomes = parts(&source("session/error.rs"), "pub enum Outcome");
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        assert!(has_row(&format!("Outcome::{outcome}")), "{outcome}");
    }
    let reasons = parts(&source("session/guard.rs"), "pub enum BlockReason");
    assert!(reasons.contains(&"BudgetSpent".to_owned()), "{reasons:?}");
    for reason in reasons {
        assert!(has_row(&format!("BlockReason::{reason}")), "{reason}");
    }
}

#[test]
fn the_guide_says_when_to_change_every_setting() {
    let page = source("guide/settings.md");
    let settings = parts(&source("session/settings.rs"), "pub struct Settings");
    assert!(settings.contains(&"max_body".to_owned()), "{settings:?}");
    for setting in settings {
        assert!(page.contains(&format!("[`{setting}`]")), "{setting}");
    }
}

#[test]
fn a_search_for_a_name_of_the_sdks_finds_its_item() {
    let table = source("guide/sdk_names.md");
    let mut items = Items::default();
    items.read(&sources());

    let mut checked = 0;
    let mut missing = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let mut waiting = Vec::new();
        for cell in row.trim_matches('|').split(" | ") {
            let Some(item) = linked(cell) else {
                waiting.append(&mut names(cell));
                continue;
            };
            for name in waiting.drain(..) {
                checked += 1;
                if !items.finds(name, item) {
                    missing.push(format!("{name} of {item}"));
                }
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(checked > 150, "the table has only {checked} names");
}
