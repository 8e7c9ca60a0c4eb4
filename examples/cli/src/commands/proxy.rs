//! Runs a proxy that keeps the session for programs in any language.

use std::{
    convert::Infallible,
    env,
    error::Error as StdError,
    ffi::OsString,
    future::Future,
    net::IpAddr,
    panic::resume_unwind,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use clap::Args;
use http::{HeaderName, Request, Response};
use hyper::body::Incoming;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::Group,
};
use serde_json::{Value, json};
use thingspace_file::read_private;
use thingspace_hyper::{
    Builder, Client, Config, OnThread, Pooled, Streamed,
    core::{
        Error, Session, StoreError,
        session::{BlockReason, CallId, Event, NewPassword, Observer},
    },
};
use thingspace_metrics::{Metrics, describe};
use thingspace_proxy::{
    CallPattern, ERROR_HEADER, Listener, ListenerError, ResetError, Rules, Server, SocketAccess,
};
use tokio::{
    runtime::{self, Handle},
    signal::unix::{Signal, SignalKind, signal},
    spawn,
    sync::{Mutex, Notify},
    task::spawn_blocking,
    time::timeout,
};
use tower_service::Service;
use zeroize::Zeroizing;

use crate::{
    clock::now,
    common::Common,
    context::Context,
    credentials::CredentialSources,
    failure::{Exit, Failure},
    output,
    reset::{Destination, Prepared, Resets},
    show,
    watch::ResetWatch,
};

/// The name that the environment gives the value of the required header under.
const HEADER_VALUE: &str = "THINGSPACE_PROXY_HEADER";

/// The most bytes of a file that holds it.
const MAX_BYTES: usize = 4096;

/// The buckets of requests and waits, in seconds: those that OpenTelemetry advises.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The longest save at the end.
const LAST_SAVE: Duration = Duration::from_secs(5);

/// Run a local proxy that keeps the session for programs in any language
///
/// Programs send plain HTTP to the address that is printed, as to ThingSpace itself,
/// with any credentials or none. The proxy runs until it is stopped: SIGTERM lets calls
/// in progress end and leaves the session open for others, SIGHUP reads the credentials
/// again. The log is JSON on the standard error. /livez, /readyz and /metrics are for
/// operators.
#[derive(Args)]
pub(crate) struct Proxy {
    /// The port that it listens on, on this machine alone; 0 is any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// A unix socket to listen on instead, for you alone unless the mode says otherwise
    #[arg(long, value_name = "PATH", conflicts_with_all = ["port", "allow_remote_clients_unencrypted"])]
    socket: Option<PathBuf>,

    /// The mode of the socket: who may write may connect
    #[arg(long, value_name = "OCTAL", default_value = "600", value_parser = mode)]
    socket_mode: u32,

    /// The group of the socket, by its name
    #[arg(long, value_name = "GROUP", requires = "socket")]
    socket_group: Option<String>,

    /// Listen on this address of the network: whoever reaches it acts as your user, and
    /// nothing on the way is encrypted
    #[arg(long, value_name = "ADDRESS")]
    allow_remote_clients_unencrypted: Option<IpAddr>,

    /// One more name of the proxy that clients may use, beside localhost; may be given
    /// several times
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,

    /// Take only requests with this header, whose value the environment gives as
    /// `THINGSPACE_PROXY_HEADER`, or in the file that `THINGSPACE_PROXY_HEADER_FILE` names
    #[arg(long, value_name = "NAME")]
    require_header: Option<HeaderName>,

    /// Take only these calls: a method, a path with all below it, or both, like
    /// "GET /api/m2m/v1/devices"; may be given several times
    #[arg(long, value_name = "CALLS")]
    accept: Vec<CallPattern>,

    /// Take all calls but these, written alike; may be given several times
    #[arg(long, value_name = "CALLS")]
    reject: Vec<CallPattern>,

    /// Let programs reset the password, and write the new one into this file, as
    /// `reset-password --to` does; otherwise a reset is refused
    #[arg(long, value_name = "FILE", conflicts_with = "allow_reset_command")]
    allow_reset_to: Option<PathBuf>,

