use std::{fs, sync::Arc};

use keysweep_sdk::Mounting;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_rustls::TlsConnector;

/// TLS 1.2 and 1.3 with the system's certificate authorities, and those of `[network]`.
pub(crate) fn connector(mounting: &Mounting) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &mounting.network.ca {
        let path = mounting.folder.join(path);
        let shown = path.display();
        let pem = fs::read(&path).map_err(|error| format!("`{shown}` is not read: {error}"))?;
        let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|_| format!("`{shown}` is not PEM"))?;
        if found.is_empty() {
            return Err(format!("`{shown}` holds no certificate"));
        }
        for certificate in found {
            roots.add(certificate).map_err(|_| format!("`{shown}` holds a bad certificate"))?;
        }
    }
    if roots.is_empty() {
        return Err("no certificate authority is known".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| "TLS cannot be set up".to_owned())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
