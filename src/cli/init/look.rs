//! What lies around: names only, never a value.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    assess::InventoryReport,
    ci::literal::{name_is_secret, without_userinfo},
};

/// A larger file is no dotenv.
const MOST_BYTES: u64 = 1 << 20;

/// What a first configuration can be made of.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Dotenv files below the folder of the configuration, and the names in them that speak of a secret.
    pub(super) dotenv: BTreeMap<String, Vec<String>>,
    /// Kind of credential → names of secrets that CI is sent.
    pub(super) ci: BTreeMap<String, BTreeSet<String>>,
    pub(super) aws_profiles: BTreeSet<String>,
    pub(super) aws_region: Option<String>,
    pub(super) gh: bool,
    /// `VAULT_ADDR`.
    pub(super) vault: Option<String>,
}

pub(super) fn around(paths: &[PathBuf], folder: &Path, inventory: &InventoryReport) -> Found {
    let mut found = Found {
        ci: of_ci(inventory),
        gh: on_path("gh"),
        vault: env::var("VAULT_ADDR")
            .ok()
            .filter(|at| !at.is_empty())
            .map(|at| without_userinfo(&at)),
        ..Found::default()
    };
    for path in paths {
        dotenv(path, folder, &mut found.dotenv);
    }
    aws(&mut found);
    found
}

/// What is made for each job is rotated by nobody.
fn of_ci(inventory: &InventoryReport) -> BTreeMap<String, BTreeSet<String>> {
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let kept = inventory.placements.iter().filter(|p| !matches!(&*p.scope, "job" | "literal"));
    for placement in kept.filter(|placement| placement.name != "*") {
        let issuer = placement.issuer.as_ref();
        // Who, and where: no secret by itself.
        let public = issuer.and_then(|issuer| issuer.field.as_deref());
        if matches!(public, Some("username" | "email")) {
            continue;
        }
        let kind = issuer.map_or("unknown", |issuer| issuer.kind.as_str());
        kinds.entry(kind.to_owned()).or_default().insert(placement.name.clone());
    }
    kinds
}

fn dotenv(path: &Path, folder: &Path, into: &mut BTreeMap<String, Vec<String>>) {
    let Ok(folder) = folder.canonicalize() else { return };
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let shown = ["example", "sample", "template", "dist"].iter().any(|end| name.ends_with(end));
        if shown || !(name == ".env" || name.starts_with(".env.")) {
            continue;
        }
        let Some(names) = names(&entry.path()) else { continue };
        let real = entry.path().canonicalize().ok();
        let below = real.as_deref().and_then(|real| real.strip_prefix(&folder).ok());
        if let Some(below) = below.and_then(Path::to_str).filter(|_| !names.is_empty()) {
            into.insert(below.to_owned(), names);
        }
    }
}

/// The values are passed over: only what stands before the first `=` is kept.
fn names(path: &Path) -> Option<Vec<String>> {
    let found = fs::metadata(path).ok()?;
    if !found.is_file() || found.len() > MOST_BYTES {
        return None;
    }
    let text = zeroize::Zeroizing::new(fs::read_to_string(path).ok()?);
    let name = |line: &str| {
        let name = line.trim_start().split_once('=')?.0;
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_name && name_is_secret(name)).then(|| name.to_owned())
    };
    let names: BTreeSet<String> = text.lines().filter_map(name).collect();
    Some(names.into_iter().collect())
}

fn aws(found: &mut Found) {
    let home = env::home_dir().unwrap_or_default().join(".aws");
    let file = |variable: &str, name: &str| {
        env::var_os(variable).map_or_else(|| home.join(name), PathBuf::from)
    };
    let config = fs::read_to_string(file("AWS_CONFIG_FILE", "config")).unwrap_or_default();
    for line in config.lines().map(str::trim) {
        if let Some(section) = section(line) {
            if section == "default" {
                found.aws_profiles.insert(section.to_owned());
            }
            found
                .aws_profiles
                .extend(section.strip_prefix("profile ").map(|p| p.trim().to_owned()));
        } else if let Some(("region", region)) =
            line.split_once('=').map(|(k, v)| (k.trim(), v.trim()))
            && found.aws_region.is_none()
        {
            found.aws_region = Some(region.to_owned());
        }
    }
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    let text = zeroize::Zeroizing::new(fs::read_to_string(credentials).unwrap_or_default());
    found
        .aws_profiles
        .extend(text.lines().filter_map(|line| section(line.trim())).map(str::to_owned));
}

fn section(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
