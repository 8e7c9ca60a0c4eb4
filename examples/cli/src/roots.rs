//! The certificates that are trusted, if they are not those that Mozilla trusts: a
//! company's own authority, or a proxy's that opens what is encrypted.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, crypto::ring::default_provider, pki_types::CertificateDer,
};
use thingspace_ureq::ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::failure::Failure;

/// The variable that names a file of certificates, as OpenSSL and others read it.
const VARIABLE: &str = "SSL_CERT_FILE";

/// Returns the configuration that trusts the certificates of the file given, or of the one
/// that `SSL_CERT_FILE` names, for a client that blocks; `None` if there is neither.
pub(crate) fn tls(file: Option<&Path>) -> Result<Option<TlsConfig>, Failure> {
    let Some((_, certificates)) = own(file)? else {
        return Ok(None);
    };
    let certificates = RootCerts::Specific(Arc::new(certificates));
    Ok(Some(TlsConfig::builder().root_certs(certificates).build()))
}

/// Returns the configuration that trusts the same certificates, for a client that awaits;
/// `None` if there are none.
pub(crate) fn async_tls(file: Option<&Path>) -> Result<Option<ClientConfig>, Failure> {
    let Some((shown, certificates)) = own(file)? else {
        return Ok(None);
    };
    let unusable = |error: rustls::Error| {
        Failure::usage(format!(
            "{shown} holds a certificate that is no authority: {error}"
        ))
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let der = CertificateDer::from_slice(certificate.der());
        roots.add(der.into_owned()).map_err(unusable)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(unusable)?.with_root_certificates(roots);
    Ok(Some(builder.with_no_client_auth()))
}

/// The certificates of one's own, and where they are; `None` if none are given.
fn own(file: Option<&Path>) -> Result<Option<(String, Vec<Certificate<'static>>)>, Failure> {
    let named = || {
        let path = env::var_os(VARIABLE).filter(|path| !path.is_empty());
        path.map(|path| (PathBuf::from(path), VARIABLE))
    };
    let given = file.map(|file| (file.to_owned(), "--cacert"));
    let Some((path, option)) = given.or_else(named) else {
        return Ok(None);
    };
    let certificates = read(&path, option)?;
    Ok(Some((path.display().to_string(), certificates)))
}

fn read(path: &Path, option: &str) -> Result<Vec<Certificate<'static>>, Failure> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| {
        Failure::usage(format!(
            "the certificates of {option} can't be read from {shown}: {error}"
        ))
    })?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => {
                return Err(Failure::usage(format!(
                    "{shown}, which {option} names, is damaged; it holds something that is no certificate in PEM form"
                )));
            }
        }
    }
    if certificates.is_empty() {
        return Err(Failure::usage(format!(
            "{shown}, which {option} names, holds no certificate in PEM form; its lines begin with -----BEGIN CERTIFICATE-----"
        )));
    }
    Ok(certificates)
}
