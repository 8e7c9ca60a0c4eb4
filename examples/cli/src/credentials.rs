//! Where the credentials come from: environment variables, the files that these
//! name, or a file of them all. Never from an argument, which `ps` shows.

use std::{
    collections::BTreeMap,
    env::{self, VarError},
    path::{Path, PathBuf},
};

use thingspace_file::read_private;
use thingspace_ureq::core::{
    AppCredentials, Credentials, CredentialsError, Password, UserCredentials,
};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// More bytes than any credentials need.
const LONGEST: usize = 64 * 1024;

/// What can be given, in this order.
const NAMES: [&str; 4] = [
    "THINGSPACE_KEY",
    "THINGSPACE_SECRET",
    "THINGSPACE_USERNAME",
    "THINGSPACE_PASSWORD",
];

/// What was given, not all of it looked at yet.
pub(crate) struct Given {
    /// The lines of the file of them all.
    lines: BTreeMap<String, Zeroizing<String>>,
    file: Option<PathBuf>,
}

impl Given {
    /// Fails if there is no such file, if others may read it, or if it holds
    /// anything else than credentials.
    pub(crate) fn new(file: Option<&Path>) -> Result<Self, Failure> {
        let mut lines = BTreeMap::new();
        if let Some(path) = file {
            let shown = path.display();
            for (number, line) in (1..).zip(text(path)?.lines()) {
                let line = line.trim_end_matches('\r');
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let known = line.split_once('=').filter(|(name, _)| {
                    NAMES.contains(&name.strip_suffix("_FILE").unwrap_or(name))
                });
                let Some((name, value)) = known else {
                    return Err(Failure::usage(format!(
                        "line {number} of {shown} holds no credential; write it like THINGSPACE_USERNAME=zbeeblebrox"
                    )));
                };
                let value = Zeroizing::new(value.to_owned());
                if lines.insert(name.to_owned(), value).is_some() {
                    return Err(twice(name));
                }
            }
        }
        Ok(Self {
            lines,
            file: file.map(Path::to_owned),
        })
    }

    /// The application's key.
    pub(crate) fn key(&self) -> Result<Zeroizing<String>, Failure> {
        self.find("THINGSPACE_KEY")
    }

    /// The user's name.
    pub(crate) fn username(&self) -> Result<Zeroizing<String>, Failure> {
        self.find("THINGSPACE_USERNAME")
    }

    /// Everything that a login takes.
    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        let secret = self.find("THINGSPACE_SECRET")?;
        let app = AppCredentials::new(self.key()?.as_str(), secret.as_str())?;
        let password = self.find("THINGSPACE_PASSWORD")?;
        let user = UserCredentials::new(self.username()?.as_str(), password.as_str())?;
        Ok(Credentials::new(app, user))
    }

    /// What tells one session from another, for those who only look at it: its
    /// secrets are none.
    pub(crate) fn names(&self) -> Result<Credentials, Failure> {
        let none = "never sent";
        let app = AppCredentials::new(self.key()?.as_str(), none)?;
        let user = UserCredentials::new(self.username()?.as_str(), none)?;
        Ok(Credentials::new(app, user))
    }

    /// The file that the password is in, if it is in one of its own.
    pub(crate) fn password_file(&self) -> Option<PathBuf> {
        self.value("THINGSPACE_PASSWORD_FILE")
            .ok()
            .flatten()
            .map(|path| path.as_str().into())
    }

    fn find(&self, name: &str) -> Result<Zeroizing<String>, Failure> {
        let in_file = format!("{name}_FILE");
        match (self.value(name)?, self.value(&in_file)?) {
            (Some(value), None) => Ok(value),
            (None, Some(path)) => secret(Path::new(path.as_str())),
            (Some(_), Some(_)) => Err(twice(name)),
            (None, None) => {
                let or = match &self.file {
                    Some(file) => format!(", or write it into {}", file.display()),
                    None => ", or name a file with --credentials".to_owned(),
                };
                Err(Failure::usage(format!(
                    "{name} is not given; set it, or {in_file}{or}"
                )))
            }
        }
    }

    /// What is given by this very name.
    fn value(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let line = self.lines.get(name).cloned();
        match (env::var(name), line) {
            (Ok(value), None) => Ok(Some(Zeroizing::new(value))),
            (Err(VarError::NotPresent), line) => Ok(line),
            (Ok(_), Some(_)) => Err(twice(name)),
            (Err(VarError::NotUnicode(_)), _) => {
                Err(Failure::usage(format!("{name} is not UTF-8; set it anew")))
            }
        }
    }
}

fn twice(name: &str) -> Failure {
    let name = name.strip_suffix("_FILE").unwrap_or(name);
    Failure::usage(format!(
        "{name} is given twice; give it once, as a variable, in a file of its own or in the file of them all"
    ))
}

/// What a file holds that is a secret and nothing else: its line end is none of
/// it.
fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    text(path).map(|text| Zeroizing::new(trimmed(&text).to_owned()))
}

fn text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let missing = || {
        Failure::usage(format!(
            "there is no file {}; check the name",
            path.display()
        ))
    };
    let bytes = read_private(path, LONGEST)?.ok_or_else(missing)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::usage(format!(
            "{} is not UTF-8, so it holds no credentials",
            path.display()
        ))
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The password in a file, if there is one: neither its line end is of it, nor
/// the room that a draft has reserved.
pub(crate) fn password_in(path: &Path) -> Result<Option<Password>, Failure> {
    let Some(bytes) = read_private(path, LONGEST)? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::usage(format!(
            "{} is not UTF-8, so it holds no password",
            path.display()
        ))
    })?;
    match Password::new(trimmed(text.trim_end_matches('\0'))) {
        Ok(password) => Ok(Some(password)),
        Err(CredentialsError::Empty(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn trimmed(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
