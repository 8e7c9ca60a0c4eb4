//! The one list of scenarios.
//!
//! It is the only thing outside of their modules that names them: a scenario
//! that is missing here is never used, and the compiler says so.

/// Makes of the list what the tests of an adapter are made of: a way to each
/// scenario, and the macro that asks for all of them.
macro_rules! list {
    ($dollar:tt $($subject:ident { $($scenario:ident,)* })*) => {
        /// Each scenario, by its subject.
        #[doc(hidden)]
        pub mod scenarios {
            $(pub mod $subject {
                $(pub fn $scenario<C: crate::Client>() {
                    crate::$subject::$scenario::<C>();
                })*
            })*
        }

        /// All scenarios as tests of the client of this name, which implements
        /// [`Client`](crate::Client): a module for each subject, a test for each
        /// scenario.
        #[macro_export]
        macro_rules! all {
            ($dollar client:ident) => {
                $(mod $subject {
                    $(#[test]
                    fn $scenario() {
                        $dollar crate::scenarios::$subject::$scenario::<super::$dollar client>();
                    })*
                })*
            };
        }
    };
}

list! {$
    session {
        a_session_opens_by_itself_and_is_kept,
        logging_in_while_a_session_is_open_sends_nothing,
        an_idle_session_is_replaced_before_anything_is_refused,
        law_5_a_session_that_expired_unforeseen_costs_a_call_one_replay,
        law_5_a_session_that_was_ended_elsewhere_costs_a_call_one_replay,
        a_busy_session_outlives_its_bearer_tokens_and_nothing_is_refused,
        law_5_a_bearer_that_was_revoked_costs_a_call_one_replay,
        logging_out_ends_the_session_at_the_service,
        logging_out_without_a_session_sends_nothing,
        a_reset_password_is_the_one_that_the_next_login_uses,
        status_and_headers_stay_beside_an_answer,
        status_headers_and_code_stay_beside_a_refusal,
        an_endpoint_of_ones_own_goes_through_pages,
        law_11_a_session_goes_on_from_a_snapshot,
        a_session_that_died_while_it_was_stored_is_replaced,
        other_credentials_of_the_same_user_keep_the_session,
    }
    sharing {
        law_1_a_crowd_that_opens_a_session_makes_one_login,
        law_1_a_crowd_whose_session_is_idle_makes_one_login,
        law_7_a_crowd_whose_session_is_refused_makes_one_login,
        law_1_a_crowd_whose_hour_is_over_fetches_one_bearer,
        clones_share_the_session,
        a_client_is_shown_to_whoever_looks_at_its_session,
        a_thread_that_panics_with_the_login_leaves_it_to_another,
        an_observer_that_panics_leaves_the_login_to_others,
        an_observer_that_always_panics_ends_calls_and_nothing_else,
    }
    guard {
        law_3_a_crowd_with_a_wrong_password_fails_one_login,
        law_3_trying_a_wrong_password_again_and_again_fails_one_login,
        law_2_no_more_than_two_logins_are_lost_before_the_gate_closes,
        law_2_a_crowd_loses_no_more_than_two_logins,
        law_4_a_stale_bearer_is_not_held_against_the_password,
        law_3_other_credentials_open_the_gate,
        law_3_re_arming_opens_the_gate,
        law_2_a_login_that_succeeds_forgets_those_that_failed,
        a_user_name_that_others_locked_is_used_again_once_it_is_unlocked,
        a_wrong_application_is_not_held_against_the_user,
    }
    faults {
        what_may_be_done_twice_survives_whatever_may_pass,
        law_6_what_must_not_be_done_twice_is_not,
        a_login_is_made_once_more_after_whatever_may_pass,
        a_token_fetch_is_tried_again_after_whatever_may_pass,
        law_8_a_reset_is_sent_once_and_if_lost_closes_the_gate,
        what_fails_for_ever_is_tried_three_times,
        an_outage_for_an_hour_is_not_waited_for,
    }
    limits {
        law_10_an_endless_answer_is_cut,
        law_10_an_endless_refusal_is_cut,
        law_10_endless_headers_are_cut,
        an_answer_as_long_as_may_be_is_taken_and_no_longer_one,
        law_12_a_service_that_hangs_is_given_up_after_a_while,
        law_12_a_deadline_ends_a_call_that_hangs,
        law_12_a_deadline_that_has_passed_sends_nothing,
        law_12_a_deadline_ends_a_call_that_waits_for_the_login_of_another,
        law_12_a_deadline_ends_a_call_that_would_pause_beyond_it,
    }
    redirects {
        law_9_no_redirect_is_followed,
    }
    observers {
        an_observer_is_told_of_everything_in_its_order,
        an_observer_may_look_at_the_session,
    }
    transport {
        what_no_connection_was_made_for_was_never_sent,
        law_2_a_login_that_no_connection_was_made_for_does_not_count,
        law_9_a_proxy_for_the_way_out_does_not_hear_what_stays_on_this_machine,
        what_goes_to_a_name_that_nobody_has_was_never_sent,
        half_an_answer_is_none,
        what_is_no_http_is_no_answer,
        law_2_a_login_whose_connection_is_reset_counts,
        law_6_a_connection_that_went_stale_costs_a_question_nothing,
        law_6_a_connection_that_went_stale_has_nothing_done_twice,
        a_service_that_speaks_no_tls_is_an_error,
        every_method_goes_out_with_a_body_and_without,
    }
    tls {
        a_service_with_a_good_chain_is_believed,
        law_9_a_service_with_another_name_hears_nothing,
        law_9_a_service_whose_time_is_over_hears_nothing,
        law_9_a_service_that_nobody_known_vouches_for_hears_nothing,
        the_way_out_is_through_the_proxy_that_the_environment_names,
        a_place_that_the_environment_exempts_is_reached_without_the_proxy,
    }
    traces {
        law_10_whatever_passes_no_secret_is_written_anywhere,
    }
}
