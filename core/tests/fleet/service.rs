//! The service, and what it sees: it judges logins as the platform does.
//!
//! It may be down, lose requests and responses, and refuse in every way that the
//! login guard's table knows. What it counts as a failed login is the worst that
//! the machine can't exclude: whatever was not certainly unjudged.

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::TransportError;

use crate::{HOUR, MINUTE, store::Id};

/// The number of failed logins in a row at which the user name is locked.
pub const LOCKS_AT: usize = 5;

/// The result of a request, as an HTTP stack gives it.
pub type Received = Result<Response<Bytes>, TransportError>;

/// The meaning of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// What was asked for is done; the token or password that was given.
    Done(String),
    /// There is proof that nobody judged the login.
    Unjudged,
    /// The credentials are not to be used again.
    EndsCredentials,
    /// The session is not valid any more.
    EndsSession,
    /// It was refused: it was not executed.
    Refused,
    /// Nobody knows whether it was executed.
    Uncertain,
}

/// A request that comes to the service, as the world knows it.
#[derive(Clone, Copy, Debug)]
pub struct Coming {
    pub id: Id,
    /// True if a later login has succeeded already.
    pub is_overtaken: bool,
    /// True if somebody allowed this login by name.
    pub is_unblocked: bool,
}

/// A request, as the service reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Bearer,
    LogIn {
        bearer: String,
        password: String,
    },
    LogOut {
        bearer: String,
        session: String,
    },
    Reset {
        bearer: String,
        session: String,
        password: String,
    },
    Check {
        bearer: String,
    },
    Work {
        bearer: String,
        session: String,
    },
}

/// The way in which a request is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// As the service judges it, unless it is down.
    Honestly,
    /// The connection breaks before the service has the request.
    LostBefore,
    /// The connection breaks before the response is back.
    LostAfter,
    /// The connection hangs, and the worst that can be: the login is counted.
    LostCounted,
    /// Something answers in the service's place, before the service has judged it, or
    /// after.
    Instead(Row, Judged),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    No,
    Yes,
}

/// The rows of the login guard's table, and what refuses other requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The gateway refuses the bearer token.
    BearerFault,
    /// The gateway has too many requests.
    GatewayThrottles,
    Outage,
    RequestTimeout,
    TooMany,
    /// Nonsense with the status of a success.
    Nonsense,
    /// A maintenance page.
    Page,
    /// The API names the credentials.
    WrongCredentials,
    /// The API does not take a character.
    CantBeSent,
    /// The API refuses, and names nothing.
    Unclear,
    /// A 401 that names nothing.
    Bare401,
}

impl Row {
    pub const ALL: [Self; 11] = [
        Self::Outage,
        Self::BearerFault,
        Self::GatewayThrottles,
        Self::RequestTimeout,
        Self::TooMany,
        Self::Nonsense,
        Self::Page,
        Self::WrongCredentials,
        Self::CantBeSent,
        Self::Unclear,
        Self::Bare401,
    ];

    /// Returns true if it proves that nobody judged the login.
    pub fn is_unjudged(self) -> bool {
        matches!(self, Self::BearerFault | Self::GatewayThrottles)
    }

    /// Returns true if it is the API that judged.
    fn is_judged(self) -> bool {
        matches!(
            self,
            Self::WrongCredentials | Self::CantBeSent | Self::Unclear | Self::Bare401
        )
    }

    fn meaning(self) -> Meaning {
        match self {
            Self::BearerFault | Self::GatewayThrottles => Meaning::Unjudged,
            Self::WrongCredentials | Self::CantBeSent => Meaning::EndsCredentials,
            Self::Outage | Self::RequestTimeout | Self::Nonsense => Meaning::Uncertain,
            Self::TooMany | Self::Page | Self::Unclear | Self::Bare401 => Meaning::Refused,
        }
    }