    /// Let programs reset the password, and give the new one to this program, as
    /// `reset-password --command` does; all that follows are its arguments
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    allow_reset_command: Vec<OsString>,

    /// The most connections at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_connections: u32,

    /// The longest wait for calls in progress when it is stopped, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=3600))]
    drain: u64,
}

impl Proxy {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let context = Arc::new(Context::of(common)?);
        if let Some(warning) = context.insecure() {
            log("warn", "insecure_http", json!({ "message": warning }));
        }
        let rules = self.rules()?;
        let recorder = recorder()?;
        allow_files();
        let runtime = runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::caused_by(Exit::Usage, error))?;
        runtime.block_on(self.serve(common, &context, rules, recorder))
    }

    async fn serve(
        &self,
        common: &Common,
        context: &Arc<Context>,
        rules: Rules,
        recorder: PrometheusHandle,
    ) -> Result<(), Failure> {
        let caught = |kind| signal(kind).map_err(|error| Failure::caused_by(Exit::Usage, error));
        let (mut terminate, mut interrupt) = (
            caught(SignalKind::terminate())?,
            caught(SignalKind::interrupt())?,
        );
        let hangup = caught(SignalKind::hangup())?;
        let metrics = Metrics::new();
        let resets = ResetWatch::default();
        let in_use = Arc::new(PasswordInUse::default());
        let observer = ((Log, resets.clone()), Arc::clone(&in_use));
        let client = client(context, (observer, metrics.clone()))?;
        let proxy = {
            let client = client.clone();
            thingspace_proxy::Proxy::new(client.clone(), rules).metrics(move || {
                client.session(|session| metrics.record(session, client.now()));
                recorder.run_upkeep();
                recorder.render()
            })
        };
        let destination = Destination::new(
            self.allow_reset_to.clone(),
            self.allow_reset_command.clone(),
        );
        let proxy = match destination {
            Some(destination) => {
                let resetter = Arc::new(Resetter {
                    context: Arc::clone(context),
                    destination,
                    watch: resets,
                    in_use: Arc::clone(&in_use),
                });
                proxy.reset_with(move |client| Box::pin(Arc::clone(&resetter).reset(client)))
            }
            None => proxy,
        };
        let settling = {
            let (context, client) = (Arc::clone(context), client.clone());
            spawn(settle(context, client, Arc::clone(&in_use)))
        };
        let listener = self.listener()?;
        let server = Server::new(Logged(proxy))
            .max_connections(usize::try_from(self.max_connections).unwrap_or(usize::MAX))
            .drain(Duration::from_secs(self.drain));
        self.print_address(common, &listener)?;
        let end = async {
            tokio::select! {
                biased;
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = reload(hangup, common, context, &client, &in_use) => {}
            }
            log(
                "info",
                "ending",
                json!({ "message": "no more connections are taken" }),
            );
        };
        let drained = server.run(listener, end).await;
        // A reset that has begun brings its new password to the disk, whoever waits for it.
        in_use.change(async {}).await;
        settling.abort();
        // What others need to know of the session; it stays open for them.
        if let Ok(Err(error)) = timeout(LAST_SAVE, client.sync()).await {
            log("warn", "not_saved", json!({ "message": error.to_string() }));
        }
        log("info", "ended", json!({ "cut_off": drained.cut_off }));
        match drained.cut_off {
            0 => Ok(()),
            some => Err(Failure::new(
                Exit::OutcomeUnknown,
                format!("{some} connections were cut off; their calls may have been executed"),
            )),
        }
    }

    fn rules(&self) -> Result<Rules, Failure> {
        let mut rules = Rules::new();
        for host in &self.allow_host {
            rules = rules.host(host);
        }
        for calls in &self.accept {
            rules = rules.accept(calls.clone());
        }
        for calls in &self.reject {
            rules = rules.reject(calls.clone());
        }
        Ok(match (&self.require_header, header_value()?) {
            (Some(name), Some(value)) => rules.require_header(name.clone(), value.as_bytes()),
            (None, None) => rules,
            (Some(_), None) => {
                return Err(Failure::usage(format!(
                    "--require-header needs the value; set {HEADER_VALUE}, or {HEADER_VALUE}_FILE"
                )));
            }
            (None, Some(_)) => {
                return Err(Failure::usage(format!(
                    "{HEADER_VALUE} is given, and --require-header does not name the header"
                )));
            }
        })
    }

    fn listener(&self) -> Result<Listener, Failure> {
        let refused = |error: ListenerError| Failure::caused_by(Exit::Usage, error);
        if let Some(path) = &self.socket {
            let mut access = SocketAccess::owner().mode(self.socket_mode);
            if let Some(name) = &self.socket_group {
                let group = Group::from_name(name).ok().flatten();
                let group =
                    group.ok_or_else(|| Failure::usage(format!("there is no group {name}")))?;
                access = access.group(group.gid.as_raw());
            }
            return Listener::unix(path, access).map_err(refused);
        }
        match self.allow_remote_clients_unencrypted {
            Some(address) => {
                Listener::open_to_network((address, self.port).into()).map_err(refused)
            }
            None => Listener::loopback(self.port).map_err(refused),
        }
    }

    /// Prints where it listens, once it does.
    fn print_address(&self, common: &Common, listener: &Listener) -> Result<(), Failure> {
        let base = listener.address().map(|it| format!("http://{it}/api"));
        let socket = self.socket.as_ref().map(|path| path.display().to_string());
        log(
            "info",
            "listening",
            json!({ "base": base, "socket": socket }),
        );
        if self.allow_remote_clients_unencrypted.is_some() && self.require_header.is_none() {
            log(
                "warn",
                "open_to_network",
                json!({ "message": "whoever reaches this address acts as the user; --require-header asks for a secret" }),
            );
        }
        let text = base.clone().or_else(|| socket.clone()).unwrap_or_default();
        let value = json!({ "base": base, "socket": socket });
        output::print(common.json, &value, &text)
    }
}

