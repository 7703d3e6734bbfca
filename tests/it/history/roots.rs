//! Which checkouts a path stands for, and how they are called.

use keysweep::ci::Siblings;

use super::*;

#[test]
fn identity_comes_from_the_remote() {
    let git = Git::new();
    git.ci("good", "01-10");
    assert_eq!(scan(&git.path, &Query::default()).identity, "repo");
    git.run(&["remote", "add", "upstream", "https://user:s3cret@gitlab.example.org/g/p.git"]);
    assert_eq!(discover::identity(&git.path).unwrap(), "gitlab.example.org/g/p");
    git.run(&["remote", "add", "origin", "git@github.com:acme/site.git"]);
    assert_eq!(scan(&git.path, &Query::default()).identity, "acme/site");
}

#[test]
fn many_roots() {
    let home = tempfile::tempdir().unwrap();
    let make = |path: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    };
    make("clones/a/.github/workflows/ci.yml");
    make("clones/b/.travis.yml");
    make("clones/notes/README");
    let clones = home.path().join("clones");
    fs::create_dir(clones.join("c")).unwrap();
    git_in(&clones.join("c"), "", &["init", "-q", "--bare"]);
    std::os::unix::fs::symlink("a", clones.join("again")).unwrap();
    let roots = |paths: &[&Path]| {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        discover::roots(&paths).map_err(|error| error.to_string())
    };
    let found = roots(&[&clones, &clones.join("a")]).unwrap();
    assert_eq!(found, [clones.join("a"), clones.join("b"), clones.join("c")]);
    assert_eq!(roots(&[&clones.join("notes")]).unwrap(), [clones.join("notes")]);

    let missing = roots(&[&home.path().join("nope")]).unwrap_err();
    assert!(missing.contains("nope") && missing.contains("does not exist"), "{missing}");
    let file = roots(&[&clones.join("notes/README")]).unwrap_err();
    assert!(file.contains("name the folder"), "{file}");
    fs::create_dir(home.path().join("empty")).unwrap();
    assert!(roots(&[&home.path().join("empty")]).unwrap_err().contains("is empty"));
}

#[test]
fn clones_of_one_repository_are_told_apart_and_found_as_siblings() {
    let a = Git::new();
    a.write("x.sh", "a").ci("good", "01-10");
    a.run(&["remote", "add", "origin", "https://github.com/Acme/Site"]);
    a.run(&["clone", "-q", "--bare", ".", "../b.git"]);
    let bare = a.home.path().join("b.git");
    git_in(&bare, "", &["remote", "set-url", "origin", "https://github.com/Acme/Site"]);
    let other = Git::new();
    let roots = [a.path.clone(), bare.clone(), other.path.clone()];
    let named = |root: &PathBuf| format!("Acme/Site ({})", root.display());
    assert_eq!(
        discover::names(&roots).unwrap(),
        [named(&a.path), named(&bare), "repo".to_owned()],
        "only clones of one repository need their folder"
    );
    assert_eq!(discover::names(&roots[1..]).unwrap(), ["Acme/Site", "repo"]);
    for root in [&a.path, &bare] {
        let checkouts = discover::Checkouts::open(std::slice::from_ref(root));
        let files = checkouts.find("acme/site").unwrap();
        assert_eq!(files.read("x.sh").unwrap().as_deref(), Some(&b"a"[..]));
        assert!(checkouts.find("acme/other").is_none());
    }
}
