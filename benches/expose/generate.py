"""Makes trees of CI files with the shapes of real ones, and clones with history. Same seed, same bytes.

    python3 generate.py tree DIR --files 1000 --seed 1
    python3 generate.py clones DIR --clones 300 --seed 1

The shapes follow what was counted over a few hundred workflow files of public repositories: half are
below 70 lines, one in ten above 300, the longest some 2,000; half have one job, one in ten more than five;
half of all steps are scripts, most of them one line, one in a hundred above forty.
"""

import argparse
import random
import subprocess
from pathlib import Path

ACTIONS = (
    ["actions/checkout@v4"] * 6
    + ["actions/setup-node@v4", "actions/setup-python@v5", "actions/cache@v3"] * 2
    + [
        "actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3",
        "actions/upload-artifact@v3",
        "docker/build-push-action@v5",
        "docker/login-action@v3",
        "dtolnay/rust-toolchain@stable",
        "softprops/action-gh-release@v1",
        "docker://alpine:3.19",
    ]
)
# Few files use what an incident is about.
RARE = ["codecov/codecov-action@v1", "tj-actions/changed-files@v35", "reviewdog/action-setup@v1"]
SECRETS = (
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY NPM_TOKEN CODECOV_TOKEN GPG_PRIVATE_KEY DOCKERHUB_TOKEN"
    " PYPI_API_TOKEN SLACK_WEBHOOK_URL DEPLOY_KEY GITHUB_TOKEN SENTRY_AUTH_TOKEN CARGO_REGISTRY_TOKEN"
).split()
COMMANDS = r"""npm ci
npm run build --if-present
npm test -- --coverage
pip install -r requirements.txt
python -m pytest --cov=src --cov-report=xml tests/
cargo test --workspace --all-features --locked
cargo build --release --target "$TARGET"
go test -race -coverprofile=coverage.out ./...
make -j"$(nproc)" all
make check
mkdir -p build && cd build && cmake .. -DCMAKE_BUILD_TYPE=Release
sudo apt-get update && sudo apt-get install -y libssl-dev pkg-config
echo "VERSION=${GITHUB_REF#refs/tags/v}" >> "$GITHUB_ENV"
echo "sha=$(git rev-parse --short HEAD)" >> "$GITHUB_OUTPUT"
docker build -t "$IMAGE:${{ github.sha }}" .
docker run --rm -v "$PWD:/src" "$IMAGE" make test
git config user.name "ci" && git config user.email "ci@example.org"
git diff --exit-code -- docs/ || (echo "run make docs" && exit 1)
tar -czf "dist/${{ matrix.name }}.tar.gz" -C target release
curl -sSfL https://example.org/tools/lint.sh | sh -s -- -b "$HOME/.local/bin" v1.2.3
curl -LO https://example.org/releases/v2.1.0/tool_linux_amd64.tar.gz
sha256sum --check checksums.txt
bash scripts/build.sh --target ${{ matrix.target }}
./scripts/release.sh "$VERSION"
aws s3 sync dist/ "s3://$BUCKET/${{ github.ref_name }}/" --delete
find . -name '*.log' -print0 | xargs -0 -r gzip -9
python - <<'EOF'\nimport json, sys\nprint(json.load(open("package.json"))["version"])\nEOF
for f in dist/*.whl; do\n  echo "checking $f"\n  twine check "$f"\ndone
if [[ "$GITHUB_EVENT_NAME" == "pull_request" ]]; then\n  echo "base: ${{ github.base_ref }}"\nelse\n  echo "push to $GITHUB_REF"\nfi
case "$RUNNER_OS" in\n  Linux) brew_prefix=/home/linuxbrew ;;\n  macOS) brew_prefix=/usr/local ;;\n  *) echo "unknown" ; exit 1 ;;\nesac
cat > config.ini <<-END\n  [server]\n  port = 8080\n  END
test -n "$TOKEN" && echo "token is set"
npx --yes semantic-release@19
""".splitlines()
CONDITIONS = [
    "success()",
    "always()",
    "matrix.name == 1",
    "${{ github.ref == 'refs/heads/main' }}",
    "github.event_name != 'pull_request' && github.actor != 'dependabot[bot]'",
]
WORDS = "build test lint docs release deploy publish check cover package nightly audit bench e2e sync".split()
EVENTS = ["push", "pull_request", "workflow_dispatch", "schedule", "release", "pull_request_target"]
RUNNERS = ["ubuntu-latest"] * 6 + ["ubuntu-22.04", "windows-latest", "macos-13", "${{ matrix.os }}", "[self-hosted, linux]"]


