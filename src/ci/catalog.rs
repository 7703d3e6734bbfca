//! File names of CI systems and lockfiles: what a checkout holds, read or not.
//!
//! A table, so that a file of a system that is not read yet is named instead of passed over.

use std::{collections::HashMap, sync::LazyLock};

use super::{model::Platform, stored};

/// What a path is, by its name and place.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Known {
    /// The CI system, or the tool that writes the lockfile.
    pub system: &'static str,
    pub what: What,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum What {
    /// A definition that the system runs.
    Ci,
    /// Pinned dependencies, with the package ecosystem they come from.
    Lockfile { ecosystem: &'static str },
}

/// A file from which reading starts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Entry {
    /// `.github/workflows/*.yml`: GitHub runs it.
    Workflow,
    /// `action.yml`: run by who calls it, here or elsewhere.
    Action,
    /// A lock file of a format that is read (`ci::lock`).
    Lockfile,
    /// A file of a CI vendor, asked only for what it names of the vendor's store.
    Stored(Platform),
}

/// The CI system whose files are read.
pub const READ: &str = "github-actions";

/// Names at the top of a checkout that are, or hold, nearly all entry points of what is read.
pub const READ_AT: [&str; 3] = [".github", "action.yml", "action.yaml"];

/// Whether the file is an entry point of a dialect that is read.
pub fn entry(path: &str) -> Option<Entry> {
    // First: GitHub runs what lies there, also if it is called `action.yml`.
    let workflow = path
        .strip_prefix(".github/workflows/")
        .is_some_and(|inner| !inner.contains('/') && YAML.iter().any(|end| inner.ends_with(end)));
    if workflow {
        return Some(Entry::Workflow);
    }
    let action = matches!(file_name(path), "action.yml" | "action.yaml");
    (action && excluded(path).is_none()).then_some(Entry::Action)
}

/// Whether the file of a system that is not read tells something of that vendor's store.
pub fn stored(known: Known) -> Option<Entry> {
    let platform = stored::SYSTEMS.iter().find(|(system, _)| *system == known.system)?.1;
    (known.what == What::Ci).then_some(Entry::Stored(platform))
}

/// What the path is, `None` where it is neither CI nor a lockfile, or lies in an [`excluded`] folder.
pub fn known(path: &str) -> Option<Known> {
    let found = known_name(path)?;
    excluded(path).is_none().then_some(found)
}

fn known_name(path: &str) -> Option<Known> {
    if entry(path).is_some() {
        return Some(Known { system: READ, what: What::Ci });
    }
    let name = file_name(path);
    let named = NAMES.get(name).into_iter().flatten();
    let row =
        named.copied().chain(PATTERNS.iter().copied()).find(|row| row.at.holds(path, name))?;
    Some(Known { system: row.system, what: row.what })
}

/// The first folder of `path` whose content is not this repository's own CI, and why.
pub fn excluded(path: &str) -> Option<(&'static str, &'static str)> {
    let folders = path.rsplit_once('/')?.0;
    folders.split('/').find_map(excluded_folder)
}

/// Whether a folder of this name is left out, and why.
pub fn excluded_folder(name: &str) -> Option<(&'static str, &'static str)> {
    EXCLUDED.iter().find(|(folder, _)| *folder == name).copied()
}

/// Whether what a file is may depend on its lying in this folder (written with `/`), beyond its name.
pub fn place_counts(folder: &str) -> bool {
    let near = |place: &str| place.starts_with(folder) || folder.starts_with(place);
    near(".github/workflows/")
        || TABLE.iter().any(|row| match row.at {
            At::Root(path) => path.starts_with(folder),
            At::In(place, _) | At::Below(place, _) => near(place),
            At::Any(_) | At::Named(..) => false,
        })
}

/// Paths at which a system finds its file without searching: a cheap test for "this is a checkout".
pub fn fixed_paths() -> impl Iterator<Item = &'static str> {
    TABLE
        .iter()
        .filter(|row| row.what == What::Ci)
        .filter_map(|row| match row.at {
            At::Root(path) | At::Any(path) => Some(path),
            At::In(folder, _) | At::Below(folder, _) => Some(folder.trim_end_matches('/')),
            At::Named(..) => None,
        })
        .chain([".github/workflows", "action.yml", "action.yaml"])
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

struct Row {
    system: &'static str,
    what: What,
    at: At,
}

