//! TLS by rustls with ring, as everywhere in keysweep.

use std::{fmt, sync::Arc};

use keysweep_sdk::Mounting;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::SslMode;

#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) connector: MakeRustlsConnect,
    /// Whether it is SCRAM with channel binding, not the certificate, that says who the server is.
    pub(crate) bound: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// `None`: plain text. The message of the error says what is wrong with the configuration.
pub(crate) fn connector(mode: SslMode, mounting: &Mounting) -> Result<Option<Tls>, String> {
    let crypto = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        SslMode::Disable => return Ok(None),
        SslMode::Require => Arc::new(Unverified(crypto.clone())),
        SslMode::VerifyFull => Arc::new(known_authorities(mounting, crypto.clone())?),
    };
    let config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let bound = mode == SslMode::Require;
    Ok(Some(Tls { connector: MakeRustlsConnect::new(config), bound }))
}

fn known_authorities(mounting: &Mounting, crypto: Arc<CryptoProvider>) -> Result<Verifier, String> {
    let further = match &mounting.network.ca {
        None => Vec::new(),
        Some(path) => {
            let path = mounting.folder.join(path);
            CertificateDer::pem_file_iter(&path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| format!("`ca` `{}`: {error}", path.display()))?
        }
    };
    Verifier::new_with_extra_roots(further, crypto)
        .map_err(|error| format!("the certificate authorities cannot be read: {error}"))
}

/// Takes any certificate, but only with a proof that the server holds its key: the channel binding rests on it.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