def heavy(rng, median, spread, most):
    """A count with a long tail: log-normal around the median."""
    return max(1, min(most, round(median * rng.lognormvariate(0, spread))))


class Writer:
    def __init__(self):
        self.lines = []

    def put(self, indent, text):
        self.lines.append(" " * indent + text if text else "")

    def text(self):
        return "\n".join(self.lines) + "\n"


def value(rng):
    roll = rng.random()
    if roll < 0.35:
        return "${{ secrets.%s }}" % rng.choice(SECRETS)
    if roll < 0.5:
        return "${{ matrix.%s }}" % rng.choice(["target", "os", "name"])
    if roll < 0.6:
        return rng.choice(
            [
                "${{ github.event_name == 'push' && secrets.%s || '' }}" % rng.choice(SECRETS),
                "${{ format('{0}-{1}', runner.os, hashFiles('**/Cargo.lock')) }}",
                "${{ github.event.pull_request.head.sha || github.sha }}",
                "${{ env.VERSION }}",
            ]
        )
    return rng.choice(["'1'", "true", "release", '"x86_64-unknown-linux-gnu"', "./target", "main", "'3.11'"])


def env(rng, w, indent):
    w.put(indent, "env:")
    for name in rng.sample(SECRETS + ["TARGET", "IMAGE", "BUCKET", "CI_FLAGS", "RUST_LOG"], heavy(rng, 2, 0.5, 9)):
        w.put(indent + 2, f"{name}: {value(rng)}")


def script(rng, w, indent):
    if rng.random() < 0.5:
        command = "bash <(curl -s https://codecov.io/bash)" if rng.random() < 0.02 else rng.choice(COMMANDS)
        if "\\n" not in command:
            plain = ": " not in command and " #" not in command and command[0] not in "'\"[{"
            w.put(indent, f"run: {command}" if plain else f"run: |\n{' ' * (indent + 2)}{command}")
            return
    w.put(indent, "run: |")
    left = heavy(rng, 3, 0.95, 130)
    while left > 0:
        if rng.random() < 0.3:
            w.put(indent + 2, f"# {rng.choice(WORDS)} the {rng.choice(WORDS)} before the {rng.choice(WORDS)}")
        for line in rng.choice(COMMANDS).split("\\n"):
            w.put(indent + 2, line)
            left -= 1


def step(rng, w, indent, offered):
    name = f"{rng.choice(WORDS)} {rng.choice(WORDS)}".capitalize()
    first = len(w.lines)
    if rng.random() < 0.6:
        w.put(indent, f"name: {name}")
    if rng.random() < 0.12:
        w.put(indent, f"id: {rng.choice(WORDS)}_{rng.randrange(1000)}")
    if rng.random() < 0.18:
        w.put(indent, f"if: {rng.choice(CONDITIONS)}")
    if rng.random() < 0.5:
        roll = rng.random()
        offer = offered if offered and roll < 0.05 else RARE if roll > 0.97 else ACTIONS
        w.put(indent, f"uses: {rng.choice(offer)}")
        if rng.random() < 0.55:
            w.put(indent, "with:")
            for key in rng.sample(["token", "path", "key", "node-version", "fetch-depth", "tags", "push", "flags", "name"], rng.randrange(1, 4)):
                w.put(indent + 2, f"{key}: {value(rng)}")
    else:
        script(rng, w, indent)
        if rng.random() < 0.12:
            w.put(indent, f"shell: {rng.choice(['bash', 'bash', 'bash', 'sh', 'pwsh', 'python'])}")
        if rng.random() < 0.08:
            w.put(indent, "working-directory: packages/core")
    if rng.random() < 0.15:
        env(rng, w, indent)
    # The first line of a list item carries its dash.
    w.lines[first] = " " * (indent - 2) + "- " + w.lines[first].lstrip(" ")


