//! The process that removes a server if the test's own process is killed.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

/// Reads the id of the server from its input, or an empty line if there is none. Its
/// input ends with the test's process, however that ends.
const SCRIPT: &str = r#"
while read -r line; do server=$line; done
if [ "$server" ]; then
    kill -STOP "$server"
    for file in /proc/[0-9]*/stat; do
        read -r stat <"$file" && set -- ${stat##*) } && [ "$2" = "$server" ] || continue
        child=${file#/proc/}
        kill -KILL "${child%/stat}"
    done
    kill -KILL "$server"
fi
rm -rf "$FOLDER"
"#;

/// A process that kills a server and removes its folder once this value, or the process
/// that holds it, is gone.
#[derive(Debug)]
pub(crate) struct Watchdog {
    process: Child,
    input: Option<ChildStdin>,
}

impl Watchdog {
    pub(crate) fn over(folder: &Path) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT])
            .env("FOLDER", folder)
            // A terminal's Ctrl-C is for the test, not for who cleans up after it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let input = process.stdin.take();
        Self { process, input }
    }

    /// Says which process is to be killed.
    pub(crate) fn watch(&mut self, server: Option<u32>) {
        let line = server.map(|id| id.to_string()).unwrap_or_default();
        if let Some(input) = &mut self.input {
            // Without a watchdog, a server still ends with its value.
            let _ = writeln!(input, "{line}");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