/// Where a system looks for the file.
enum At {
    /// Exactly this path.
    Root(&'static str),
    /// This name in any folder.
    Any(&'static str),
    /// Directly in this folder (written with `/`), with one of these endings.
    In(&'static str, &'static [&'static str]),
    /// Anywhere below this folder.
    Below(&'static str, &'static [&'static str]),
    /// In any folder: a name with this start and one of these endings.
    Named(&'static str, &'static [&'static str]),
}

impl At {
    fn holds(&self, path: &str, name: &str) -> bool {
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        match *self {
            At::Root(exact) => path == exact,
            At::Any(exact) => name == exact,
            At::In(folder, endings) => {
                path.strip_prefix(folder).is_some_and(|rest| !rest.contains('/')) && ends(endings)
            }
            At::Below(folder, endings) => path.starts_with(folder) && ends(endings),
            At::Named(start, endings) => name.starts_with(start) && ends(endings),
        }
    }

    fn key(&self) -> Option<&'static str> {
        match *self {
            At::Root(path) => Some(file_name(path)),
            At::Any(name) => Some(name),
            At::In(..) | At::Below(..) | At::Named(..) => None,
        }
    }
}

/// Rows that are found by the file's name; every file of a tree is looked up, so this must be quick.
static NAMES: LazyLock<HashMap<&str, Vec<&Row>>> = LazyLock::new(|| {
    let mut names: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in TABLE {
        if let Some(name) = row.at.key() {
            names.entry(name).or_default().push(row);
        }
    }
    names
});

/// The other rows.
static PATTERNS: LazyLock<Vec<&Row>> =
    LazyLock::new(|| TABLE.iter().filter(|row| row.at.key().is_none()).collect());

const YAML: &[&str] = &[".yml", ".yaml"];
const YAML_JSON: &[&str] = &[".yml", ".yaml", ".json"];
const ANY: &[&str] = &[""];

/// Folders that hold other people's code, built files or examples that no CI system runs.
const EXCLUDED: &[(&str, &str)] = &[
    (".git", "git's own files"),
    ("node_modules", "installed npm packages"),
    ("bower_components", "installed Bower packages"),
    ("jspm_packages", "installed jspm packages"),
    ("vendor", "vendored dependencies"),
    ("vendors", "vendored dependencies"),
    ("third_party", "vendored dependencies"),
    ("third-party", "vendored dependencies"),
    ("thirdparty", "vendored dependencies"),
    ("3rdparty", "vendored dependencies"),
    ("Godeps", "vendored Go dependencies"),
    ("Pods", "installed CocoaPods"),
    ("Carthage", "installed Carthage packages"),
    ("site-packages", "installed Python packages"),
    (".venv", "a Python environment"),
    ("venv", "a Python environment"),
    (".tox", "Python environments of a test run"),
    (".nox", "Python environments of a test run"),
    (".terraform", "downloaded Terraform modules"),
    (".yarn", "Yarn's own files and cache"),
    ("testdata", "data of tests"),
    ("test-data", "data of tests"),
    ("test_data", "data of tests"),
    ("fixtures", "data of tests"),
    ("fixture", "data of tests"),
    ("__fixtures__", "data of tests"),
    ("test-fixtures", "data of tests"),
    ("test_fixtures", "data of tests"),
    ("__snapshots__", "recorded results of tests"),
    ("target", "built files of Cargo or Maven"),
];

const fn ci(system: &'static str, at: At) -> Row {
    Row { system, what: What::Ci, at }
}

const fn lock(system: &'static str, ecosystem: &'static str, at: At) -> Row {
    Row { system, what: What::Lockfile { ecosystem }, at }
}

use At::{Any, Below, In, Named, Root};

static TABLE: &[Row] = &[
    ci("agola", Below(".agola/", ANY)),
    ci("amplify", Root("amplify.yml")),
    ci("appveyor", Root("appveyor.yml")),
    ci("appveyor", Root(".appveyor.yml")),
    ci("azure-pipelines", Named("azure-pipelines", YAML)),
    ci("azure-pipelines", Named(".azure-pipelines", YAML)),
    ci("azure-pipelines", Below(".azure-pipelines/", YAML)),
    ci("azure-pipelines", Below(".azuredevops/", YAML)),
    ci("azure-pipelines", In(".pipelines/", YAML)),
    ci("azure-pipelines", Root(".vsts-ci.yml")),
    ci("bamboo", Below("bamboo-specs/", ANY)),
    ci("bitbucket", Root("bitbucket-pipelines.yml")),
    ci("bitrise", Root("bitrise.yml")),
    ci("buddy", Root("buddy.yml")),
    ci("buddy", In(".buddy/", YAML)),
    ci("buildbot", Any("master.cfg")),
    ci("buildkite", In(".buildkite/", YAML_JSON)),
    ci("buildkite", Root("buildkite.yml")),
    ci("circleci", In(".circleci/", YAML)),
    ci("circleci", Root("circle.yml")),
    ci("cirrus", Root(".cirrus.yml")),
    ci("cirrus", Root(".cirrus.yaml")),
    ci("cirrus", Root(".cirrus.star")),
    ci("cloudbuild", Named("cloudbuild", YAML_JSON)),
    ci("codebuild", Named("buildspec", YAML_JSON)),
    ci("codefresh", Root("codefresh.yml")),
    ci("codefresh", In(".codefresh/", YAML)),
    ci("codemagic", Root("codemagic.yaml")),
    ci("codeship", Root("codeship-steps.yml")),
    ci("codeship", Root("codeship-steps.json")),
    ci("codeship", Root("codeship-services.yml")),
    ci("concourse", Root("ci/pipeline.yml")),
    ci("concourse", Root("concourse/pipeline.yml")),
    ci("concourse", Below(".concourse/", YAML)),
    ci("drone", Root(".drone.yml")),
    ci("drone", Root(".drone.yaml")),
    ci("drone", Root(".drone.jsonnet")),
    ci("drone", Root(".drone.star")),
    ci("evergreen", Root("evergreen.yml")),
    ci("evergreen", Root(".evergreen.yml")),
    ci("evergreen", In(".evergreen/", YAML)),
    ci("forgejo", In(".forgejo/workflows/", YAML)),
    ci("garnix", Root("garnix.yaml")),
    ci("gitea", In(".gitea/workflows/", YAML)),
    ci("gitlab-ci", Root(".gitlab-ci.yml")),
    ci("gocd", Named("", &[".gocd.yaml", ".gocd.yml", ".gopipeline.json"])),
    ci("harness", Below(".harness/", YAML)),
    ci("jenkins", Any("Jenkinsfile")),
    ci("jenkins", Named("Jenkinsfile.", ANY)),
    ci("jenkins", Named("Jenkinsfile-", ANY)),
    ci("jenkins", Named("Jenkinsfile_", ANY)),
    ci("jenkins", Named("", &[".jenkinsfile", ".Jenkinsfile"])),
    ci("jenkins-x", Root("jenkins-x.yml")),
    ci("jenkins-x", Below(".lighthouse/", YAML)),
    ci("onedev", Root(".onedev-buildspec.yml")),
    ci("packit", Root(".packit.yaml")),
    ci("packit", Root(".packit.yml")),
    ci("prow", Root(".prow.yaml")),
    ci("prow", Below(".prow/", YAML)),
    ci("screwdriver", Root("screwdriver.yaml")),
    ci("scrutinizer", Root(".scrutinizer.yml")),
    ci("semaphore", In(".semaphore/", YAML)),
    ci("shippable", Root("shippable.yml")),
    ci("sourcehut", Root(".build.yml")),
    ci("sourcehut", In(".builds/", YAML)),
    ci("space", Root(".space.kts")),
    ci("taskcluster", Root(".taskcluster.yml")),
    ci("teamcity", Below(".teamcity/", &[".kts", ".kt", ".xml"])),
    ci("tekton", Below(".tekton/", YAML)),
    ci("travis", Root(".travis.yml")),
    ci("vela", Root(".vela.yml")),
    ci("vela", Root(".vela.yaml")),
    ci("wercker", Root("wercker.yml")),
    ci("woodpecker", Root(".woodpecker.yml")),
    ci("woodpecker", Root(".woodpecker.yaml")),
    ci("woodpecker", Below(".woodpecker/", YAML)),
    ci("xcode-cloud", Any("ci_post_clone.sh")),
    ci("xcode-cloud", Any("ci_pre_xcodebuild.sh")),
    ci("xcode-cloud", Any("ci_post_xcodebuild.sh")),
    ci("zuul", Root(".zuul.yaml")),
    ci("zuul", Root("zuul.yaml")),
    ci("zuul", Below(".zuul.d/", YAML)),
    ci("zuul", Below("zuul.d/", YAML)),
    lock("bun", "npm", Any("bun.lock")),
    lock("bun", "npm", Any("bun.lockb")),
    lock("bundler", "rubygems", Any("Gemfile.lock")),
    lock("bundler", "rubygems", Any("gems.locked")),
    lock("cargo", "crates.io", Any("Cargo.lock")),
    lock("carthage", "swift", Any("Cartfile.resolved")),
    lock("cocoapods", "cocoapods", Any("Podfile.lock")),
    lock("composer", "packagist", Any("composer.lock")),
    lock("conan", "conan", Any("conan.lock")),
    lock("conda", "conda", Any("conda-lock.yml")),
    lock("deno", "npm", Any("deno.lock")),
    lock("go", "go", Any("go.sum")),
    lock("gradle", "maven", Any("gradle.lockfile")),
    lock("gradle", "maven", Any("buildscript-gradle.lockfile")),
    lock("helm", "helm", Any("Chart.lock")),
    lock("mix", "hex", Any("mix.lock")),
    lock("rebar", "hex", Any("rebar.lock")),
    lock("nix", "nix", Any("flake.lock")),
    lock("npm", "npm", Any("package-lock.json")),
    lock("npm", "npm", Any("npm-shrinkwrap.json")),
    lock("nuget", "nuget", Any("packages.lock.json")),
    lock("pdm", "pypi", Any("pdm.lock")),
    lock("pip", "pypi", Named("requirements", &[".txt"])),
    lock("pipenv", "pypi", Any("Pipfile.lock")),
    lock("pixi", "conda", Any("pixi.lock")),
    lock("pnpm", "npm", Any("pnpm-lock.yaml")),
    lock("poetry", "pypi", Any("poetry.lock")),
    lock("pub", "pub", Any("pubspec.lock")),
    lock("pylock", "pypi", Named("pylock.", &["toml"])),
    lock("swiftpm", "swift", Any("Package.resolved")),
    lock("terraform", "terraform", Any(".terraform.lock.hcl")),
    lock("uv", "pypi", Any("uv.lock")),
    lock("yarn", "npm", Any("yarn.lock")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Entry, TABLE, What, entry, excluded, known, place_counts};

    fn system(path: &str) -> Option<&'static str> {
        known(path).map(|known| known.system)
    }

    #[test]
    fn the_table_is_wide_enough() {
        let of = |ci: bool| {
            let rows = TABLE.iter().filter(|row| (row.what == What::Ci) == ci);
            rows.map(|row| row.system).collect::<BTreeSet<_>>().len()
        };
        assert!(of(true) >= 30, "{} CI systems", of(true));
        assert!(of(false) >= 15, "{} lockfile formats", of(false));
    }

    #[test]
    fn a_file_counts_where_its_system_reads_it() {
        for (path, expected) in [
            (".travis.yml", Some("travis")),
            ("docs/.travis.yml", None),
            (".gitlab-ci.yml", Some("gitlab-ci")),
            ("sub/.gitlab-ci.yml", None),
            (".circleci/config.yml", Some("circleci")),
            ("a/.circleci/config.yml", None),
            ("deploy/Jenkinsfile", Some("jenkins")),
            ("Jenkinsfile.release", Some("jenkins")),
            ("ci/release.jenkinsfile", Some("jenkins")),
            ("aws/buildspec-prod.yml", Some("codebuild")),
            ("eng/azure-pipelines-pr.yml", Some("azure-pipelines")),
            (".github/workflows/ci.yml", Some("github-actions")),
            (".github/workflows/old/ci.yml", None),
            ("sub/.github/workflows/ci.yml", None),
            (".github/workflows/README.md", None),
            ("web/package-lock.json", Some("npm")),
            ("requirements-dev.txt", Some("pip")),
            ("src/main.rs", None),
            ("", None),
        ] {
            assert_eq!(system(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_not_this_repositorys_ci_is_left_out() {
        for path in [
            "node_modules/x/Jenkinsfile",
            "vendor/github.com/x/y/action.yml",
            "test/fixtures/action.yml",
            "a/testdata/buildspec.yml",
            "node_modules/x/package-lock.json",
        ] {
            assert_eq!(known(path), None, "{path}");
            assert!(excluded(path).is_some(), "{path}");
        }
        assert_eq!(excluded("vendor"), None, "a file of that name is no folder");
    }

    #[test]
    fn places_that_count() {
        assert!(place_counts(""));
        assert!(place_counts(".github/"));
        assert!(place_counts(".tekton/deep/er/"));
        assert!(!place_counts("src/"));
    }

    #[test]
    fn entry_points() {
        assert_eq!(entry(".github/workflows/ci.yaml"), Some(Entry::Workflow));
        assert_eq!(entry("action.yml"), Some(Entry::Action));
        assert_eq!(entry(".github/workflows/action.yml"), Some(Entry::Workflow));
        assert_eq!(entry(".github/actions/setup/action.yaml"), Some(Entry::Action));
        assert_eq!(entry("node_modules/a/action.yml"), None);
        assert_eq!(entry("xaction.yml"), None);
    }
}
