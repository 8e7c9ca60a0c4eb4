//! The places where keys come from.

use std::{
    borrow::Cow,
    error::Error as StdError,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    str,
};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{InvalidKeyring, Keyring, SealError, SealingKey};

/// The largest allowed size of a file of keys in bytes.
const MAX_FILE: usize = 16 * 1024;

/// The place where a sealed store has its keys from.
#[derive(Debug)]
pub struct Keys(Source);

enum Source {
    Fixed(Box<Keyring>),
    File(PathBuf),
    Function(Box<Function>),
}

type Function = dyn Fn() -> Result<Keyring, Box<dyn StdError + Send + Sync>> + Send + Sync;

impl Keys {
    /// The keys in the file at `path`: a [`Keyring`] as text, one key a line, the current
    /// one first.
    ///
    /// The file is read for every load and every save, since it is small and both are rare.
    /// So a key that is added counts at once, and no process need be restarted.
    ///
    /// A file that others than its owner may read or change is refused (on Unix).
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// The keys that this function returns, such as those of a secret manager.
    ///
    /// It is called for every save, and for every load of what is sealed. An async store
    /// calls it in its future, so it must not block for long: let it return what something
    /// else has fetched. If it fails, so does the load or the save.
    pub fn from_fn<E>(keys: impl Fn() -> Result<Keyring, E> + Send + Sync + 'static) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(Source::Function(Box::new(move || {
            keys().map_err(Into::into)
        })))
    }

    /// The keys as they are now.
    pub(crate) fn now(&self) -> Result<Cow<'_, Keyring>, SealError> {
        match &self.0 {
            Source::Fixed(keyring) => Ok(Cow::Borrowed(keyring)),
            Source::File(path) => match read(path) {
                Ok(keyring) => Ok(Cow::Owned(keyring)),
                Err(problem) => Err(SealError::Keys(Box::new(KeyFileError {
                    path: path.clone(),
                    problem,
                }))),
            },
            Source::Function(keys) => keys().map(Cow::Owned).map_err(SealError::Keys),
        }
    }
}

/// These keys, as long as the process runs.
impl From<Keyring> for Keys {
    fn from(keyring: Keyring) -> Self {
        Self(Source::Fixed(Box::new(keyring)))
    }
}

/// This key, as long as the process runs.
impl From<SealingKey> for Keys {
    fn from(key: SealingKey) -> Self {
        Keyring::new(key).into()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(keyring) => keyring.fmt(f),
            Self::File(path) => path.fmt(f),
            Self::Function(_) => f.write_str("a function"),
        }
    }
}

/// Reads a file of keys, which only its owner may access.
fn read(path: &Path) -> Result<Keyring, KeyFileProblem> {
    // Opening a pipe would wait for somebody who writes it.
    if !fs::metadata(path)?.is_file() {
        return Err(KeyFileProblem::NotAFile);
    }
    let file = File::open(path)?;
    check(&file)?;
    // The buffer never grows: that would leave a copy that is not wiped.
    let room = MAX_FILE.saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(u64::try_from(room).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(KeyFileProblem::TooLarge { limit: MAX_FILE });
    }
    let Ok(text) = str::from_utf8(&bytes) else {
        return Err(KeyFileProblem::NotText);
    };
    Ok(text.parse()?)
}

/// Checks that only its owner may access an open file.
#[cfg(unix)]
fn check(file: &File) -> Result<(), KeyFileProblem> {
    use std::os::unix::fs::MetadataExt;

    let mode = file.metadata()?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileProblem::Open { mode });
    }
    Ok(())
}

/// Files have no such modes here.
#[cfg(not(unix))]
fn check(_: &File) -> Result<(), KeyFileProblem> {
    Ok(())
}

/// The error of a file of keys. It names the file, and repeats nothing of its content.
#[derive(Debug)]
pub struct KeyFileError {
    path: PathBuf,
    problem: KeyFileProblem,
}

impl KeyFileError {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The reason why it can't be used.
    pub const fn problem(&self) -> &KeyFileProblem {
        &self.problem
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            KeyFileProblem::Open { mode } => write!(
                f,
                "{path} holds keys and is open to others (mode {mode:04o}); check that nobody has read them, or make a new key, and close it: chmod 600 {path}"
            ),
            problem => write!(f, "{path} holds no keys that can be used: {problem}"),
        }
    }
}

impl StdError for KeyFileError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.problem.source()
    }
}

/// The reason why a file of keys can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// Others than its owner may read or change it.
    #[error("it is open to others (mode {mode:04o})")]
    Open {
        /// Its mode, in the notation of `chmod`.
        mode: u32,
    },
    /// It is a folder, a device or a pipe.
    #[error(
        "it is not a plain file; keys are read again and again, so they can't come from a pipe"
    )]
    NotAFile,
    /// It is larger than a file of keys may be.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The largest allowed size in bytes.
        limit: usize,
    },
    /// It is no text.
    #[error("it is no text; make a key with: openssl rand -hex 32")]
    NotText,
    /// There is no key in it, or something that is none.
    #[error(transparent)]
    Keyring(#[from] InvalidKeyring),
    /// The system could not read it.
    #[error("it could not be read")]
    Io(#[from] io::Error),
}
