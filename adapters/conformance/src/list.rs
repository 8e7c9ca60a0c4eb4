//! The list of all laws.
//!
//! Nothing else names a law outside of its module. So a law that is missing here is dead
//! code, and the compiler reports it.

/// Defines, from the list, a public function for each law and the macro that turns all of
/// them into tests.
macro_rules! list {
    ($dollar:tt $($subject:ident { $($law:ident,)* })*) => {
        /// All laws, by their subject.
        #[doc(hidden)]
        pub mod laws {
            $(pub mod $subject {
                $(pub fn $law<P: crate::Place>() {
                    crate::$subject::$law::<P>();
                })*
            })*
        }

        /// Defines a test for each law, in a module for each subject. The argument is the
        /// name of a type that implements [`Place`](crate::Place).
        #[macro_export]
        macro_rules! all {
            ($dollar place:ident) => {
                $(mod $subject {
                    $(#[test]
                    fn $law() {
                        $dollar crate::laws::$subject::$law::<super::$dollar place>();
                    })*
                })*
            };
        }
    };
}

list! {$
    absence {
        nothing_is_loaded_where_nothing_is_saved,
        a_save_that_has_seen_something_where_nothing_is_conflicts,
    }
    saving {
        everything_that_one_process_saves_another_loads,
        the_largest_session_is_saved_and_loaded,
        many_processes_load_at_once,
    }
    conflicts {
        a_save_that_has_seen_anything_else_conflicts,
        of_those_who_save_at_once_nobody_is_overwritten_unseen,
    }
    loss {
        a_place_that_is_emptied_is_empty_for_everybody,
        a_place_that_goes_back_in_time_takes_no_save_of_those_who_saw_more,
    }
    damage {
        what_is_damaged_is_neither_loaded_nor_overwritten,
    }
    age {
        a_session_is_new_when_it_is_saved_and_grows_older,
    }
    waking {
        a_change_of_another_process_is_reported_to_those_who_watch,
    }
    waiting {
        no_access_to_a_place_that_hangs_lasts_longer_than_its_bound,
    }
    drops {
        a_load_that_is_dropped_anywhere_harms_nothing,
        a_save_that_is_dropped_anywhere_takes_place_whole_or_not_at_all,
    }
    secrets {
        no_secret_is_shown,
    }
    sessions {
        two_processes_make_one_login,
        of_two_processes_that_begin_a_login_at_once_one_waits,
        a_crowd_makes_one_login,
        a_process_that_does_not_know_whether_it_has_saved_finds_out_by_loading,
        a_session_of_somebody_else_is_refused_and_left_in_its_place,
        what_a_place_has_forgotten_it_gets_again,
    }
}