/// Resets the password for programs that ask the proxy for it.
struct Resetter {
    context: Arc<Context>,
    destination: Destination,
    watch: ResetWatch,
    in_use: Arc<PasswordInUse>,
}

impl Resetter {
    async fn reset(self: Arc<Self>, client: Client<Pooled>) -> Result<(), ResetError> {
        let client = OnRuntime {
            client,
            runtime: Handle::current(),
            watch: self.watch.clone(),
        };
        let resetter = Arc::clone(&self);
        // It writes files, and waits until they are on the disk.
        let resetting = async { spawn_blocking(move || resetter.reset_there(client)).await };
        let reset = self.in_use.change(resetting).await;
        reset.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
    }

    fn reset_there(&self, client: OnRuntime) -> Result<(), ResetError> {
        let context = &*self.context;
        let asked = client.clone();
        let not_reset = |failure: &Failure| log("error", "not_reset", failure.to_json());
        let prepared = Prepared::new(context, &self.destination, || {
            // What other processes have done until now.
            client
                .synced()
                .map_err(|error| Failure::of_call(error, &context.watch))?;
            Ok(client)
        });
        let prepared = prepared.map_err(|failure| {
            not_reset(&failure);
            ResetError::NotPrepared(failure.to_string().into())
        })?;
        let done = prepared.run().map_err(|failure| {
            not_reset(&failure);
            let new = asked.session(|session| session.new_password().cloned());
            match (failure.error(), new) {
                (Some(error), _) => ResetError::Failed(error.clone()),
                (None, Some(new)) => {
                    let why = StoreError::new(failure.to_string());
                    ResetError::Failed(Error::not_confirmed(new, why))
                }
                (None, None) => ResetError::NotPrepared(failure.to_string().into()),
            }
        })?;
        let mut report = done.to_json();
        if let Value::Object(report) = &mut report {
            let message = done.lines(context).join(" ");
            report.insert("message".to_owned(), message.into());
        }
        log("info", "reset", report);
        Ok(())
    }
}

/// The proxy's client, for a thread that waits.
#[derive(Clone)]
struct OnRuntime {
    client: Client<Pooled>,
    runtime: Handle,
    watch: ResetWatch,
}

impl OnRuntime {
    fn synced(&self) -> Result<(), Error> {
        self.runtime.block_on(self.client.sync())
    }
}

