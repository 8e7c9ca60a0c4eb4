//! A place where nothing is saved.

use thingspace_core::session::Revision;

use crate::{Place, snapshots::next, stage::Stage};

pub(crate) fn nothing_is_loaded_where_nothing_is_saved<P: Place>() {
    Stage::<P>::each(|stage| {
        assert_eq!(stage.process().find(), None);
        assert_eq!(stage.place.read(), None);
        // Nor has looking at it put anything there.
        assert_eq!(stage.process().find(), None);
    });
}

pub(crate) fn a_save_that_has_seen_something_where_nothing_is_conflicts<P: Place>() {
    Stage::<P>::each(|stage| {
        let process = stage.process();
        let somebodys = next(None);
        for seen in [Revision::default(), somebodys.revision()] {
            process.refuses(Some(seen), &next(Some(seen)));
            assert_eq!(process.find(), None);
        }
        process.takes(None, &somebodys);
        assert_eq!(process.saved(), somebodys);
    });
}
