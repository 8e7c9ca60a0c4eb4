//! Asks for a confirmation of what has a risk.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::{
    failure::{Exit, Failure},
    show,
};

/// A question before something that has a risk.
pub(crate) struct Question<'a> {
    /// The text about what may come of it.
    pub(crate) risk: &'a str,
    pub(crate) text: &'a str,
    /// The failure where nobody can be asked.
    pub(crate) needs: &'a str,
    /// The failure after a no, and its exit code.
    pub(crate) declined: &'a str,
    pub(crate) exit: Exit,
    /// True if the confirmation was given with the command.
    pub(crate) yes: bool,
    pub(crate) json: bool,
}

/// Shows the risk and asks, unless the confirmation was given. Fails if there is none.
pub(crate) fn ask(question: &Question<'_>) -> Result<(), Failure> {
    if question.yes {
        if !question.json {
            show::to_stderr(question.risk);
        }
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(question.needs).with_advice(question.risk));
    }
    show::to_stderr(question.risk);
    write!(io::stderr(), "{} [y/N] ", question.text).ok();
    let mut reply = String::new();
    let read = io::stdin().lock().read_line(&mut reply);
    if read.is_ok() && matches!(reply.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(question.exit, question.declined))
}