    fn responds(self) -> (Received, Meaning) {
        let response = match self {
            Self::BearerFault => respond(401, r#"{"fault":{"code":900901,"message":"m"}}"#),
            Self::GatewayThrottles => respond(429, r#"{"fault":{"code":900800,"message":"m"}}"#),
            Self::Outage => respond(503, "<html>down</html>"),
            Self::RequestTimeout => respond(408, ""),
            Self::TooMany => respond(429, ""),
            Self::Nonsense => respond(200, "<html>welcome</html>"),
            Self::Page => respond(403, "<html>maintenance</html>"),
            Self::WrongCredentials => refuse("INPUT_INVALID.Password.Incorrect"),
            Self::CantBeSent => refuse("INPUT_INVALID.Request.InvalidCharacter"),
            Self::Unclear => refuse("REQUEST_FAILED.Unclear"),
            Self::Bare401 => respond(401, ""),
        };
        (Ok(response), self.meaning())
    }
}

/// The part of the service that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Down {
    Nothing,
    LoginAlone,
    /// Everything under `/m2m`.
    Api,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub password: String,
    pub down: Down,
    /// The time at which nothing is down any more.
    pub down_until: u64,
    /// True if what is down keeps its connections open, and never responds.
    pub hangs: bool,
    /// True if a new login ends the sessions before it.
    pub is_exclusive: bool,
    /// True if it says that the credentials are wrong, and not only that a login
    /// failed.
    pub names_credentials: bool,
    bearers: Vec<Token>,
    sessions: Vec<Token>,
    /// The number of logins and resets that failed, or may have, since the last login
    /// that succeeded, but for those that somebody allowed by name.
    pub failed: usize,
    /// The number of those that somebody allowed by name, since the beginning.
    pub allowed_failed: usize,
    /// The same since the last login that succeeded.
    allowed_in_a_row: usize,
    /// All logins and resets that came, by their time.
    pub logins: Vec<u64>,
    pub is_locked: bool,
    /// The number of logins that succeeded.
    pub succeeded: usize,
    /// The greatest name of a login that succeeded.
    pub last_success: Option<Id>,
    names: usize,
}

#[derive(Clone, Debug)]
struct Token {
    token: String,
    until: u64,
}

impl Service {
    pub fn new(password: &str) -> Self {
        Self {
            password: password.to_owned(),
            down: Down::Nothing,
            down_until: u64::MAX,
            hangs: false,
            is_exclusive: false,
            names_credentials: true,
            bearers: Vec::new(),
            sessions: Vec::new(),
            failed: 0,
            allowed_failed: 0,
            allowed_in_a_row: 0,
            logins: Vec::new(),
            is_locked: false,
            succeeded: 0,
            last_success: None,
            names: 0,
        }
    }

    /// Ends all sessions.
    pub fn end_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Ends all bearer tokens.
    pub fn end_bearers(&mut self) {
        self.bearers.clear();
    }

    /// Returns true if such a request never has a response.
    pub fn never_responds(&self, now: u64, asked: &Asked) -> bool {
        self.hangs && self.is_down_for(now, asked)
    }

    fn is_down_for(&self, now: u64, asked: &Asked) -> bool {
        match self.down {
            _ if now >= self.down_until => false,
            Down::Nothing => false,
            Down::LoginAlone => matches!(asked, Asked::LogIn { .. }),
            Down::Api => *asked != Asked::Bearer,
        }
    }

