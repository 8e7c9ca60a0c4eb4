//! The list of all scenarios.
//!
//! Nothing else names a scenario outside of its module. So a scenario that is missing
//! here is dead code, and the compiler reports it.

/// Defines, from the list, a public function for each scenario and the macro that
/// turns all of them into tests.
macro_rules! list {
    ($dollar:tt $($subject:ident { $($scenario:ident,)* })*) => {
        /// All scenarios, by their subject.
        #[doc(hidden)]
        pub mod scenarios {
            $(pub mod $subject {
                $(pub fn $scenario<C: crate::Client>() {
                    crate::$subject::$scenario::<C>();
                })*
            })*
        }

        /// Defines a test for each scenario, in a module for each subject. The
        /// argument is the name of a type that implements
        /// [`Client`](crate::Client).
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
        a_session_opens_on_the_first_call_and_is_reused,
        logging_in_while_a_session_is_open_sends_nothing,
        an_idle_session_is_replaced_before_anything_is_refused,
        law_5_an_unexpectedly_expired_session_costs_a_call_one_replay,
        law_5_a_session_that_was_ended_elsewhere_costs_a_call_one_replay,
        a_busy_session_outlives_its_bearer_tokens_and_nothing_is_refused,
        law_5_a_bearer_that_was_revoked_costs_a_call_one_replay,
        logging_out_ends_the_session_at_the_service,
        logging_out_without_a_session_sends_nothing,
        the_login_after_a_reset_uses_the_new_password,
        a_response_keeps_its_status_and_headers,
        a_refusal_keeps_its_status_headers_and_code,
        a_custom_endpoint_fetches_all_pages,
        law_11_a_session_continues_from_a_snapshot,
        a_session_that_expired_while_it_was_stored_is_replaced,
        other_credentials_of_the_same_user_keep_the_session,
    }
    sharing {
        law_1_a_crowd_that_opens_a_session_makes_one_login,
        law_1_a_crowd_whose_session_is_idle_makes_one_login,
        law_7_a_crowd_whose_session_is_refused_makes_one_login,
        law_1_a_crowd_with_an_expired_bearer_fetches_one_bearer,
        clones_share_the_session,
        law_13_endpoints_build_and_read_with_nothing_locked,
        a_client_can_be_formatted_while_its_session_is_in_use,
        law_14_a_thread_that_panics_during_the_login_does_not_end_it,
        law_14_an_observer_that_panics_during_a_login_does_not_end_it,
        law_14_an_observer_that_always_panics_ends_calls_and_no_operation,
        law_14_a_thousand_calls_that_give_up_early_harm_no_login,
    }
    gateway {
        law_5_a_bearer_refused_in_any_form_costs_a_call_one_bearer,
        a_session_counts_as_ended_whatever_401_its_logout_gets,
        law_5_a_dead_session_is_recognised_in_another_products_form,
        an_application_alone_makes_calls_that_take_no_session,
    }
    guard {
        law_3_a_crowd_with_a_wrong_password_fails_one_login,
        law_3_repeated_calls_with_a_wrong_password_fail_one_login,
        law_2_two_logins_may_be_lost_and_two_more_hours_apart,
        law_2_a_crowd_loses_no_more_than_two_logins,
        law_4_a_stale_bearer_is_not_held_against_the_password,
        law_3_other_credentials_open_the_login_guard,
        law_3_unblocking_opens_the_login_guard,
        law_2_a_successful_login_clears_the_count_of_failed_ones,
        a_user_name_that_others_locked_is_used_again_once_it_is_unlocked,
        a_wrong_application_is_not_held_against_the_user,
    }
    faults {
        an_idempotent_call_survives_every_transient_fault,
        law_6_a_call_that_is_not_idempotent_is_executed_once_at_most,
        a_login_is_retried_once_after_a_transient_fault,
        a_token_fetch_is_retried_after_a_transient_fault,
        law_8_a_reset_is_sent_once_and_if_lost_blocks_the_login_guard,
        a_persistent_fault_is_tried_three_times,
        a_retry_after_of_an_hour_is_not_waited_for,
    }
    limits {
        law_10_an_endless_response_is_cut,
        law_10_an_endless_refusal_is_cut,
        law_10_endless_headers_are_cut,
        a_response_of_the_largest_size_is_accepted_and_no_larger_one,
        law_12_a_request_to_a_service_that_hangs_times_out,
        law_12_a_deadline_ends_a_call_that_hangs,
        law_12_a_deadline_that_has_passed_sends_nothing,
        law_12_a_call_whose_deadline_passes_before_it_is_sent_is_not_sent,
        law_12_a_call_whose_step_takes_longer_than_its_deadline_is_not_sent,
        law_2_a_login_whose_deadline_passes_before_it_is_sent_does_not_count,
        law_12_a_deadline_passes_though_the_clock_is_set_back_again_and_again,
        law_12_a_deadline_ends_a_call_that_waits_for_the_login_of_another,
        law_12_a_deadline_ends_a_call_that_would_back_off_beyond_it,
    }
    reset {
        law_8_until_a_reset_is_confirmed_no_login_is_made_and_the_session_goes_on,
        a_new_password_is_confirmed_again_until_another_one_is_in_use,
        a_new_password_is_not_awaited_after_other_credentials_were_given,
        law_8_a_reset_that_outlasts_its_call_leaves_its_new_password,
    }
    keeper {
        a_new_password_is_used_as_soon_as_it_is_kept,
        law_14_a_keeper_that_fails_or_panics_harms_its_own_call_alone,
        law_14_a_keeper_may_call_the_client,
        law_14_a_keeper_that_does_not_return_holds_up_nobody,
        law_8_a_new_password_that_breaks_off_is_given_as_far_as_it_came,
    }
    store {
        the_session_that_one_process_opens_the_others_use_and_end,
        law_1_two_processes_make_one_login_for_both,
        law_1_a_call_waits_for_the_login_of_another_process,
        a_call_that_waits_for_another_process_is_woken_by_the_store,
        law_15_nothing_is_sent_that_could_not_be_saved,
        law_15_a_thousand_calls_with_an_open_session_make_no_load_and_no_save,
        law_15_a_session_whose_login_could_not_be_saved_is_used_at_once,
        law_15_a_store_that_is_down_stops_no_call_of_an_open_session,
        law_15_a_client_that_is_built_while_its_store_is_down_works_when_it_is_back,
        law_14_a_store_that_panics_harms_its_own_call_alone,
        law_14_the_login_of_a_call_that_panics_goes_on_for_all,
        law_14_the_login_of_a_call_that_gives_up_goes_on_for_all,
        law_14_the_login_goes_on_for_all_who_share_a_file,
        law_8_a_process_whose_password_another_has_reset_makes_no_login_with_it,
        law_8_no_process_makes_a_login_until_a_reset_is_confirmed,
        a_process_that_starts_after_a_reset_logs_in_with_the_new_password,
        law_8_a_confirmation_that_could_not_be_saved_gives_the_password_and_may_be_retried,
        law_8_a_reset_whose_response_could_not_be_saved_is_confirmed_all_the_same,
        a_session_without_a_store_is_changed_and_synced_all_the_same,
    }
    headers {
        all_clients_send_the_same_headers,
        a_request_keeps_its_own_user_agent,
    }
    redirects {
        law_9_no_redirect_is_followed,
    }
    observers {
        everything_is_reported_to_an_observer_in_order,
        a_response_is_reported_after_the_machine_has_it,
        an_observer_may_look_at_the_session,
    }
    transport {
        a_request_without_a_connection_was_never_sent,
        law_2_a_login_without_a_connection_does_not_count,
        law_9_a_request_to_this_machine_does_not_go_through_a_proxy,
        a_request_to_an_unknown_host_was_never_sent,
        a_response_that_breaks_off_leaves_the_outcome_unknown,
        a_response_that_is_not_http_leaves_the_outcome_unknown,
        law_2_a_login_whose_connection_is_reset_counts,
        law_6_a_stale_connection_costs_an_idempotent_call_nothing,
        law_6_a_stale_connection_executes_no_call_twice,
        a_service_that_speaks_no_tls_is_an_error,
        every_method_is_sent_with_a_body_and_without,
    }
    tls {
        a_service_with_a_valid_certificate_is_trusted,
        a_new_connection_resumes_the_tls_session_of_an_old_one,
        law_9_a_service_with_another_name_receives_nothing,
        law_9_a_service_with_an_expired_certificate_receives_nothing,
        law_9_a_service_with_an_unknown_issuer_receives_nothing,
        requests_go_through_the_proxy_that_the_environment_names,
        a_host_that_the_environment_exempts_is_reached_without_the_proxy,
        a_proxy_that_makes_no_tunnel_was_sent_no_request,
        a_handshake_that_breaks_off_was_no_request,
    }
    paging {
        thousands_of_devices_are_listed_one_by_one,
        thousands_are_listed_by_the_location_of_the_next_page,
        a_page_that_fails_is_resumed_here_and_elsewhere,
        a_list_that_repeats_itself_ends,
        a_list_that_is_left_harms_nothing,
    }
    following {
        a_request_is_followed_by_its_status_to_its_end,
        a_callback_ends_a_request_that_is_pending_by_its_status,
        a_callback_is_there_for_the_follower_that_comes_later,
        the_devices_of_a_request_end_one_by_one,
        a_request_of_which_nothing_is_heard_is_unknown_at_its_deadline,
        many_requests_are_followed_at_once,
    }
    callbacks {
        each_of_ten_thousand_requests_ends_once_whatever_becomes_of_its_callback,
    }
    network {
        law_6_a_call_whose_service_becomes_unreachable_is_executed_once,
        a_request_to_a_service_that_is_unreachable_was_never_sent,
    }
    traces {
        law_10_whatever_passes_no_secret_is_written_anywhere,
    }
}
