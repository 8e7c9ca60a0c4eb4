//! Instructions and allocations of a program, counted by valgrind's callgrind.

use std::{
    collections::HashSet,
    env, fs, io,
    process::{Command, Stdio},
};

/// The counts of what a program did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Instructions, in user space.
    pub(crate) instructions: u64,
    /// Calls of functions of the allocator that give memory, or more of it.
    pub(crate) allocations: u64,
}

impl Counts {
    /// The counts of each of `rounds`, to the nearest whole number. `self` is all of
    /// them, and `rest` what was done besides.
    pub(crate) fn each(self, rest: Self, rounds: u64) -> Self {
        let each = |all: u64, rest: u64| (all.saturating_sub(rest) + rounds / 2) / rounds;
        Self {
            instructions: each(self.instructions, rest.instructions),
            allocations: each(self.allocations, rest.allocations),
        }
    }
}

/// Returns true if there is a valgrind to count with.
pub(crate) fn is_installed() -> bool {
    let version = Command::new("valgrind").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Runs a program and counts what it does. The profile is saved under this name,
/// beside the program that counts: somewhere in the target directory.
///
/// Fails if the program does, or if callgrind's output has no total.
pub(crate) fn count(program: &Command, name: &str) -> io::Result<Counts> {
    let folder = env::current_exe()?.with_file_name("callgrind");
    fs::create_dir_all(&folder)?;
    let profile = folder.join(format!("{name}.callgrind"));
    let mut valgrind = Command::new("valgrind");
    let status = with_variables(&mut valgrind, program)
        .args(["--quiet", "--tool=callgrind", "--compress-strings=no"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program.get_program())
        .args(program.get_args())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{program:?} failed: {status}")));
    }
    read(&fs::read_to_string(&profile)?).ok_or_else(|| io::Error::other("no total in the profile"))
}

/// Gives a command the variables of another, and takes those from it that the other is
/// not to have.
pub(crate) fn with_variables<'a>(command: &'a mut Command, of: &Command) -> &'a mut Command {
    for (name, value) in of.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Reads a profile: its total, and the calls of functions that
/// allocate (`cfn=` names the function that the following `calls=` counts).
fn read(profile: &str) -> Option<Counts> {
    let allocators = HashSet::from([
        "malloc",
        "calloc",
        "realloc",
        "posix_memalign",
        "aligned_alloc",
    ]);
    let mut counts = Counts::default();
    let mut called = "";
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("cfn=") {
            called = name;
        } else if let Some(calls) = line.strip_prefix("calls=") {
            if allocators.contains(called) {
                counts.allocations += calls.split(' ').next()?.parse::<u64>().ok()?;
            }
        } else if let Some(total) = line.strip_prefix("totals: ") {
            counts.instructions = total.trim().parse().ok()?;
        }
    }
    (counts.instructions > 0).then_some(counts)
}