impl Resets for OnRuntime {
    fn session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        self.client.session(look)
    }

    fn request(&self) -> Result<NewPassword, Error> {
        self.runtime.block_on(self.client.request_reset())
    }

    fn wait_for_result(&self, at_most: Duration) {
        self.watch.wait(at_most);
    }

    fn confirm(&self, new: &NewPassword) -> Result<(), Error> {
        self.runtime.block_on(self.client.confirm_reset(new))
    }

    fn sync(&self) -> bool {
        self.synced().is_ok()
    }

    fn saved<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        // The client saves beside its calls.
        work()
    }
}

/// The password that the proxy uses: who changes it, and the logins with it.
#[derive(Default)]
struct PasswordInUse {
    changing: Mutex<()>,
    /// True if a login has succeeded with it that nobody has looked at.
    has_logged_in: AtomicBool,
    logged_in: Notify,
}

impl PasswordInUse {
    /// Changes the password, as the only one at a time.
    async fn change<T>(&self, change: impl Future<Output = T>) -> T {
        let _changing = self.changing.lock().await;
        let changed = change.await;
        // A login until now may have been made with the one before.
        self.has_logged_in.store(false, Relaxed);
        changed
    }

    /// Waits for a login that succeeds, and looks at it before the password is changed.
    async fn after_login(&self, look: impl Future<Output = ()>) {
        self.logged_in.notified().await;
        let _changing = self.changing.lock().await;
        if self.has_logged_in.swap(false, Relaxed) {
            look.await;
        }
    }
}

impl Observer for PasswordInUse {
    fn event(&self, event: &Event, _: Option<CallId>) {
        if *event == Event::LoggedIn {
            self.has_logged_in.store(true, Relaxed);
            self.logged_in.notify_one();
        }
    }
}

/// Removes what is left of a reset after each login with the new password, as every
/// command does.
async fn settle(context: Arc<Context>, client: Client<Pooled>, in_use: Arc<PasswordInUse>) {
    loop {
        let settled = async {
            let password = client.session(|session| session.credentials().password().cloned());
            let context = Arc::clone(&context);
            if let Some(password) = password {
                let settling = spawn_blocking(move || context.records().settle(&password));
                settling.await.ok();
            }
        };
        in_use.after_login(settled).await;
    }
}

/// Reads the credentials again at each signal.
async fn reload(
    mut hangup: Signal,
    common: &Common,
    context: &Context,
    client: &Client<Pooled>,
    in_use: &PasswordInUse,
) {
    while hangup.recv().await.is_some() {
        let reloaded = async { reloaded(common, context, client) };
        match in_use.change(reloaded).await {
            Ok(changed) => log("info", "reloaded", json!({ "changed": changed })),
            Err(failure) => {
                let message = failure.to_string();
                log("error", "not_reloaded", json!({ "message": message }));
                continue;
            }
        }
        // Others learn of it, and it of them. A store that is down is logged.
        let _ = client.sync().await;
    }
    std::future::pending::<()>().await;
}

/// Uses the credentials as they are now. Returns true if they are others than before.
fn reloaded(common: &Common, context: &Context, client: &Client<Pooled>) -> Result<bool, Failure> {
    let sources = CredentialSources::new(common.credentials.as_deref())?;
    let credentials = sources.credentials()?;
    if let Some(password) = credentials.password() {
        if let Some(outdated) = context.records().outdated(password)? {
            return Err(outdated);
        }
    }
    client
        .session(|session| {
            let changed = *session.credentials() != credentials;
            session.set_credentials(credentials).map(|()| changed)
        })
        .map_err(|error| Failure::caused_by(Exit::Usage, error))
}

/// A client that shares the session, logs what happens and counts it.
fn client(context: &Context, observer: impl Observer + 'static) -> Result<Client<Pooled>, Failure> {
    let builder = context.builder(|| context.credentials.credentials())?;
    let store = OnThread::new(context.shared_store())
        .map_err(|error| Failure::caused_by(Exit::Usage, error))?;
    let config = Config::new(builder).observer(observer);
    let client = Builder::new(config).store(store);
    let client = match context.tls()? {
        Some(tls) => client.tls(tls),
        None => client,
    };
    let client = context.built(client.build())?;
    let password = client.session(|session| session.credentials().password().cloned());
    match password.map(|password| context.records().outdated(&password)) {
        Some(Ok(Some(failure)) | Err(failure)) => Err(failure),
        _ => Ok(client),
    }
}

