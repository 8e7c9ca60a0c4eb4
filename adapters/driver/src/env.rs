//! A session from the variables of the process's environment.

use std::{
    env::{self, VarError},
    error::Error as StdError,
    fmt,
    fs::File,
    io::{self, Read},
};

use thingspace_core::{
    Credentials, CredentialsError, Environment, EnvironmentError, SessionBuilder,
    variables::{self, in_file},
};

/// The most bytes that a file with one value may have.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads credentials, and the base address if there is one, from the process's environment:
/// `THINGSPACE_KEY`, `THINGSPACE_SECRET`, `THINGSPACE_USERNAME`, `THINGSPACE_PASSWORD` and
/// `THINGSPACE_BASE_URL`, as the command line does.
///
/// Each of the first four may be in a file that only its owner may read, named by the same
/// variable with `_FILE` at its end (`THINGSPACE_PASSWORD_FILE`). A line end after it is
/// ignored. Without a base address it is Verizon's production environment. With
/// `THINGSPACE_INSECURE_HTTP_HOST`, that address may be plain `http` to the host of this name:
/// see [`Environment::insecure_http`].
///
/// Fails if one is missing, is given twice, can't be read or can't be right. The error
/// names the variable and never shows a value.
#[doc(alias = "credentials_from_env")]
#[doc(alias = "from_env")]
pub fn session_from_env() -> Result<SessionBuilder, EnvError> {
    session_from(|name| env::var(name))
}

fn session_from(
    look_up: impl Fn(&str) -> Result<String, VarError>,
) -> Result<SessionBuilder, EnvError> {
    let value = |name: &str| match look_up(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(EnvError::NotUtf8 { name: name.into() }),
    };
    let credentials = Credentials::from_variables(|name| {
        let named = in_file(name);
        match (value(name)?, value(&named)?) {
            (Some(value), None) => Ok(value),
            (None, Some(path)) => read(named, &path),
            (Some(_), Some(_)) => Err(EnvError::GivenTwice { name }),
            (None, None) => Err(EnvError::Missing { name }),
        }
    })?;
    let session = SessionBuilder::new(credentials);
    let insecure_host = value(variables::INSECURE_HTTP_HOST)?;
    Ok(match (value(variables::BASE_URL)?, insecure_host) {
        (Some(base), Some(host)) => session.environment(Environment::insecure_http(&base, &host)?),
        (Some(base), None) => session.environment(base.parse()?),
        (None, _) => session,
    })
}

/// Reads a file that holds one value, and that this variable names.
fn read(name: String, path: &str) -> Result<String, EnvError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(source) => return Err(EnvError::File { name, source }),
    };
    match is_open_to_others(&file) {
        Ok(false) => {}
        Ok(true) => return Err(EnvError::OpenToOthers { name }),
        Err(source) => return Err(EnvError::File { name, source }),
    }
    // With room from the beginning: a buffer that grows leaves copies.
    let mut bytes = Vec::with_capacity(4096);
    if let Err(source) = file.take(MAX_BYTES).read_to_end(&mut bytes) {
        return Err(EnvError::File { name, source });
    }
    let mut value = String::from_utf8(bytes).map_err(|_| EnvError::NotUtf8 { name })?;
    for end in ['\n', '\r'] {
        if value.ends_with(end) {
            value.pop();
        }
    }
    Ok(value)
}

/// Returns true if others than its owner may read or change a file, where that can be told.
fn is_open_to_others(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        Ok(file.metadata()?.mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        file.metadata().map(|_| false)
    }
}

/// The reason why the environment holds no session. Names the variable, never its value.
#[derive(Debug)]
#[non_exhaustive]
pub enum EnvError {
    /// The variable is not set, nor the one that names a file.
    Missing {
        /// The variable's name.
        name: &'static str,
    },
    /// The variable is set, and so is the one that names a file.
    GivenTwice {
        /// The variable's name.
        name: &'static str,
    },
    /// The value, or the content of the file that it names, is not UTF-8.
    NotUtf8 {
        /// The variable's name.
        name: String,
    },
    /// The file that the variable names can't be read.
    File {
        /// The variable's name.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// The file that the variable names may be read or changed by others.
    OpenToOthers {
        /// The variable's name.
        name: String,
    },
    /// A credential can't be right.
    Credentials(CredentialsError),
    /// The base address can't be used.
    Environment(EnvironmentError),
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => {
                write!(f, "{name} is not set; set it, or {}", in_file(name))
            }
            Self::GivenTwice { name } => {
                let in_file = in_file(name);
                write!(f, "{name} and {in_file} are both set; set one of them")
            }
            Self::NotUtf8 { name } => write!(f, "the value of {name} is not UTF-8; set it anew"),
            Self::File { name, .. } => {
                write!(
                    f,
                    "the file that {name} names can't be read; check the path"
                )
            }
            Self::OpenToOthers { name } => write!(
                f,
                "the file that {name} names is open to others; close it with chmod 600"
            ),
            Self::Credentials(error) => write!(f, "{error}"),
            Self::Environment(error) => write!(f, "{}: {error}", variables::BASE_URL),
        }
    }
}

impl StdError for EnvError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<CredentialsError> for EnvError {
    fn from(error: CredentialsError) -> Self {
        Self::Credentials(error)
    }
}

