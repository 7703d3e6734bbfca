//! What the AWS servers have in common: an administrator's key, and AWS's own Python client to look around and to use
//! keys as a consumer does.

use std::{
    fmt,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use serde_json::{Value, json};

use crate::Server;

/// The region of all calls.
pub const REGION: &str = "us-east-1";

/// An access key.
#[derive(Clone, Eq, PartialEq)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

/// Which server it is, and so where it is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Moto,
    Ministack,
}

/// Where a server is known to be unlike AWS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deviation {
    /// A third access key of a user is made.
    NoKeyLimit,
    /// The last use of a key stays "never".
    LastUseNeverMoves,
    /// The keys of a user who is not there are an empty list.
    AbsentUserHasNoKeys,
    /// There are no sessions of a user that an ordinary call takes.
    NoSessions,
    /// `SimulatePrincipalPolicy` is not there.
    NoSimulation,
    /// Of a policy's `Resource` only `*` is understood.
    NoResources,
    /// A key is deleted whoever's it is said to be.
    KeyOfAnybodyDeleted,
}

const DEVIATIONS: &[(Kind, Deviation)] = &[
    (Kind::Moto, Deviation::NoResources),
    (Kind::Moto, Deviation::NoSessions),
    (Kind::Moto, Deviation::NoSimulation),
    (Kind::Ministack, Deviation::AbsentUserHasNoKeys),
    (Kind::Ministack, Deviation::KeyOfAnybodyDeleted),
    (Kind::Ministack, Deviation::LastUseNeverMoves),
    (Kind::Ministack, Deviation::NoKeyLimit),
];

/// What the server said instead of yes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    pub code: String,
    pub status: u16,
}

/// A running server with authentication on, and its administrator.
#[derive(Debug)]
pub struct AwsServer {
    pub kind: Kind,
    /// A user `admin` who may do anything.
    pub admin: Key,
    server: Server,
    client: Mutex<Client>,
}

#[derive(Debug)]
struct Client {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl AwsServer {
    /// `python` has botocore; `first` makes the administrator.
    pub(crate) fn with_admin(kind: Kind, server: Server, python: &Path, first: &Key) -> Self {
        let client = Mutex::new(Client::start(python));
        let mut server = Self { kind, admin: first.clone(), server, client };
        server.admin = server.user("admin", &[("*", "*")]);
        server
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn log(&self) -> String {
        self.server.log()
    }

    pub fn deviates(&self, deviation: Deviation) -> bool {
        DEVIATIONS.contains(&(self.kind, deviation))
    }

    /// One call of AWS's API, signed with `key`.
    pub fn call(
        &self,
        key: &Key,
        service: &str,
        operation: &str,
        parameters: Value,
    ) -> Result<Value, Refused> {
        let key = json!({ "id": key.id, "secret": key.secret, "token": key.token });
        let request = json!({
            "url": self.url(),
            "key": key,
            "service": service,
            "operation": operation,
            "parameters": parameters,
        });
        self.client.lock().unwrap().ask(&request)
    }

    /// As the administrator; has to succeed.
    pub fn admin_call(&self, service: &str, operation: &str, parameters: Value) -> Value {
        self.call(&self.admin, service, operation, parameters)
            .unwrap_or_else(|refused| panic!("{operation}: {refused:?}\n{}", self.log()))
    }

    /// A new user who may do these actions on these resources, and one key of theirs.
    pub fn user(&self, name: &str, may: &[(&str, &str)]) -> Key {
        self.admin_call("iam", "CreateUser", json!({ "UserName": name }));
        let statements: Vec<_> = may
            .iter()
            .map(|(action, on)| json!({ "Effect": "Allow", "Action": action, "Resource": on }))
            .collect();
        if !statements.is_empty() {
            let document = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
            let policy =
                json!({ "UserName": name, "PolicyName": "may", "PolicyDocument": document });
            self.admin_call("iam", "PutUserPolicy", policy);
        }
        self.key_of(name)
    }

    /// A further key of a user.
    pub fn key_of(&self, name: &str) -> Key {
        let reply = self.admin_call("iam", "CreateAccessKey", json!({ "UserName": name }));
        let text = |field: &str| reply["AccessKey"][field].as_str().unwrap().to_owned();
        Key { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token: None }
    }

    /// The ids of the user's keys.
    pub fn keys(&self, name: &str) -> Vec<String> {
        let reply = self.admin_call("iam", "ListAccessKeys", json!({ "UserName": name }));
        let keys = reply["AccessKeyMetadata"].as_array().unwrap();
        keys.iter().map(|key| key["AccessKeyId"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether the server takes the key.
    pub fn works(&self, key: &Key) -> bool {
        self.call(key, "sts", "GetCallerIdentity", json!({})).is_ok()
    }

    /// What is current in a secret.
    pub fn secret(&self, id: &str) -> Option<String> {
        let reply =
            self.call(&self.admin, "secretsmanager", "GetSecretValue", json!({ "SecretId": id }));
        reply.ok()?["SecretString"].as_str().map(str::to_owned)
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        let asked = json!({ "Name": name, "WithDecryption": true });
        let reply = self.call(&self.admin, "ssm", "GetParameter", asked).ok()?;
        reply["Parameter"]["Value"].as_str().map(str::to_owned)
    }
}

impl Client {
    fn start(python: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/boto.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (ask, told) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, ask, told: BufReader::new(told) }
    }

    fn ask(&mut self, request: &Value) -> Result<Value, Refused> {
        writeln!(self.ask, "{request}").unwrap();
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        match answer["code"].as_str() {
            None => Ok(answer["reply"].take()),
            Some(code) => {
                let status = answer["status"].as_u64().and_then(|s| u16::try_from(s).ok());
                Err(Refused { code: code.to_owned(), status: status.unwrap_or(0) })
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Key {
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: None }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}
