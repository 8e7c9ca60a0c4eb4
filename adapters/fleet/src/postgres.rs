//! PostgreSQL.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    PASSWORD, certificate, port,
    process::{Process, output},
};

/// The superuser.
const USER: &str = "thingspace";

/// A PostgreSQL server that is this test's own. What it has committed survives that it
/// is killed. It is gone with this value.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    address: SocketAddr,
    programs: PathBuf,
}

impl Postgres {
    /// Starts a server with an empty database.
    #[allow(clippy::new_without_default, reason = "a server is started")]
    pub fn start() -> Self {
        Self::started("")
    }

    /// Starts a server that speaks TLS, also without. Returns the root to trust, as PEM.
    /// The certificate is for `localhost` and `127.0.0.1`.
    pub fn start_with_tls() -> (Self, String) {
        let certificate = certificate::issue();
        let settings = "ssl = on\nssl_cert_file = '../chain.pem'\nssl_key_file = '../key.pem'\n";
        let this = Self::prepared(settings);
        this.process.write("chain.pem", &certificate.chain);
        this.process.write("key.pem", &certificate.key);
        this.restart();
        (this, certificate.root)
    }

    fn started(settings: &str) -> Self {
        let this = Self::prepared(settings);
        this.restart();
        this
    }

    fn prepared(settings: &str) -> Self {
        let process = Process::new("postgres", &["postgres", "nobody"]);
        let programs = programs();
        let password = process.write("password", PASSWORD);
        let mut initdb = process.command(&programs.join("initdb"));
        initdb
            .args([
                "--no-sync",
                "--no-instructions",
                "--locale=C",
                "--encoding=UTF8",
            ])
            .args(["--auth=scram-sha-256", "--username", USER])
            .arg("--pwfile")
            .arg(password)
            .arg("--pgdata")
            .arg(process.path("data"));
        output(&mut initdb).unwrap_or_else(|error| panic!("initdb: {error}"));
        let address = port::free();
        let folder = process.path("");
        let settings = format!(
            "listen_addresses = '{}'\nport = {}\nunix_socket_directories = '{}'\n\
             max_connections = 200\nshared_buffers = 16MB\n\
             fsync = on\nsynchronous_commit = on\n{settings}",
            address.ip(),
            address.port(),
            folder.display(),
        );
        process.write("data/postgresql.auto.conf", &settings);
        Self {
            process,
            address,
            programs,
        }
    }

    /// The server's address, with user and password.
    pub fn address(&self) -> String {
        self.address_at(self.address)
    }

    /// The server's address where it is reached through something else, with user and
    /// password.
    pub fn address_at(&self, place: SocketAddr) -> String {
        format!("postgres://{USER}:{PASSWORD}@{place}/postgres")
    }

    /// The server's address by its Unix socket, with user and password.
    pub fn address_by_socket(&self) -> String {
        format!(
            "host={} port={} user={USER} password={PASSWORD} dbname=postgres",
            self.socket_folder().display(),
            self.address.port(),
        )
    }

    /// The port that it listens on.
    pub const fn socket_address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of its Unix socket.
    pub fn socket_folder(&self) -> PathBuf {
        self.process.path("")
    }

    /// Kills the server and its children with SIGKILL.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts the server on the port and the data that it had.
    pub fn restart(&self) {
        let mut server = self.process.command(&self.programs.join("postgres"));
        server.arg("-D").arg(self.process.path("data"));
        self.process
            .run(server, || self.query("select 1").map(drop));
    }

    /// Stops the server and its children with SIGSTOP: it accepts connections and says
    /// nothing.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// Runs a statement as the superuser. Returns the rows as lines, with `|` between
    /// the fields.
    pub fn sql(&self, statement: &str) -> String {
        let result = self.query(statement);
        result.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    fn query(&self, statement: &str) -> Result<String, String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet"])
            .args(["--set", "ON_ERROR_STOP=1", "--dbname", &self.address()])
            .args(["--command", statement])
            .env("PGCONNECT_TIMEOUT", "10")
            // The user's own settings are none of the test's.
            .env("HOME", self.process.path(""));
        output(&mut psql)
    }
}

/// The folder of the newest PostgreSQL's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.filter_map(|entry| {
        let folder = entry.ok()?;
        let version: u32 = folder.file_name().to_str()?.parse().ok()?;
        Some((version, folder.path().join("bin")))
    });
    if let Some((_, newest)) = versions.filter(|(_, bin)| has_server(bin)).max() {
        return newest;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).find(|folder| has_server(folder));
    found.expect("PostgreSQL's initdb and postgres (Debian: postgresql)")
}

fn has_server(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|name| folder.join(name).exists())
}
