//! A place that loses what was saved, or goes back in time.

use crate::{Place, snapshots::next, stage::Stage};

pub(crate) fn a_place_that_is_emptied_is_empty_for_everybody<P: Place>() {
    Stage::<P>::each(|stage| {
        let (here, there) = (stage.process(), stage.process());
        let lost = here.change();
        assert_eq!(there.saved(), lost);
        stage.place.write(None);
        assert_eq!(here.find(), None);
        assert_eq!(there.find(), None);

        here.refuses(Some(lost.revision()), &next(Some(lost.revision())));
        assert_eq!(there.find(), None);
        let new = next(None);
        there.takes(None, &new);
        assert_eq!(here.saved(), new);
        here.refuses(Some(lost.revision()), &next(Some(lost.revision())));
        assert_eq!(here.saved(), new);
    });
}

pub(crate) fn a_place_that_goes_back_in_time_takes_no_save_of_those_who_saw_more<P: Place>() {
    Stage::<P>::each(|stage| {
        let (here, there) = (stage.process(), stage.process());
        let old = here.change();
        let backup = stage.text();
        let newer = there.change();
        assert_eq!(here.saved(), newer);
        stage.place.write(Some(&backup));
        assert_eq!(here.saved(), old);
        assert_eq!(there.saved(), old);

        there.refuses(Some(newer.revision()), &next(Some(newer.revision())));
        assert_eq!(here.saved(), old);
        // It grows again, as high as it was, into another history.
        let other = here.change();
        assert_eq!(other.revision().version, newer.revision().version);
        there.refuses(Some(newer.revision()), &next(Some(newer.revision())));
        assert_eq!(there.saved(), other);
    });
}
