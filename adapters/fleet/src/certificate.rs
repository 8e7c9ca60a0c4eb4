//! Certificates for servers on this machine.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// A server's certificate and key, and the root that clients trust, as PEM.
pub(crate) struct Certificate {
    pub(crate) root: String,
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// Issues a certificate for `localhost` and `127.0.0.1`, from a root of its own.
pub(crate) fn issue() -> Certificate {
    let mut root = CertificateParams::default();
    // Not the name of what it certifies, which would pass for its own root.
    root.distinguished_name
        .push(DnType::CommonName, "thingspace-fleet");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key"));
    let root = root.expect("a root");
    let names = ["localhost", "127.0.0.1"].map(ToOwned::to_owned);
    let server = CertificateParams::new(names).expect("names");
    let key = KeyPair::generate().expect("a key");
    let chain = server.signed_by(&key, &root).expect("a certificate");
    Certificate {
        root: root.pem(),
        chain: chain.pem(),
        key: key.serialize_pem(),
    }
}
