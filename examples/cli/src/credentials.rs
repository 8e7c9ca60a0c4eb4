//! The sources of credentials: environment variables, the files that these name,
//! or one file with all of them. Never an argument, which `ps` shows.

use std::{
    collections::BTreeMap,
    env::{self, VarError},
    io::{self, Read},
    path::{Path, PathBuf},
};

use thingspace_file::read_private;
use thingspace_ureq::core::{
    AppCredentials, Credentials, CredentialsError, Password, UserCredentials,
    variables::{self, in_file},
};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The most bytes that a file of credentials may have.
const MAX_BYTES: usize = 64 * 1024;

/// The names of the credentials.
const NAMES: [&str; 6] = [
    variables::KEY,
    variables::SECRET,
    variables::USERNAME,
    variables::PASSWORD,
    STORE_PASSWORD,
    STORE_KEY,
];

/// The name of the store's password.
const STORE_PASSWORD: &str = "THINGSPACE_STORE_PASSWORD";

/// The name of the key that seals the store, which is in a file always.
const STORE_KEY: &str = "THINGSPACE_STORE_KEY";

/// The placeholder for a secret.
const PLACEHOLDER: &str = "never sent";

/// The sources of the credentials. A variable is read when it is needed.
pub(crate) struct CredentialSources {
    /// The lines of the file with all credentials.
    lines: BTreeMap<String, Zeroizing<String>>,
    file: Option<PathBuf>,
}

impl CredentialSources {
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
                if let Some(problem) = misread(value) {
                    return Err(Failure::usage(format!(
                        "the value of {name}, in line {number} of {shown}, {problem}, and would be sent with it; leave that out, or if it belongs there, write the value into a file of its own, named by {}",
                        in_file(name)
                    )));
                }
                let value = Zeroizing::new(value.to_owned());
                if lines.insert(name.to_owned(), value).is_some() {
                    return Err(given_twice(name));
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
        self.find(variables::KEY)
    }

    /// The user's name.
    pub(crate) fn username(&self) -> Result<Zeroizing<String>, Failure> {
        self.find(variables::USERNAME)
    }

    /// The credentials for a login.
    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        Credentials::from_variables(|name| Ok(self.find(name)?.as_str().to_owned()))
    }

    /// The credentials with a placeholder for the application's secret. They serve to
    /// look at a session and at its login guard, which knows passwords again.
    pub(crate) fn with_password(&self) -> Result<Credentials, Failure> {
        self.user_of(AppCredentials::new(self.key()?.as_str(), PLACEHOLDER)?)
    }

    /// The key and the user's name, which identify a session, with placeholders for
    /// the secrets. They serve only to look at a session.
    pub(crate) fn without_secrets(&self) -> Result<Credentials, Failure> {
        let app = AppCredentials::new(self.key()?.as_str(), PLACEHOLDER)?;
        let user = UserCredentials::new(self.username()?.as_str(), PLACEHOLDER)?;
        Ok(Credentials::new(app, user))
    }

    fn user_of(&self, app: AppCredentials) -> Result<Credentials, Failure> {
        let password = self.find(variables::PASSWORD)?;
        let user = UserCredentials::new(self.username()?.as_str(), password.as_str())?;
        Ok(Credentials::new(app, user))
    }

    /// The password's file, if it is given in a file of its own.
    pub(crate) fn password_file(&self) -> Option<PathBuf> {
        self.value(&in_file(variables::PASSWORD))
            .ok()
            .flatten()
            .map(|path| path.as_str().into())
    }

    /// The password of the store's server, if one is given.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn store_password(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let in_file = in_file(STORE_PASSWORD);
        if self.value(STORE_PASSWORD)?.is_none() && self.value(&in_file)?.is_none() {
            return Ok(None);
        }
        self.find(STORE_PASSWORD).map(Some)
    }

    /// The file of the keys that seal the store, if one is given.
    pub(crate) fn store_key_file(&self) -> Result<Option<PathBuf>, Failure> {
        if self.value(STORE_KEY)?.is_some() {
            return Err(Failure::usage(format!(
                "{STORE_KEY} is given, which seals nothing: write the key into a file that only you may read, and name that as {STORE_KEY}_FILE"
            )));
        }
        let path = self.value(&format!("{STORE_KEY}_FILE"))?;
        Ok(path.map(|path| path.as_str().into()))
    }

    fn find(&self, name: &str) -> Result<Zeroizing<String>, Failure> {
        let in_file = in_file(name);
        match (self.value(name)?, self.value(&in_file)?) {
            (Some(value), None) => Ok(value),
            (None, Some(path)) => secret(Path::new(path.as_str())),
            (Some(_), Some(_)) => Err(given_twice(name)),
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

    /// The value under exactly this name, in a variable or in the file.
    fn value(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let line = self.lines.get(name).cloned();
        match (env::var(name), line) {
            (Ok(value), None) => Ok(Some(Zeroizing::new(value))),
            (Err(VarError::NotPresent), line) => Ok(line),
            (Ok(_), Some(_)) => Err(given_twice(name)),
            (Err(VarError::NotUnicode(_)), _) => {
                Err(Failure::usage(format!("{name} is not UTF-8; set it anew")))
            }
        }
    }
}

/// Finds what another program would take for no part of a value in a file of credentials,
/// as a shell does: nothing here is left out, so a login would be spent on it.
fn misread(value: &str) -> Option<&'static str> {
    if value.starts_with(['"', '\'']) || value.ends_with(['"', '\'']) {
        return Some("has a quote around it");
    }
    if value.starts_with('#') || value.contains(" #") || value.contains("\t#") {
        return Some("has a comment after it");
    }
    if value.trim() != value {
        return Some("has a blank around it");
    }
    None
}

fn given_twice(name: &str) -> Failure {
    let name = name.strip_suffix("_FILE").unwrap_or(name);
    Failure::usage(format!(
        "{name} is given twice; give it once, as a variable, in a file of its own or in the file with all of them"
    ))
}

/// Reads a token from a file that only this user may read, or from the standard input (`-`).
pub(crate) fn token_from(source: &Path) -> Result<Zeroizing<String>, Failure> {
    if source != Path::new("-") {
        // It may be the token itself, which belongs into no message.
        let missing = || {
            Failure::usage(
                "there is no such file; a token comes from a file, or with - from the standard input, and never from an argument",
            )
        };
        let bytes = read_private(source, MAX_BYTES)?.ok_or_else(missing)?;
        let text = String::from_utf8_lossy(&bytes);
        return Ok(Zeroizing::new(trimmed(&text).to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    let mut input = io::stdin().lock().take(MAX_BYTES as u64);
    input.read_to_string(&mut text).map_err(|error| {
        Failure::usage(format!(
            "the token can't be read from the standard input: {error}"
        ))
    })?;
    Ok(Zeroizing::new(trimmed(&text).to_owned()))
}

/// Reads a file that holds one secret. A line end after it is ignored.
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
    let bytes = read_private(path, MAX_BYTES)?.ok_or_else(missing)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::usage(format!(
            "{} is not UTF-8, so it holds no credentials",
            path.display()
        ))
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads the password in a file, if there is one. A line end after it is ignored,
/// and so is the space that a draft has reserved.
pub(crate) fn password_in(path: &Path) -> Result<Option<Password>, Failure> {
    let Some(bytes) = read_private(path, MAX_BYTES)? else {
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
