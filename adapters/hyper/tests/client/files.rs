//! A session in a file: a store that blocks, on a thread of its own.

use thingspace_file::FileStore;
use thingspace_hyper::OnThread;
use thingspace_scenarios::account;
use thingspace_simulator::Call;

use crate::asynchronous::{Stage, builder};

#[tokio::test]
async fn two_processes_that_await_make_one_login_for_both() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/session.json");
    let process = || {
        let store = OnThread::new(FileStore::new(&path)).unwrap();
        builder(stage.options()).store(store).build().unwrap()
    };
    let (here, there) = (process(), process());
    let (first, second) = tokio::join!(here.call(account()), there.call(account()));
    assert_eq!(first.unwrap().status(), 200);
    assert_eq!(second.unwrap().status(), 200);
    assert_eq!(stage.seen(Call::LogIn), 1);

    // One that starts later, and one that ends it for all.
    process().call(account()).await.unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);
    there.log_out().await.unwrap().unwrap();
    assert_eq!(process().log_out().await.unwrap(), None);
}
