//! Stores that break a law: the law finds each.

use std::{panic::catch_unwind, time::Duration};

use thingspace_conformance::{
    laws::{
        absence, age, conflicts, damage, drops, loss, saving, secrets, sessions, waiting, waking,
    },
    set_patience,
};

use crate::store::{Flaw, Flawed, Memory};

/// Defines a test for each flaw: this law fails.
macro_rules! broken {
    ($($test:ident: $flaw:ident breaks $subject:ident::$law:ident;)*) => {
        $(#[test]
        fn $test() {
            struct Broken;

            impl Flawed for Broken {
                const FLAW: Flaw = Flaw::$flaw;
            }

            // What never happens is not waited for as long as what is only late.
            set_patience(Duration::from_secs(2));
            assert!(
                catch_unwind($subject::$law::<Memory<Broken>>).is_err(),
                "nobody notices"
            );
        })*
    };
}

broken! {
    a_store_that_saves_atop_of_nothing: SavesAtopOfNothing
        breaks absence::a_save_that_has_seen_something_where_nothing_is_conflicts;
    a_store_that_ignores_what_was_seen: IgnoresWhatWasSeen
        breaks conflicts::a_save_that_has_seen_anything_else_conflicts;
    a_store_that_ignores_what_was_seen_only_if_it_is_awaited: IgnoresWhatWasSeenIfAwaited
        breaks conflicts::a_save_that_has_seen_anything_else_conflicts;
    a_store_that_compares_versions_alone: ComparesVersionsAlone
        breaks conflicts::a_save_that_has_seen_anything_else_conflicts;
    a_store_that_takes_conflicts_for_errors: TakesConflictsForErrors
        breaks conflicts::a_save_that_has_seen_anything_else_conflicts;
    a_store_that_looks_before_it_locks: LooksBeforeItLocks
        breaks conflicts::of_those_who_save_at_once_nobody_is_overwritten_unseen;
    a_store_that_compares_versions_alone_after_a_loss: ComparesVersionsAlone
        breaks loss::a_place_that_goes_back_in_time_takes_no_save_of_those_who_saw_more;
    a_store_that_saves_for_those_who_saw_more: SavesForThoseWhoSawMore
        breaks loss::a_place_that_goes_back_in_time_takes_no_save_of_those_who_saw_more;
    a_store_that_keeps_what_was_lost: KeepsWhatWasLost
        breaks loss::a_place_that_is_emptied_is_empty_for_everybody;
    a_store_that_keeps_what_it_loaded: KeepsWhatItLoaded
        breaks saving::everything_that_one_process_saves_another_loads;
    a_store_that_says_that_it_saves: SaysThatItSaves
        breaks saving::everything_that_one_process_saves_another_loads;
    a_store_that_cuts_off_what_is_long: CutsOffWhatIsLong
        breaks saving::the_largest_session_is_saved_and_loaded;
    a_store_that_takes_damage_for_nothing: TakesDamageForNothing
        breaks damage::what_is_damaged_is_neither_loaded_nor_overwritten;
    a_store_that_overwrites_damage: OverwritesDamage
        breaks damage::what_is_damaged_is_neither_loaded_nor_overwritten;
    a_store_whose_content_is_always_new: IsAlwaysNew
        breaks age::a_session_is_new_when_it_is_saved_and_grows_older;
    a_store_whose_content_is_as_old_as_the_place: IsAsOldAsThePlace
        breaks age::a_session_is_new_when_it_is_saved_and_grows_older;
    a_store_that_tells_nobody_though_it_says_so: TellsNobody
        breaks waking::a_change_of_another_process_is_reported_to_those_who_watch;
    a_store_that_tells_the_first_alone: TellsTheFirstAlone
        breaks waking::a_change_of_another_process_is_reported_to_those_who_watch;
    a_store_that_tells_nobody_and_is_seldom_looked_at: IsSeldomLookedAt
        breaks waking::a_change_of_another_process_is_reported_to_those_who_watch;
    a_store_that_waits_for_ever: WaitsForEver
        breaks waiting::no_access_to_a_place_that_hangs_lasts_longer_than_its_bound;
    a_store_that_never_works_again: NeverWorksAgain
        breaks waiting::no_access_to_a_place_that_hangs_lasts_longer_than_its_bound;
    a_store_that_breaks_off_halfway: BreaksOffHalfway
        breaks drops::a_save_that_is_dropped_anywhere_takes_place_whole_or_not_at_all;
    a_store_that_stays_busy_when_it_is_dropped: StaysBusyWhenDropped
        breaks drops::a_load_that_is_dropped_anywhere_harms_nothing;
    a_store_that_shows_its_content: ShowsItsContent
        breaks secrets::no_secret_is_shown;
    a_store_that_shows_its_content_in_errors: ShowsItsContentInErrors
        breaks secrets::no_secret_is_shown;
    a_store_that_lets_two_processes_log_in: IgnoresWhatWasSeen
        breaks sessions::of_two_processes_that_begin_a_login_at_once_one_waits;
    a_store_that_only_says_that_it_saves_a_login: SaysThatItSaves
        breaks sessions::two_processes_make_one_login;
}