def job(rng, w, name, before, actions, reusable):
    w.put(2, f"{name}:")
    if reusable and rng.random() < 0.06:
        w.put(4, f"uses: {rng.choice(reusable)}")
        w.put(4, "with:")
        w.put(6, "target: " + value(rng))
        if rng.random() < 0.5:
            w.put(4, "secrets: inherit")
        else:
            w.put(4, "secrets:")
            w.put(6, "token: ${{ secrets.%s }}" % rng.choice(SECRETS))
        return
    if rng.random() < 0.3:
        w.put(4, f"name: {rng.choice(WORDS)} on ${{{{ matrix.os }}}}")
    if before and rng.random() < 0.4:
        w.put(4, f"needs: [{', '.join(rng.sample(before, min(len(before), rng.randrange(1, 3))))}]")
    w.put(4, f"runs-on: {rng.choice(RUNNERS)}")
    if rng.random() < 0.12:
        w.put(4, f"environment: {rng.choice(['production', 'staging', 'pypi'])}")
    if rng.random() < 0.25:
        w.put(4, "permissions:")
        w.put(6, f"contents: {rng.choice(['read', 'write'])}")
        w.put(6, "id-token: write")
    if rng.random() < 0.05:
        w.put(4, "container: node:20-bookworm")
    if rng.random() < 0.04:
        w.put(4, "services:")
        w.put(6, "db:")
        w.put(8, "image: postgres:16")
        w.put(8, "env:")
        w.put(10, "POSTGRES_PASSWORD: ${{ secrets.DEPLOY_KEY }}")
    if rng.random() < 0.25:
        w.put(4, "strategy:")
        w.put(6, "fail-fast: false")
        w.put(6, "matrix:")
        w.put(8, "os: [ubuntu-latest, windows-latest, macos-13]")
        w.put(8, f"name: [{', '.join(str(n) for n in range(1, rng.randrange(2, 6)))}]")
        if rng.random() < 0.4:
            w.put(8, "include:")
            for target in rng.sample(["x86_64-unknown-linux-musl", "aarch64-apple-darwin", "wasm32-wasip1"], 2):
                w.put(10, f"- target: {target}")
                w.put(10, "  os: ubuntu-latest")
    if rng.random() < 0.2:
        env(rng, w, 4)
    w.put(4, "steps:")
    for _ in range(heavy(rng, 4.6, 0.75, 60)):
        step(rng, w, 8, actions)
        if rng.random() < 0.3:
            w.put(0, "")


def workflow(rng, called, actions, reusable):
    w = Writer()
    if rng.random() < 0.2:
        for _ in range(heavy(rng, 5, 0.7, 30)):
            w.put(0, f"# {' '.join(rng.choice(WORDS) for _ in range(8))}")
    w.put(0, f"name: {rng.choice(WORDS).capitalize()} {rng.randrange(100)}")
    if called:
        w.put(0, "on:")
        w.put(2, "workflow_call:")
        w.put(4, "inputs:")
        w.put(6, "target: {type: string, required: true}")
        w.put(4, "secrets:")
        w.put(6, "token: {required: false}")
    elif rng.random() < 0.4:
        w.put(0, f"on: [{', '.join(rng.sample(EVENTS[:3], 2))}]")
    else:
        w.put(0, "on:")
        for event in rng.sample(EVENTS, rng.randrange(1, 4)):
            w.put(2, f"{event}:")
            if event == "schedule":
                w.put(4, "- cron: '0 4 * * 1'")
            elif event in ("push", "pull_request", "pull_request_target"):
                w.put(4, "branches: [main, 'release/**']")
            elif event == "release":
                w.put(4, "types: [published]")
            else:
                w.put(4, "inputs:")
                w.put(6, "version: {description: 'what to release', type: string, required: true}")
    if rng.random() < 0.4:
        w.put(0, "permissions: {contents: read}")
    if rng.random() < 0.2:
        env(rng, w, 0)
    w.put(0, "")
    w.put(0, "jobs:")
    names = []
    for i in range(heavy(rng, 1.4, 1.0, 60)):
        name = f"{rng.choice(WORDS)}-{i}"
        job(rng, w, name, names, actions, [] if called else reusable)
        names.append(name)
        w.put(0, "")
    return w.text()


