//! The endpoints that open, keep and close the door: two of OAuth, three of
//! the session. All of one shape; a new call is a copy of it.

pub mod oauth;
pub mod session;

pub use oauth::{RequestBearerToken, RevokeBearerToken};
pub use session::{LogIn, LogOut, ResetPassword};
