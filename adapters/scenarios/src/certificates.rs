//! Certificates and their authorities, created for the tests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::PrivatePkcs8KeyDer,
    server::{ServerSessionMemoryCache, StoresServerSessions},
};

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Returns the root certificate for clients that trust this authority, in DER.
    pub(crate) fn root(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Issues a certificate for this name. Returns the server's TLS configuration.
    pub(crate) fn certify(&self, name: &str) -> Arc<ServerConfig> {
        self.issue(&CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// Issues a certificate for this name. Returns the server's TLS configuration, and the
    /// number of its handshakes that resumed a session.
    pub(crate) fn certify_resumable(&self, name: &str) -> (Arc<ServerConfig>, Arc<AtomicU64>) {
        let mut config = Arc::unwrap_or_clone(self.certify(name));
        let sessions = Sessions {
            sessions: ServerSessionMemoryCache::new(256),
            resumed: Arc::default(),
        };
        let resumed = Arc::clone(&sessions.resumed);
        config.session_storage = Arc::new(sessions);
        (Arc::new(config), resumed)
    }

    /// Issues a certificate for this name that has expired. Returns the server's TLS
    /// configuration.
    pub(crate) fn certify_expired(&self, name: &str) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// The TLS sessions of a server, which counts those that are resumed.
#[derive(Debug)]
struct Sessions {
    sessions: Arc<ServerSessionMemoryCache>,
    resumed: Arc<AtomicU64>,
}

impl Sessions {
    fn count(&self, session: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let resumed = u64::from(session.is_some());
        self.resumed.fetch_add(resumed, Ordering::Relaxed);
        session
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.sessions.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.count(self.sessions.get(key))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.count(self.sessions.take(key))
    }

    fn can_cache(&self) -> bool {
        self.sessions.can_cache()
    }
}