def composite(rng):
    w = Writer()
    w.put(0, f"name: {rng.choice(WORDS)}")
    w.put(0, "description: steps that several workflows share")
    w.put(0, "inputs:")
    w.put(2, "token: {description: for the registry, required: false, default: '${{ github.token }}'}")
    w.put(0, "runs:")
    w.put(2, "using: composite")
    w.put(2, "steps:")
    for _ in range(heavy(rng, 3, 0.5, 12)):
        w.put(4, "- shell: bash")
        script(rng, w, 6)
    return w.text()


def checkout(rng, count):
    """Path → text of one repository with `count` CI files."""
    shared, offered = max(0, count // 40), max(0, count // 50)
    actions = [f"./.github/actions/{rng.choice(WORDS)}-{i}" for i in range(offered)]
    reusable = [f"./.github/workflows/reusable-{i}.yml" for i in range(shared)]
    files = {f"{path[2:]}/action.yml": composite(rng) for path in actions}
    files |= {path[2:]: workflow(rng, True, actions, []) for path in reusable}
    for i in range(count - len(files)):
        files[f".github/workflows/{rng.choice(WORDS)}-{i}.yml"] = workflow(rng, False, actions, reusable)
    for name in ("build", "release"):
        body = Writer()
        body.put(0, "#!/bin/sh\nset -eu")
        for _ in range(10):
            for line in rng.choice(COMMANDS[:20]).split("\\n"):
                body.put(0, line)
        files[f"scripts/{name}.sh"] = body.text()
    files["Makefile"] = "all: check\n\ncheck:\n\tcargo test\n\tbash scripts/build.sh\n"
    return files


def tree(root, count, seed):
    for path, text in checkout(random.Random(seed), count).items():
        file = Path(root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def clone(root, seed, commits):
    """A repository whose CI files change over two years, around the windows of real incidents."""
    rng = random.Random(seed)
    files = checkout(rng, rng.randrange(2, 9))
    stream, when, mark = [], 1_592_000_000, 0
    for i in range(commits):
        when += rng.randrange(1, 2 * 63_000_000 // commits)
        changed = files if i == 0 else {}
        if i and rng.random() < 0.3:
            path = rng.choice(sorted(path for path in files if path.endswith(".yml")))
            offered = [f"./{p.rsplit('/', 1)[0]}" for p in files if p.endswith("/action.yml")]
            files[path] = composite(rng) if path.endswith("/action.yml") else workflow(rng, False, offered, [])
            changed = {path: files[path]}
        elif i:
            changed = {f"src/module_{rng.randrange(40)}.rs": f"// {rng.random()}\n" * 20}
        message = f"Change {i}"
        stream.append(f"commit refs/heads/main\ncommitter Dev <dev@example.org> {when} +0000\ndata {len(message)}\n{message}\n")
        for path, text in changed.items():
            stream.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
    name = f"{rng.choice(WORDS)}-{seed}"
    repository = Path(root, name)
    git = ["git", "-C", str(repository)]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(repository)], check=True)
    subprocess.run([*git, "fast-import", "--quiet"], input="".join(stream).encode(), check=True)
    subprocess.run([*git, "remote", "add", "origin", f"https://github.com/example/{name}.git"], check=True)
    subprocess.run([*git, "reset", "--quiet", "--hard"], check=True)


def main():
    parser = argparse.ArgumentParser(description="Trees of CI files and clones, from a seed.")
    parser.add_argument("what", choices=["tree", "clones"])
    parser.add_argument("dir")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--clones", type=int, default=300)
    parser.add_argument("--commits", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.what == "tree":
        tree(args.dir, args.files, args.seed)
    else:
        for i in range(args.clones):
            clone(args.dir, args.seed * 10_000 + i, args.commits)


if __name__ == "__main__":
    main()