    /// Serves a request.
    pub fn serve(
        &mut self,
        now: u64,
        coming: Coming,
        asked: &Asked,
        serving: Serving,
    ) -> (Received, Meaning) {
        let may_fail = asked.is_counted();
        if may_fail && serving != Serving::LostBefore {
            self.logins.push(now);
        }
        let was_lost = (lost(), Meaning::Uncertain);
        match serving {
            Serving::LostBefore => was_lost,
            Serving::LostAfter => {
                let _ = self.judge(now, coming, asked);
                was_lost
            }
            Serving::LostCounted => {
                if may_fail {
                    self.fail(coming);
                }
                was_lost
            }
            // It was refused on the way to the API.
            Serving::Instead(row, _) if row.is_unjudged() => {
                if row == Row::BearerFault
                    && let Some(bearer) = asked.bearer()
                {
                    self.bearers.retain(|known| known.token != bearer);
                }
                row.responds()
            }
            // The API's own word, perhaps against the truth.
            Serving::Instead(row, _) if row.is_judged() => {
                if may_fail {
                    self.fail(coming);
                }
                row.responds()
            }
            Serving::Instead(row, Judged::Yes) => {
                let _ = self.judge(now, coming, asked);
                row.responds()
            }
            Serving::Instead(row, Judged::No) => row.responds(),
            Serving::Honestly if self.is_down_for(now, asked) => {
                // The worst that can be: it was counted all the same.
                if may_fail {
                    self.fail(coming);
                }
                Row::Outage.responds()
            }
            Serving::Honestly => self.judge(now, coming, asked),
        }
    }

