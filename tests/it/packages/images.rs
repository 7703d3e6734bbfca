//! Images of Dockerfiles and compose files, and what is installed while they are built.

use super::{CI, folder, job, pack, told, verdict};

fn build(command: &str, dockerfile: &str) -> String {
    verdict(&[(CI, &job(command)), ("Dockerfile", dockerfile)])
}

#[test]
fn a_dockerfile_names_images() {
    let bad = |line: u32| format!("Exposed evil/base@1 Dockerfile:{line}");
    for (command, text, line) in [
        ("docker build .", "FROM evil/base:1\n", 1),
        ("docker build -t app -f Dockerfile .", "ARG V=1\nFROM evil/base:${V}\n", 2),
        ("docker build --build-arg V=1 .", "ARG V=2\nFROM evil/base:$V\n", 2),
        ("docker buildx build --load .", "FROM a AS b\nFROM b\nCOPY --from=evil/base:1 /x /y\n", 3),
        ("podman build .", "# syntax=evil/base:1\nFROM scratch\n", 1),
        ("docker image build .", "FROM --platform=linux/amd64 \\\n  evil/base:1\n", 1),
    ] {
        let found = build(command, text);
        assert!(found.contains(&bad(line)), "{command}: {found}");
        // Nothing of the step's environment reaches the build.
        assert!(!found.contains("TOKEN Inferred"), "{command}: {found}");
    }
    for text in ["FROM scratch\n", "FROM a AS evil\nFROM evil\n", "FROM other/base:1\n"] {
        assert_eq!(build("docker build .", text), "NotFound", "{text}");
    }
}

#[test]
fn only_what_is_passed_reaches_a_build() {
    let dockerfile = "FROM evil/base:1\nARG T\nRUN make\n";
    for command in [
        "docker build --build-arg T .",
        "docker build --build-arg T=$T .",
        "docker build --secret id=x,env=T .",
        "docker build -t app . && docker run -e T app",
    ] {
        let found = build(command, dockerfile);
        assert!(found.contains("TOKEN Inferred"), "{command}: {found}");
    }
    let other = build("docker build --build-arg OTHER=1 .", dockerfile);
    assert!(other.starts_with("Exposed") && !other.contains("TOKEN"), "{other}");
}

#[test]
fn an_action_that_builds_is_a_build() {
    let ci = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    env: {OTHER: '${{ secrets.OTHER }}'}\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          context: web\n          file: web/prod.Dockerfile\n          build-args: T=${{ secrets.TOKEN }}\n";
    let found = verdict(&[(CI, ci), ("web/prod.Dockerfile", "FROM evil/base:1\n")]);
    assert_eq!(found, "Exposed | Exposed evil/base@1 web/prod.Dockerfile:1 | TOKEN Inferred");
    let missing = verdict(&[(CI, ci)]);
    assert!(missing.contains("`web/prod.Dockerfile` is not in the checkout"), "{missing}");
}

#[test]
fn compose_files_name_images() {
    let compose = "services:\n  db:\n    image: evil/base:1\n    environment:\n      - T\n  app:\n    build: app\n";
    let files = |command: &str| {
        verdict(&[
            (CI, &*job(command)),
            ("docker-compose.yml", compose),
            ("app/Dockerfile", "FROM evil/base:2\n"),
        ])
    };
    for command in ["docker compose up -d", "docker-compose -f docker-compose.yml run app x"] {
        let found = files(command);
        assert!(found.contains("Exposed evil/base@1 docker-compose.yml:3"), "{command}: {found}");
        assert!(found.contains("Exposed evil/base@2 app/Dockerfile:1"), "{command}: {found}");
        assert!(found.contains("TOKEN Inferred"), "{command}: {found}");
    }
    let pulled = files("docker compose pull");
    assert!(pulled.contains("Cleared evil/base@1 docker-compose.yml:3"), "{pulled}");
    let missing = verdict(&[(CI, &*job("docker compose -f other.yml up"))]);
    assert!(missing.contains("`other.yml` is not in the checkout"), "{missing}");
    let broken =
        verdict(&[(CI, &*job("docker compose up")), ("compose.yaml", "services:\n  a: [\n")]);
    assert!(broken.starts_with("Unknown | file:compose.yaml:"), "{broken}");
}

#[test]
fn what_a_build_installs_is_found_in_the_context() {
    let lock = "{\"lockfileVersion\": 3, \"packages\": {\"node_modules/axios\": {\"version\": \"1.14.1\"}}}";
    let files = |dockerfile: &str| {
        verdict(&[
            (CI, &*job("docker build --build-arg T web")),
            ("web/Dockerfile", dockerfile),
            ("web/package.json", "{}"),
            ("web/package-lock.json", lock),
        ])
    };
    for dockerfile in [
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\n",
        "FROM node\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\n",
        "FROM node\nCOPY package.json package-lock.json /app/\nRUN cd /app && npm ci\n",
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN <<EOF\nnpm ci\nEOF\n",
    ] {
        let found = files(dockerfile);
        assert_eq!(
            found, "Exposed | Exposed npm:axios@1.14.1 web/package-lock.json:1 | TOKEN Inferred",
            "{dockerfile}"
        );
    }
}

#[test]
fn what_is_unknown_of_a_build_is_a_gap() {
    for (command, text, gap) in [
        ("docker build .", "FROM $BASE\n", "known only while it runs"),
        ("docker build -f $F .", "", "is not in the checkout"),
        ("docker build https://github.com/a/b.git", "", "lies elsewhere"),
        ("docker buildx bake", "", "bake"),
        ("docker build - < Dockerfile", "", "standard input"),
    ] {
        let found = build(command, text);
        assert!(found.starts_with("Unknown | ") && found.contains(gap), "{command}: {found}");
    }
    let dir = folder(&[(CI, &job("docker build .")), ("Dockerfile", "FROM a\nevil/base\n")]);
    let report = super::expose(&pack(), dir.path(), Some("2025-05-01"));
    assert!(
        told(&report).contains("file:Dockerfile:2: a line of a Dockerfile"),
        "{}",
        told(&report)
    );
}

#[test]
fn actions_that_install_are_installs() {
    let lock = "GEM\n  specs:\n    rest (1.6.13)\n";
    let ci = |with: &str| {
        format!(
            "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    env: {{T: '${{{{ secrets.TOKEN }}}}'}}\n    steps:\n      - uses: ruby/setup-ruby@v1\n        with: {with}\n"
        )
    };
    let found = |with: &str| verdict(&[(CI, &*ci(with)), ("Gemfile", ""), ("Gemfile.lock", lock)]);
    assert_eq!(
        found("{bundler-cache: true}"),
        "Exposed | Exposed rubygems:rest@1.6.13 Gemfile.lock:3 | TOKEN Inferred"
    );
    assert_eq!(
        found("{ruby-version: 3.3}"),
        "Unknown | Unknown rubygems:rest@1.6.13 Gemfile.lock:3"
    );
}
