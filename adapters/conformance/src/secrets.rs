//! What is shown of a store.

use crate::{
    Place,
    snapshots::{SECRET, next},
    stage::{Stage, assert_shows_no_secret},
};

pub(crate) fn no_secret_is_shown<P: Place>() {
    Stage::<P>::each(|stage| {
        let process = stage.process();
        let shown = || format!("{0:?} {0:#?}", process.face().store);
        assert_shows_no_secret(&shown());
        let saved = process.change();
        process.refuses(None, &next(None));
        assert_shows_no_secret(&format!("{:?}", process.find()));
        assert_shows_no_secret(&shown());

        // The errors of every access are looked at where it is made.
        let whole = stage.text();
        let cut = whole.chars().count() - 1;
        let cut: String = whole.chars().take(cut).collect();
        for damaged in [
            &*cut,
            SECRET,
            &format!("{{\"thingspace-session-3\":\"{SECRET}\"}}"),
        ] {
            stage.place.write(Some(damaged));
            assert!(process.load().is_err(), "it is damaged");
            process.save(Some(saved.revision()), &next(None)).ok();
            assert_shows_no_secret(&shown());
        }
    });
}
