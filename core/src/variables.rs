//! The names of the variables by which a program is given a session: the same for every
//! client, and for the command line.
//!
//! This crate reads no environment. The clients do
//! (`session_from_env` of `thingspace-hyper` and `thingspace-ureq`), and
//! [`Credentials::from_variables`](crate::Credentials::from_variables) does with any other
//! source.

/// The application's key.
pub const KEY: &str = "THINGSPACE_KEY";

/// The application's secret.
pub const SECRET: &str = "THINGSPACE_SECRET";

/// The user's name.
pub const USERNAME: &str = "THINGSPACE_USERNAME";

/// The user's password.
pub const PASSWORD: &str = "THINGSPACE_PASSWORD";

/// The base address, if it is another than production's.
pub const BASE_URL: &str = "THINGSPACE_BASE_URL";

/// The host to which plain HTTP is allowed, with passwords and tokens in the clear: see
/// [`Environment::insecure_http`](crate::Environment::insecure_http).
pub const INSECURE_HTTP_HOST: &str = "THINGSPACE_INSECURE_HTTP_HOST";

/// The end of a variable's name that names a file with the value instead.
const IN_FILE: &str = "_FILE";

/// The name of the variable that names a file with the value of this one:
/// `THINGSPACE_PASSWORD_FILE` for [`PASSWORD`].
pub fn in_file(name: &str) -> String {
    [name.strip_suffix(IN_FILE).unwrap_or(name), IN_FILE].concat()
}
