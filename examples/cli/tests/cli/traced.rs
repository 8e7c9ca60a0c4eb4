//! A program that is stopped at each of its steps, whichever of its threads makes
//! it.
//!
//! A step is a system call by which the program writes a file or sends something.
//! (strace can send a signal at a step, but it counts the steps of each thread for
//! itself, so some could not be named.)

use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
};

use nix::{
    errno::Errno,
    libc::{self, c_long},
    sys::{
        ptrace::{self, Event, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

/// The system calls that open, write, save, name and lock files, and those that
/// send and receive.
pub(crate) const STEPS: &[(&str, c_long)] = &[
    #[cfg(target_arch = "x86_64")]
    ("open", libc::SYS_open),
    ("openat", libc::SYS_openat),
    #[cfg(target_arch = "x86_64")]
    ("mkdir", libc::SYS_mkdir),
    ("mkdirat", libc::SYS_mkdirat),
    ("flock", libc::SYS_flock),
    ("write", libc::SYS_write),
    ("writev", libc::SYS_writev),
    ("ftruncate", libc::SYS_ftruncate),
    ("fsync", libc::SYS_fsync),
    #[cfg(target_arch = "x86_64")]
    ("rename", libc::SYS_rename),
    #[cfg(target_arch = "x86_64")]
    ("renameat", libc::SYS_renameat),
    ("renameat2", libc::SYS_renameat2),
    #[cfg(target_arch = "x86_64")]
    ("unlink", libc::SYS_unlink),
    ("unlinkat", libc::SYS_unlinkat),
    ("connect", libc::SYS_connect),
    ("sendto", libc::SYS_sendto),
    ("recvfrom", libc::SYS_recvfrom),
];

/// One step of a program.
pub(crate) struct Step {
    /// The name of the system call.
    pub(crate) name: &'static str,
    /// The file that it is about, if it has one open; else the socket, or nothing.
    pub(crate) file: String,
}

/// Runs a program and sends it a signal as its `nth` step of this name begins. Calls
/// `meanwhile` with its number, once it has started.
/// Returns its end, and the steps that it had made before the signal, or all if it ended
/// before. (Another thread may have been in the middle of one.)
pub(crate) fn signal_at(
    program: &Command,
    name: &str,
    nth: usize,
    signal: Signal,
    meanwhile: impl FnOnce(Pid),
) -> (ExitStatus, Vec<Step>) {
    let program = start(program);
    meanwhile(program);
    let mut steps = Vec::<(Pid, bool, Step)>::new();
    let mut is_sent = false;
    let made = |steps: Vec<(Pid, bool, Step)>| {
        let made = steps.into_iter().filter(|(_, is_made, _)| *is_made);
        made.map(|(.., step)| step).collect()
    };
    loop {
        // Other tests have children of their own, on threads of their own.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let (thread, passed_on) = match waitpid(None, Some(flags)).unwrap() {
            WaitStatus::Exited(ended, code) if ended == program => {
                return (ExitStatus::from_raw(code << 8), made(steps));
            }
            WaitStatus::Signaled(ended, by, _) if ended == program => {
                return (ExitStatus::from_raw(by as i32), made(steps));
            }
            WaitStatus::PtraceSyscall(thread) => {
                match step_of(thread).filter(|_| !is_sent) {
                    Some(step) => {
                        let begun = steps.iter().filter(|(.., begun)| begun.name == name);
                        is_sent = step.name == name && begun.count() + 1 == nth;
                        if is_sent {
                            kill(program, signal).unwrap();
                        } else {
                            steps.push((thread, false, step));
                        }
                    }
                    // The end of its last one, or of another call.
                    None if !is_sent => {
                        let mut last = steps.iter_mut().rev();
                        if let Some((_, is_made, _)) = last.find(|(by, ..)| *by == thread) {
                            *is_made = true;
                        }
                    }
                    None => {}
                }
                (thread, None)
            }
            WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
            WaitStatus::PtraceEvent(thread, ..) => (thread, None),
            // The end of one of its threads.
            _ => continue,
        };
        match ptrace::syscall(thread, passed_on) {
            // It was killed meanwhile.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("{thread} does not go on: {error}"),
        }
    }
}

/// Starts a program, with all of its threads traced from its first step on. It is
/// killed if this thread ends before it.
// Whoever traces it waits for its end.
#[allow(clippy::zombie_processes)]
fn start(program: &Command) -> Pid {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "read -r _; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in program.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.current_dir(program.get_current_dir().unwrap());
    let mut shell = shell.spawn().unwrap();
    let pid = Pid::from_raw(shell.id().try_into().unwrap());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).unwrap();
    shell.stdin.take().unwrap().write_all(b"\n").unwrap();
    loop {
        match waitpid(pid, Some(WaitPidFlag::__WALL)).unwrap() {
            WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXEC as i32 => {
                break;
            }
            WaitStatus::PtraceEvent(..) => ptrace::cont(pid, None).unwrap(),
            WaitStatus::Stopped(_, signal) => ptrace::cont(pid, signal).unwrap(),
            other => panic!("the program did not start: {other:?}"),
        }
    }
    ptrace::syscall(pid, None).unwrap();
    pid
}

/// The step that a stopped thread is about to make, if it is one.
fn step_of(thread: Pid) -> Option<Step> {
    if ptrace::syscall_info(thread).ok()?.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // The number of the call and its arguments.
    let call = fs::read_to_string(format!("/proc/{thread}/syscall")).ok()?;
    let mut parts = call.split_whitespace();
    let number: c_long = parts.next()?.parse().ok()?;
    let (name, _) = STEPS.iter().find(|(_, step)| *step == number)?;
    let descriptor = parts.next().and_then(|first| {
        let first = u64::from_str_radix(first.trim_start_matches("0x"), 16).ok()?;
        fs::read_link(format!("/proc/{thread}/fd/{first}")).ok()
    });
    Some(Step {
        name,
        file: descriptor.map_or_else(String::new, |file| file.display().to_string()),
    })
}
