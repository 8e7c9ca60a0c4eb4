//! TLS by rustls, where a server is reached over it.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};

/// Returns a configuration that trusts the roots that Mozilla trusts, with the
/// cryptography that the process has installed, or ring. rustls itself would panic where
/// other crates brought two providers.
///
/// Fails if the provider has no protocol version.
pub fn trusting() -> Result<ClientConfig, rustls::Error> {
    let chosen = CryptoProvider::get_default().cloned();
    let provider = chosen.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions()?;
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
