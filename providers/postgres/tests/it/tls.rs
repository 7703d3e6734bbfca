use std::{fs, path::PathBuf};

use keysweep_sdk::{Effect, ErrorKind, Provider, ProviderConfig, ProviderName};
use keysweep_testbed::{
    absent,
    postgres::{ADMIN_PASSWORD, Options, Postgres},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::bench::*;

/// An authority, and a certificate of its for 127.0.0.1: PEM.
struct Issued {
    ca: String,
    certificate: String,
    key: String,
}

fn issued() -> Issued {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = authority.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, ca_key);
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Issued { ca: ca.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

async fn provider(server: &Postgres, mode: &str, ca: Option<PathBuf>) -> Provider {
    let text = format!(
        "host = \"127.0.0.1\"\nport = {}\nuser = \"postgres\"\npassword = \"env:X\"\nsslmode = \"{mode}\"",
        server.port()
    );
    let config: keysweep_provider_postgres::Config = toml::from_str(&text).unwrap();
    config.mount(ProviderName::new("db"), &mounting(ADMIN_PASSWORD, ca, 10)).await.unwrap()
}

const HBA: &str = "hostssl all all 127.0.0.1/32 scram-sha-256\n\
                   host all postgres 127.0.0.1/32 scram-sha-256\n";

#[tokio::test]
async fn an_encrypted_server_is_one_that_proves_itself() {
    let issued = issued();
    let tls = Some((issued.certificate.clone(), issued.key.clone()));
    let options = Options { hba: Some(HBA.into()), tls };
    let Some(server) = Postgres::start_with(&options) else { return absent("PostgreSQL") };
    server.role("app", "firstPlantedPw");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &issued.ca).unwrap();

    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(server.sql_as("app", "firstPlantedPw", encrypted).unwrap(), "t");
    for known in
        [provider(&server, "verify-full", Some(ca)).await, provider(&server, "require", None).await]
    {
        assert_eq!(snapshot(&known, &principal()).await.unwrap().len(), 1);
        assert!(is_live(&verify(&known, &login("app", "firstPlantedPw")).await.unwrap()));
        let dead = verify(&known, &login("app", "garbagePlantedPw")).await.unwrap();
        assert_eq!(dead, keysweep_sdk::Verdict::Dead);
    }
    // Who signed it is not known.
    let stranger = provider(&server, "verify-full", None).await;
    let error = snapshot(&stranger, &principal()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
    assert!(error.message().contains("certificate"), "{error}");
    assert!(!shown(&error).contains(ADMIN_PASSWORD));

    // `require` trusts no certificate, but demands that the server knows the password: one that asks for it in the
    // clear, as an impostor would, does not get it.
    server.reload_hba(
        "hostssl all all 127.0.0.1/32 password\nhost all postgres 127.0.0.1/32 scram-sha-256\n",
    );
    let impostor = provider(&server, "require", None).await;
    let error = snapshot(&impostor, &principal()).await.unwrap_err();
    assert_eq!(error.effect, Effect::None);
    assert!(error.message().contains("channel binding"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    for mode in ["require", "verify-full"] {
        let provider = provider(&server, mode, None).await;
        let error = snapshot(&provider, &principal()).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
        assert!(error.message().contains("TLS"), "{error}");
    }
}