/// Allows as many open files as this process may have: each call in progress has two
/// connections. Where it can't be, fewer calls go on at once.
fn allow_files() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        setrlimit(Resource::RLIMIT_NOFILE, most, most).ok();
    }
}

/// Makes the metrics of this program go to the page that it renders.
fn recorder() -> Result<PrometheusHandle, Failure> {
    let recorder = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets_for_metric(Matcher::Suffix("duration".to_owned()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::caused_by(Exit::Usage, error))?;
    describe();
    Ok(recorder)
}

/// The value of the required header, if one is given.
fn header_value() -> Result<Option<Zeroizing<String>>, Failure> {
    let in_file = format!("{HEADER_VALUE}_FILE");
    let value = match (env::var(HEADER_VALUE), env::var_os(&in_file)) {
        (Ok(_), Some(_)) => {
            return Err(Failure::usage(format!(
                "{HEADER_VALUE} is given twice; give it once, as a variable or in a file"
            )));
        }
        (Ok(value), None) => Zeroizing::new(value),
        (Err(_), Some(path)) => in_private_file(Path::new(&path))?,
        (Err(_), None) => return Ok(None),
    };
    if value.is_empty() || http::HeaderValue::from_str(&value).is_err() {
        return Err(Failure::usage(format!(
            "{HEADER_VALUE} can't be the value of a header; give it visible characters"
        )));
    }
    Ok(Some(value))
}

fn in_private_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let refused = |why| Failure::usage(format!("{} {why}", path.display()));
    let bytes = read_private(path, MAX_BYTES)?.ok_or_else(|| refused("does not exist"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refused("is not UTF-8"))?;
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("give it as chmod takes it, like 660".to_owned()),
    }
}

/// Writes a line of the log.
fn log(level: &str, event: &str, fields: Value) {
    let mut line = json!({ "time": show::time(now()), "level": level, "event": event });
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
        line.extend(fields);
    }
    show::to_stderr(&show::line(&line));
}

/// Logs what happens to the session.
#[derive(Clone, Copy)]
struct Log;

impl Observer for Log {
    fn event(&self, event: &Event, call: Option<CallId>) {
        let level = match event {
            Event::LoginsBlocked {
                reason: BlockReason::AwaitingConfirmation,
                ..
            } => "info",
            Event::LoginsBlocked { .. } => "error",
            Event::LoginRefused { .. }
            | Event::LoginLost { .. }
            | Event::CoolingDown { .. }
            | Event::BackingOff { .. }
            | Event::LeaseExpired { .. }
            | Event::StoreFailed => "warn",
            _ => "info",
        };
        log(level, event.name(), Value::Object(show::event(event, call)));
    }
}

/// A call's error and its causes. None of them has a secret.
fn causes(error: &Error) -> Vec<String> {
    let first: &dyn StdError = error;
    std::iter::successors(Some(first), |&error| error.source())
        .map(ToString::to_string)
        .collect()
}

/// A proxy whose requests are logged: their method and path, without the query, which
/// may hold anything.
#[derive(Clone)]
struct Logged(thingspace_proxy::Proxy<Pooled>);

impl Service<Request<Incoming>> for Logged {
    type Response = Response<Streamed>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Incoming>>::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let method = request.method().to_string();
        let path = request.uri().path().to_owned();
        let started = Instant::now();
        let response = self.0.call(request);
        Box::pin(async move {
            let response = response.await?;
            // Probes come every few seconds, and say what is logged elsewhere.
            if path.starts_with("/api") {
                let error = response.headers().get(ERROR_HEADER);
                let error = error.and_then(|kind| kind.to_str().ok());
                let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                let level = if error.is_some() { "warn" } else { "info" };
                log(
                    level,
                    "request",
                    json!({
                        "method": method,
                        "path": path,
                        "status": response.status().as_u16(),
                        "error": error,
                        "causes": response.extensions().get().map(causes),
                        "took_ms": took_ms,
                    }),
                );
            }
            Ok(response)
        })
    }
}