    fn judge(&mut self, now: u64, coming: Coming, asked: &Asked) -> (Received, Meaning) {
        if let Some(bearer) = asked.bearer()
            && !is_valid(&self.bearers, bearer, now)
        {
            return Row::BearerFault.responds();
        }
        if let Some(session) = asked.session() {
            if !is_valid(&self.sessions, session, now) {
                let refusal = refuse("REQUEST_FAILED.SessionToken.Expired");
                return (Ok(refusal), Meaning::EndsSession);
            }
            let mut sessions = self.sessions.iter_mut();
            if let Some(used) = sessions.find(|known| known.token == session) {
                used.until = now + 20 * MINUTE;
            }
        }
        match asked {
            Asked::Bearer => {
                let token = self.name("b");
                let until = now + HOUR;
                self.bearers.push(Token {
                    token: token.clone(),
                    until,
                });
                let body = format!(r#"{{"access_token":"{token}","expires_in":3600}}"#);
                (Ok(respond(200, &body)), Meaning::Done(token))
            }
            Asked::LogIn { password, .. } => self.log_in(now, coming, password),
            Asked::LogOut { session, .. } => {
                self.sessions.retain(|known| known.token != *session);
                let body = format!(r#"{{"sessionToken":"{session}"}}"#);
                (Ok(respond(200, &body)), Meaning::EndsSession)
            }
            Asked::Reset { password, .. } => {
                if *password != self.password {
                    self.fail(coming);
                    return self.wrong_password();
                }
                let new = self.name("p");
                self.password.clone_from(&new);
                let body = format!(r#"{{"newPassword":"{new}"}}"#);
                (Ok(respond(200, &body)), Meaning::Done(new))
            }
            Asked::Check { .. } => {
                let refusal = refuse("REQUEST_FAILED.SessionToken.Missing");
                (Ok(refusal), Meaning::Refused)
            }
            Asked::Work { .. } => (Ok(respond(200, "{}")), Meaning::Done(String::new())),
        }
    }

    fn log_in(&mut self, now: u64, coming: Coming, password: &str) -> (Received, Meaning) {
        if self.is_locked || password != self.password {
            self.fail(coming);
            return self.wrong_password();
        }
        self.failed = 0;
        self.allowed_in_a_row = 0;
        self.succeeded += 1;
        self.last_success = self.last_success.max(Some(coming.id));
        if self.is_exclusive {
            self.sessions.clear();
        }
        let token = self.name("s");
        let until = now + 20 * MINUTE;
        self.sessions.push(Token {
            token: token.clone(),
            until,
        });
        let body = format!(r#"{{"sessionToken":"{token}"}}"#);
        (Ok(respond(200, &body)), Meaning::Done(token))
    }

    /// Counts a login or reset as failed. One that comes after a later one had
    /// succeeded is another story, which the world tells.
    fn fail(&mut self, coming: Coming) {
        if coming.is_unblocked {
            self.allowed_failed += 1;
            self.allowed_in_a_row += 1;
        } else if !coming.is_overtaken {
            self.failed += 1;
        }
        self.is_locked |= self.failed + self.allowed_in_a_row >= LOCKS_AT;
    }

    /// Unlocks the user name, as Verizon's support does.
    pub fn unlock(&mut self) {
        self.is_locked = false;
        self.failed = 0;
        self.allowed_in_a_row = 0;
    }

    fn wrong_password(&self) -> (Received, Meaning) {
        if self.names_credentials {
            Row::WrongCredentials.responds()
        } else {
            Row::Unclear.responds()
        }
    }

    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}~{}", self.names)
    }

    /// Everything that decides what it does next.
    pub fn show(&self, now: u64) -> String {
        let valid = |tokens: &[Token]| {
            let valid = tokens.iter().filter(|known| now < known.until);
            valid
                .map(|known| format!("{}:{}", known.token, known.until - now))
                .collect::<Vec<_>>()
        };
        format!(
            "{} {:?} {} {} {} {:?} {:?} {} {}",
            self.password,
            self.down,
            self.hangs,
            self.is_exclusive,
            self.names_credentials,
            valid(&self.bearers),
            valid(&self.sessions),
            self.failed + self.allowed_in_a_row,
            self.is_locked,
        )
    }
}

impl Asked {
    /// Reads a request.
    pub fn read(request: &Request<Bytes>) -> Self {
        let header = |name: &str| {
            let value = request.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let bearer = header("authorization").replace("Bearer ", "");
        let session = header("vz-m2m-token");
        let password = |field: &str| {
            let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
            body[field].as_str().unwrap().to_owned()
        };
        match request.uri().path() {
            "/api/ts/v1/oauth2/token" => Self::Bearer,
            "/api/m2m/v1/session/login" => Self::LogIn {
                bearer,
                password: password("password"),
            },
            "/api/m2m/v1/session/logout" if session.is_empty() => Self::Check { bearer },
            "/api/m2m/v1/session/logout" => Self::LogOut { bearer, session },
            "/api/m2m/v1/session/password/actions/reset" => Self::Reset {
                bearer,
                session,
                password: password("oldPassword"),
            },
            "/api/m2m/v1/work" => Self::Work { bearer, session },
            other => panic!("a request to {other}"),
        }
    }

    /// Returns true if the platform may count it as a failed login.
    pub fn is_counted(&self) -> bool {
        matches!(self, Self::LogIn { .. } | Self::Reset { .. })
    }

    fn bearer(&self) -> Option<&str> {
        match self {
            Self::Bearer => None,
            Self::LogIn { bearer, .. }
            | Self::LogOut { bearer, .. }
            | Self::Reset { bearer, .. }
            | Self::Check { bearer }
            | Self::Work { bearer, .. } => Some(bearer),
        }
    }

    fn session(&self) -> Option<&str> {
        match self {
            Self::LogOut { session, .. }
            | Self::Reset { session, .. }
            | Self::Work { session, .. } => Some(session),
            Self::Bearer | Self::LogIn { .. } | Self::Check { .. } => None,
        }
    }
}

fn is_valid(tokens: &[Token], token: &str, now: u64) -> bool {
    let mut tokens = tokens.iter();
    tokens.any(|known| known.token == token && now < known.until)
}

fn respond(status: u16, body: &str) -> Response<Bytes> {
    let response = Response::builder().status(status);
    let body = Bytes::copy_from_slice(body.as_bytes());
    response.body(body).unwrap()
}

fn refuse(code: &str) -> Response<Bytes> {
    let body = format!(r#"{{"errorCode":"UnifiedWebService.{code}","errorMessage":"m"}}"#);
    respond(400, &body)
}

pub fn lost() -> Received {
    Err(TransportError::unknown("the connection broke"))
}
