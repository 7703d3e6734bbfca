use std::{fs, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

/// Trust in the system's certificate authorities, and in those of `ca` besides.
///
/// `lenient`: a machine without any will do, and nothing is trusted. For providers on loopback, which need no TLS.
pub(crate) fn config(ca: Option<&Path>, lenient: bool) -> Result<ClientConfig, String> {
    let extra = ca.map(authorities).transpose()?.unwrap_or_default();
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let verifier = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => verifier,
        Err(_) if lenient => {
            return Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
        }
        Err(error) => {
            return Err(format!(
                "no certificate authority to trust: {error}; install `ca-certificates` or set `network.ca`"
            ));
        }
    };
    // "Dangerous" is to bring a verifier. This one is rustls' own with the system's roots.
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let file = path.display();
    let pem =
        fs::read(path).map_err(|error| format!("`network.ca` {file} cannot be read: {error}"))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| format!("`network.ca` {file} is not PEM"))?;
    match found.is_empty() {
        true => Err(format!("`network.ca` {file} holds no certificate")),
        false => Ok(found),
    }
}
