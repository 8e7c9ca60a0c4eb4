//! A place whose content can't be read: taking that for nothing would forget failed
//! logins.

use thingspace_core::session::{Revision, Saved};

use crate::{
    Place,
    snapshots::{SECRET, next},
    stage::{Process, Stage},
};

pub(crate) fn what_is_damaged_is_neither_loaded_nor_overwritten<P: Place>() {
    Stage::<P>::each(|stage| {
        let process = stage.process();
        process.change();
        let whole = stage.text();
        for (damage, text) in damages(&whole) {
            stage.place.write(Some(&text));
            // One that has read what was there, and one that starts now.
            for process in [&process, &stage.process()] {
                assert_left_alone(process, damage);
                let left = stage.place.read();
                assert!(left.as_ref() == Some(&text), "overwritten: {damage}");
            }
        }
        // Nothing of it is left once it is moved away, or put right.
        stage.place.write(Some(&whole));
        process.change();
        stage.place.write(None);
        process.change();
    });
}

fn assert_left_alone<P: Place>(process: &Process<P>, damage: &str) {
    assert!(process.load().is_err(), "loaded: {damage}");
    let never_saved = next(None).revision();
    for seen in [None, Some(Revision::default()), Some(never_saved)] {
        let saved = process.save(seen, &next(None));
        assert!(!matches!(saved, Ok(Saved::Saved)), "saved over: {damage}");
    }
}

/// What may have become of a text.
fn damages(whole: &str) -> Vec<(&'static str, String)> {
    let cut = |length| whole.chars().take(length).collect();
    let length = whole.chars().count();
    vec![
        ("nothing but an empty text", String::new()),
        ("the first character", cut(1)),
        ("the first half", cut(length / 2)),
        ("all but the last character", cut(length - 1)),
        ("the text twice", whole.repeat(2)),
        ("no JSON", SECRET.into()),
        ("a text in JSON", format!("\"{SECRET}\"")),
        ("null", "null".into()),
        ("an empty list", "[]".into()),
        ("an empty map", "{}".into()),
        ("another map", format!("{{\"{SECRET}\":\"{SECRET}\"}}")),
        (
            "a snapshot without its content",
            format!("{{\"thingspace-session-3\":{{\"revision\":\"{SECRET}\"}}}}"),
        ),
        ("a newer format", newer(whole)),
    ]
}

/// The text in a format that nobody knows yet.
fn newer(whole: &str) -> String {
    let name = whole.find("\"thingspace-").expect("the name of the format");
    let (before, name) = whole.split_at(name + 1);
    format!("{before}{}", name.replacen('"', "0\"", 1))
}
