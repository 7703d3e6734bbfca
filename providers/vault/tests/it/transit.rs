use keysweep_provider_vault::TransitConfig;
use keysweep_sdk::{Effect, ErrorKind, ProviderName, Purpose, SecretValue};
use keysweep_testbed::{
    absent,
    openbao::{OpenBao, ROOT_TOKEN},
};
use serde_json::{Value, json};

use crate::bench::*;

async fn opened(server: &OpenBao, token: &str, key: &str) -> keysweep_provider_vault::Transit {
    let text = format!("address = \"{}\"\ntoken = \"env:X\"\nkey = \"{key}\"", server.url());
    let config: TransitConfig = toml::from_str(&text).unwrap();
    config.open(ProviderName::new("escrow"), &mounting(token, 10)).await.unwrap()
}

#[tokio::test]
async fn what_is_sealed_is_unsealed_for_what_it_is_about() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    server.root("POST", "sys/mounts/transit", &json!({"type": "transit"}));
    server.root("POST", "transit/keys/escrow", &json!({}));
    server.root("POST", "transit/keys/rsa", &json!({"type": "rsa-2048"}));
    let policy = "path \"transit/keys/escrow\" { capabilities = [\"read\"] }\n\
        path \"transit/encrypt/escrow\" { capabilities = [\"update\"] }\n\
        path \"transit/decrypt/escrow\" { capabilities = [\"update\"] }";
    let transit = opened(&server, &server.token("seal", policy), "escrow").await;
    let value = SecretValue::new("sealedPlanted é\n");
    let sealed = transit.seal(&value, "bao:approle/approle/ci").await.unwrap();
    assert!(sealed.starts_with("vault:v1:") && !sealed.contains("Planted"));
    let back = transit.unseal(&sealed, "bao:approle/approle/ci").await.unwrap();
    assert_eq!(back.expose_for(Purpose::Seal), "sealedPlanted é\n");

    for (ciphertext, about) in [(sealed.as_str(), "another"), ("vault:v1:AAAA", "x"), ("", "x")] {
        let error = transit.unseal(ciphertext, about).await.unwrap_err();
        assert_eq!(error.effect, Effect::None, "{error:?}");
        assert!(!shown(&error).contains("Planted"));
    }
    // Kept through a rotation of the key.
    server.root("POST", "transit/keys/escrow/rotate", &Value::Null);
    assert!(transit.unseal(&sealed, "bao:approle/approle/ci").await.unwrap().same(&value));

    let missing = opened(&server, ROOT_TOKEN, "none").await;
    let error = missing.seal(&value, "x").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::None));
    assert_eq!(server.try_call(ROOT_TOKEN, "GET", "transit/keys/none", &Value::Null).0, 404);
    let rsa = opened(&server, ROOT_TOKEN, "rsa").await;
    assert_eq!(rsa.seal(&value, "x").await.unwrap_err().kind, ErrorKind::Config);
}
