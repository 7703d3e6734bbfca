//! The suite that every provider passes, on files of every format.
#![expect(clippy::unwrap_used, reason = "for tests only")]

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Excuse, Fault, Injected, NotPossible, Own, Placements, Start, run,
};
use keysweep_provider_file::Config;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Network, Op, Payload, PlacementId, Provider,
    ProviderConfig, ProviderName, Purpose, Resolve, Result, SecretRef, SecretValue,
};
use tempfile::TempDir;

#[derive(Debug)]
struct NoCredentials;

#[async_trait]
impl Resolve for NoCredentials {
    async fn resolve(&self, provider: &ProviderName, _: &SecretRef) -> Result<SecretValue> {
        let (kind, effect) = (ErrorKind::Config, Effect::None);
        Err(Error::new(provider.clone(), Op::Mount, kind, effect, "none is needed"))
    }
}

/// One file of one format.
struct Files {
    dir: TempDir,
    file: &'static str,
    text: &'static str,
    at: &'static str,
    absent: &'static str,
    bad: &'static str,
    names: &'static [&'static str],
}

impl Files {
    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join(self.file)
    }
}

async fn mount(folder: &Path) -> Result<Provider> {
    let mounting = Mounting {
        resolve: Arc::new(NoCredentials),
        network: Network::default(),
        folder: folder.to_owned(),
    };
    Config::default().mount(ProviderName::new("files"), &mounting).await
}

#[async_trait(?Send)]
impl Bench for Files {
    async fn reset(&mut self) -> Start {
        self.dir = tempfile::tempdir().unwrap();
        fs::write(self.path(), self.text).unwrap();
        let names = self.names.iter().map(ToString::to_string).collect();
        let (at, absent) = (PlacementId::new(self.at), PlacementId::new(self.absent));
        let placements = Placements { at, absent, bad: Some(PlacementId::new(self.bad)), names };
        Start { placements: Some(placements), credentials: None }
    }

    async fn provider(&mut self, own: Own) -> std::result::Result<Provider, NotPossible> {
        match own {
            Own::Good => Ok(mount(self.dir.path()).await.unwrap()),
            Own::Wrong | Own::Weak(_) => {
                Err(NotPossible("a file knows the process, which is root in these tests".into()))
            }
        }
    }

    async fn inject(&mut self, _: &Fault) -> Injected {
        Injected::NotPossible("nothing is between the process and its files".into())
    }

    async fn lift(&mut self) {}

    async fn holds(&mut self, _: &PlacementId, payload: &Payload) -> Option<bool> {
        let text = fs::read_to_string(self.path()).unwrap_or_default();
        let has = |value: &SecretValue| text.contains(value.expose_for(Purpose::Verify));
        Some(match payload {
            Payload::One(value) => has(value),
            Payload::Named(named) => named.iter().all(|(_, value)| has(value)),
        })
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }

    fn excuse(&self, _: &str) -> Option<Excuse> {
        None
    }
}

async fn conforms(files: [&'static str; 5], names: &'static [&'static str]) {
    let [file, text, at, absent, bad] = files;
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Files { dir, file, text, at, absent, bad, names };
    let report = run(&mut bench).await;
    report.assert_conforms();
}

#[tokio::test]
async fn one_line_of_a_dotenv_file() {
    conforms([".env", "A=1\n# kept\nB=2\n", ".env#TOKEN", ".env#NONE", "../.env#TOKEN"], &[]).await;
}

#[tokio::test]
async fn lines_of_a_dotenv_file() {
    conforms([".env", "C=1\n", ".env#", "none.env#", "../.env#"], &["A", "B"]).await;
}

#[tokio::test]
async fn a_key_of_json() {
    let text = "{\n  \"db\": {\"user\": \"app\", \"password\": \"old\"}\n}\n";
    let at = "c.json#/db/password";
    conforms(["c.json", text, at, "c.json#/db/none", "../c.json#/x"], &[]).await;
}

#[tokio::test]
async fn a_key_of_yaml() {
    let text = "db:\n  user: app # kept\n  password: old\n";
    conforms(["c.yaml", text, "c.yaml#db.password", "c.yaml#db.none", "../c.yaml#x"], &[]).await;
}

#[tokio::test]
async fn keys_of_a_toml_table() {
    let text = "[db]\nuser = \"app\" # kept\n";
    conforms(["c.toml", text, "c.toml#/db", "c.toml#/none", "../c.toml#/db"], &["A", "B"]).await;
}

#[tokio::test]
async fn a_whole_file() {
    conforms(["token", "old", "token#", "none#", "../token#"], &[]).await;
}
