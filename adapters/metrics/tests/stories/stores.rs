//! A store that fails, or has what others have saved.

use thingspace_scenarios::MINUTE;

use crate::story::Story;

const FAILURES: &str = "thingspace.store.failures";
const CONFLICTS: &str = "thingspace.store.conflicts";

#[test]
fn a_store_that_is_down_is_counted() {
    let story = Story::new();
    let client = story.sharing(story.register.clone());
    story.register.set_down(true);
    client.log_in().unwrap_err();
    story.assert_counted(FAILURES, 1);
    story.register.set_down(false);
    story.stage.pass(MINUTE);
    client.log_in().unwrap();
    story.assert_counted(FAILURES, 1);
    story.assert_counted(CONFLICTS, 0);
}

#[test]
fn a_save_that_fails_is_counted() {
    let story = Story::new();
    let client = story.sharing(story.register.clone());
    story.register.fail_saves(|_| true);
    client.log_in().unwrap_err();
    story.assert_counted(FAILURES, 1);
}

#[test]
fn a_save_that_another_process_was_faster_than_is_counted() {
    let story = Story::new();
    let client = story.sharing(story.register.clone());
    story.register.overtake();
    client.log_in().unwrap();
    story.assert_counted(CONFLICTS, 1);
    story.assert_counted(FAILURES, 0);
    story.assert_counted(r#"thingspace.logins{outcome="succeeded"}"#, 1);
}