impl From<EnvironmentError> for EnvError {
    fn from(error: EnvironmentError) -> Self {
        Self::Environment(error)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ffi::OsString};

    use super::*;

    const ALL: [(&str, &str); 4] = [
        (variables::KEY, "key"),
        (variables::SECRET, "hush-secret"),
        (variables::USERNAME, "zbeeblebrox"),
        (variables::PASSWORD, "hush-password"),
    ];

    /// Reads a session from these variables.
    fn session(variables: &BTreeMap<String, String>) -> Result<SessionBuilder, EnvError> {
        session_from(|name| variables.get(name).cloned().ok_or(VarError::NotPresent))
    }

    fn all() -> BTreeMap<String, String> {
        ALL.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// What an error says, with its source. It shows no value.
    #[track_caller]
    fn said(variables: &BTreeMap<String, String>) -> String {
        let error = session(variables).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hush"), "{said}");
        error.to_string()
    }

    /// A file that no other test has.
    #[cfg(unix)]
    fn file(name: &str, content: &[u8], mode: u32) -> std::path::PathBuf {
        use std::{fs, os::unix::fs::PermissionsExt};

        let path = env::temp_dir().join(format!("thingspace-env-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_four_variables_make_a_session_at_production() {
        let built = session(&all()).unwrap().build().unwrap();
        assert_eq!(built.credentials().username(), Some("zbeeblebrox"));
        assert_eq!(
            built.credentials().password().unwrap().expose(),
            "hush-password"
        );
        assert_eq!(built.credentials().app.key(), "key");
        let at = built.environment().to_string();
        assert_eq!(at, "https://thingspace.verizon.com/api");
    }

    #[test]
    fn a_base_address_is_used_and_a_wrong_one_is_named() {
        let mut variables = all();
        variables.insert(
            variables::BASE_URL.into(),
            "http://127.0.0.1:4280/api".into(),
        );
        let built = session(&variables).unwrap().build().unwrap();
        assert_eq!(built.environment().to_string(), "http://127.0.0.1:4280/api");

        variables.insert(variables::BASE_URL.into(), "http://hush.example".into());
        assert!(said(&variables).starts_with("THINGSPACE_BASE_URL: "));
    }

    #[test]
    fn law_9_plain_http_leaves_this_machine_only_to_a_host_that_a_variable_names() {
        let mut variables = all();
        let base = "http://simulator:4280/api";
        variables.insert(variables::BASE_URL.into(), base.into());
        assert!(said(&variables).contains("in the clear"));
        variables.insert(variables::INSECURE_HTTP_HOST.into(), "another".into());
        assert!(said(&variables).contains("in the clear"));
        variables.insert(variables::INSECURE_HTTP_HOST.into(), "simulator".into());
        let built = session(&variables).unwrap().build().unwrap();
        assert_eq!(built.environment().to_string(), base);
    }

    #[test]
    fn each_that_is_missing_or_given_twice_is_named() {
        for (name, _) in ALL {
            let mut variables = all();
            variables.insert(format!("{name}_FILE"), "hush".into());
            assert_eq!(
                said(&variables),
                format!("{name} and {name}_FILE are both set; set one of them")
            );
            let mut variables = all();
            variables.remove(name);
            assert_eq!(
                said(&variables),
                format!("{name} is not set; set it, or {name}_FILE")
            );
        }
    }

    #[test]
    fn a_value_that_can_not_be_right_is_named_and_not_shown() {
        let mut variables = all();
        variables.insert(variables::PASSWORD.into(), "hush\n".into());
        assert!(said(&variables).starts_with("the password holds a character"));

        let bad = |name: &str| match name {
            variables::KEY => Err(VarError::NotUnicode(OsString::from("hush"))),
            _ => Err(VarError::NotPresent),
        };
        let error = session_from(bad).unwrap_err().to_string();
        assert_eq!(
            error,
            "the value of THINGSPACE_KEY is not UTF-8; set it anew"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_password_comes_from_a_file_that_only_its_owner_may_read() {
        use std::{fs, path::Path};

        let mut variables = all();
        variables.remove(variables::PASSWORD);
        let mut named = |path: &Path| {
            let path = path.to_str().unwrap().to_owned();
            variables.insert("THINGSPACE_PASSWORD_FILE".into(), path);
            variables.clone()
        };

        for (content, password) in [
            ("hush", "hush"),
            ("hush\n", "hush"),
            ("hush\r\n", "hush"),
            (" hush ", " hush "),
        ] {
            let path = file("right", content.as_bytes(), 0o600);
            let built = session(&named(&path)).unwrap().build().unwrap();
            assert_eq!(built.credentials().password().unwrap().expose(), password);
            fs::remove_file(path).unwrap();
        }

        let path = file("open", b"hush", 0o640);
        assert!(said(&named(&path)).contains("THINGSPACE_PASSWORD_FILE names is open to others"));
        fs::remove_file(&path).unwrap();
        assert!(said(&named(&path)).contains("THINGSPACE_PASSWORD_FILE names can't be read"));

        let path = file("bytes", b"hush\xff", 0o600);
        assert!(said(&named(&path)).contains("THINGSPACE_PASSWORD_FILE is not UTF-8"));
        fs::remove_file(path).unwrap();
    }
}
