//! Redis.

use std::{net::SocketAddr, path::PathBuf, process::Command};

use crate::{
    Link, PASSWORD, certificate, port,
    process::{Process, output, wait_until},
};

/// Everything that was acknowledged is on the disk.
const DURABLE: &str = "appendonly yes\nappendfsync always\n";

/// A Redis server that is this test's own. It is gone with this value.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    address: SocketAddr,
    has_tls: bool,
}

impl Redis {
    /// Starts an empty server. What it has acknowledged survives that it is killed.
    #[allow(clippy::new_without_default, reason = "a server is started")]
    pub fn start() -> Self {
        Self::start_with(DURABLE)
    }

    /// Starts a server that forgets everything when it is killed.
    pub fn start_without_persistence() -> Self {
        Self::start_with("appendonly no\n")
    }

    /// Starts a server with some more lines in its configuration.
    pub fn start_with(settings: &str) -> Self {
        let (process, address) = (Self::process(), port::free());
        let port = address.port();
        Self::started(process, address, false, &format!("port {port}\n{settings}"))
    }

    /// Starts a server that speaks TLS only. Returns the root to trust, as PEM. The
    /// certificate is for `localhost` and `127.0.0.1`.
    pub fn start_with_tls() -> (Self, String) {
        let certificate = certificate::issue();
        let (process, address) = (Self::process(), port::free());
        process.write("root.pem", &certificate.root);
        process.write("chain.pem", &certificate.chain);
        process.write("key.pem", &certificate.key);
        let settings = format!(
            "port 0\ntls-port {}\ntls-cert-file chain.pem\ntls-key-file key.pem\n\
             tls-ca-cert-file root.pem\ntls-auth-clients no\ntls-replication yes\n{DURABLE}",
            address.port(),
        );
        let this = Self::started(process, address, true, &settings);
        (this, certificate.root)
    }

    fn process() -> Process {
        Process::new("redis-server", &["redis", "nobody"])
    }

    fn started(process: Process, address: SocketAddr, has_tls: bool, settings: &str) -> Self {
        let configuration = format!(
            "bind {}\ndir {}\nunixsocket {}\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\n\
             save \"\"\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n{settings}",
            address.ip(),
            process.path("").display(),
            process.path("socket").display(),
        );
        process.write("redis.conf", &configuration);
        let this = Self {
            process,
            address,
            has_tls,
        };
        this.restart();
        this
    }

    /// The server's address, with its password.
    pub fn address(&self) -> String {
        self.address_at(self.address)
    }

    /// The server's address where it is reached through something else, with its
    /// password.
    pub fn address_at(&self, place: SocketAddr) -> String {
        let scheme = if self.has_tls { "rediss" } else { "redis" };
        format!("{scheme}://:{PASSWORD}@{place}")
    }

    /// The server's address by its Unix socket, with its password.
    pub fn address_by_socket(&self) -> String {
        format!("unix://{}?pass={PASSWORD}", self.socket().display())
    }

    /// The port that it listens on.
    pub const fn socket_address(&self) -> SocketAddr {
        self.address
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.process.path("socket")
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts the server on the port and the data that it had, in the role that it had.
    pub fn restart(&self) {
        let mut server = self.process.command("redis-server".as_ref());
        server.arg(self.process.path("redis.conf"));
        self.process.run(server, || {
            // While it loads its data, it says so.
            match self.query(&["PING"])?.as_str() {
                "PONG" => Ok(()),
                other => Err(other.to_owned()),
            }
        });
    }

    /// Stops the server with SIGSTOP: it accepts connections and says nothing.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// Makes it a replica of another server, and waits until it has the other's data.
    pub fn replica_of(&self, primary: &Self) {
        self.follow(primary, primary.address);
    }

    /// Makes it a replica of another server, which it reaches through a link, and waits
    /// until it has the other's data.
    pub fn replica_through(&self, link: &Link, primary: &Self) {
        self.follow(primary, link.address());
    }

    fn follow(&self, primary: &Self, place: SocketAddr) {
        let (host, port) = (place.ip().to_string(), place.port().to_string());
        self.take_role(&["REPLICAOF", &host, &port]);
        wait_until("the replica has the primary's data", || {
            let about = self.cli(&["INFO", "replication"]);
            about.contains("master_link_status:up")
        });
        // The primary learns a moment later that it has.
        let online = format!("port={},state=online", self.address.port());
        wait_until("the primary has the replica", || {
            primary.cli(&["INFO", "replication"]).contains(&online)
        });
    }

    /// Makes a replica a primary.
    pub fn promote(&self) {
        self.take_role(&["REPLICAOF", "NO", "ONE"]);
    }

    /// Changes its role, also for the time after a restart.
    fn take_role(&self, command: &[&str]) {
        for command in [command, &["CONFIG", "REWRITE"]] {
            // "OK Already connected to specified master" among them.
            let reply = self.cli(command);
            assert!(reply.starts_with("OK"), "{command:?}: {reply}");
        }
    }

    /// Runs a command through `redis-cli`. Returns what it prints, also if that is an
    /// error.
    pub fn cli(&self, command: &[&str]) -> String {
        let result = self.query(command);
        result.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    fn query(&self, command: &[&str]) -> Result<String, String> {
        let mut cli = Command::new("redis-cli");
        cli.env("REDISCLI_AUTH", PASSWORD)
            .args(["-h", &self.address.ip().to_string()])
            .args(["-p", &self.address.port().to_string()]);
        if self.has_tls {
            cli.arg("--tls")
                .arg("--cacert")
                .arg(self.process.path("root.pem"));
        }
        output(cli.args(command))
    }
}
