//! Nothing is deleted, nothing is readable by other users, and nothing that another user put there is used.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use super::{DataFolder, give_away, is_root, mode, set_mode, stderr, wait_for};

#[test]
fn damaged_cluster_is_an_error_and_stays_as_it_is() {
    let folder = DataFolder::filled();
    let version = folder.join("postgres/PG_VERSION");
    let original = fs::read(&version).expect("a version");
    let files = || fs::read_dir(folder.join("postgres")).expect("the cluster").count();
    let assert_refused = |what: &str| {
        let before = files();
        let output = folder.lectern(&["token", "list"]);
        assert_eq!(output.status.code(), Some(1), "{what}: {}", stderr(&output));
        let message = stderr(&output);
        assert!(message.contains(&*folder.join("postgres").to_string_lossy()), "{what}: {message}");
        assert!(message.contains("Nothing was changed") && message.contains("mv '"), "{what}: {message}");
        assert_eq!(files(), before, "{what}");
    };
    for damage in [&b"\xff"[..], b"", b"fifteen\n", b"\0\0\0"] {
        fs::write(&version, damage).expect("written");
        assert_refused(&format!("{damage:?}"));
    }
    fs::remove_file(&version).expect("removed");
    assert_refused("missing");
    fs::create_dir(&version).expect("a folder");
    assert_refused("a folder");
    fs::remove_dir(&version).expect("removed");
    fs::write(&version, &original).expect("written");
    let control = folder.join("postgres/global/pg_control");
    fs::rename(&control, folder.join("control")).expect("moved");
    assert_refused("without control file");
    fs::rename(folder.join("control"), &control).expect("moved");
    folder.assert_token_exists();
}

#[test]
fn interrupted_first_start_is_cleaned_by_the_next_command() {
    let folder = DataFolder::absent();
    for wait_for_version in [false, true] {
        let mut first = folder.command(&["token", "list"]);
        let mut first = first.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs");
        wait_for("the new cluster", || {
            let entries = fs::read_dir(folder.path()).ok()?;
            let new =
                entries.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with("postgres.new-"))?;
            (!wait_for_version || new.path().join("cluster/PG_VERSION").exists()).then_some(())
        });
        // Only this process: initdb has to notice it.
        first.kill().expect("killed");
        first.wait().expect("ended");
        assert!(!folder.join("postgres").exists(), "an incomplete cluster is not in its place");
    }
    let mine = folder.join("postgres.new-mine");
    fs::create_dir(&mine).expect("a folder");
    fs::write(mine.join("notes"), "mine").expect("a file");
    let next = folder.lectern(&["token", "list"]);
    assert!(next.status.success(), "{}", stderr(&next));
    let entries = fs::read_dir(folder.path()).expect("the folder").flatten();
    let unfinished = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("postgres.new-"));
    let unfinished: Vec<_> = unfinished.map(|entry| entry.path()).collect();
    assert_eq!(unfinished, std::slice::from_ref(&mine), "only what Lectern left is deleted");
    assert_eq!(fs::read(mine.join("notes")).expect("the file"), b"mine");
}

#[test]
fn data_folder_is_private_whatever_the_umask_is() {
    let own = if is_root() { 0o711 } else { 0o700 };
    let folder = DataFolder::absent();
    let mut strict = Command::new("sh");
    strict.args(["-c", "umask 077; exec \"$0\" token list", env!("CARGO_BIN_EXE_lectern")]);
    strict.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = strict.env("LECTERN_DATA_DIR", folder.join("")).stdin(Stdio::null()).output().expect("a shell");
    assert!(output.status.success(), "{}", stderr(&output));
    let assert_private = || {
        assert_eq!(mode(&folder.path()), own);
        assert_eq!(mode(&folder.join("postgres")), 0o700);
        for file in fs::read_dir(folder.path()).expect("the folder").flatten().map(|entry| entry.path()) {
            assert_eq!(mode(&file), if file.is_dir() { 0o700 } else { 0o600 }, "{}", file.display());
        }
    };
    assert_private();
    // As an earlier version left it.
    set_mode(&folder.path(), 0o755);
    for name in ["cluster.lock", "postgres.log"] {
        set_mode(&folder.join(name), 0o644);
    }
    let output = folder.lectern(&["token", "list"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_private();
}

#[test]
fn links_and_folders_of_other_users_are_refused() {
    let folder = DataFolder::filled();
    let target = folder.root.path().join("target");
    fs::create_dir(&target).expect("a folder");
    let refused = |reason: &str| {
        let output = folder.lectern(&["token", "list"]);
        assert_eq!(output.status.code(), Some(1), "{reason}: {}", stderr(&output));
        assert!(stderr(&output).contains(reason), "{reason}: {}", stderr(&output));
    };
    let run = folder.join("run");
    symlink(&target, &run).expect("a link");
    set_mode(&target, 0o755);
    refused("is a symbolic link");
    assert_eq!(mode(&target), 0o755, "a link is not followed");
    fs::remove_file(&run).expect("removed");
    let lock = folder.join("cluster.lock");
    fs::remove_file(&lock).expect("removed");
    symlink(target.join("created"), &lock).expect("a link");
    refused("is a symbolic link");
    assert!(!target.join("created").exists());
    fs::remove_file(&lock).expect("removed");
    if is_root() {
        fs::create_dir(&run).expect("a folder");
        give_away(&run);
        refused("belongs to user nobody");
        fs::remove_dir(&run).expect("removed");
        give_away(&folder.path());
        refused("belongs to user nobody");
        std::os::unix::fs::chown(folder.path(), Some(0), Some(0)).expect("root may");
    }
    folder.assert_token_exists();
}

#[test]
fn server_of_another_user_is_not_used() {
    if !is_root() {
        return;
    }
    // This process is root. The server of the private database never is.
    let folder = DataFolder::filled();
    let postgres = nix::unistd::User::from_name("postgres").expect("users").expect("the user postgres");
    fs::create_dir(folder.join("run")).expect("a folder");
    set_mode(&folder.join("run"), 0o700);
    let (uid, gid) = (postgres.uid.as_raw(), postgres.gid.as_raw());
    std::os::unix::fs::chown(folder.join("run"), Some(uid), Some(gid)).expect("root may");
    let listener = UnixListener::bind(folder.join("run/.s.PGSQL.5432")).expect("a socket");
    let output = folder.lectern(&["token", "create", "--name", "x", "--role", "reader"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(stderr(&output).contains("user root listens at"), "{}", stderr(&output));
    drop(listener);
    fs::remove_file(folder.join("run/.s.PGSQL.5432")).expect("removed");
    folder.assert_token_exists();
}

#[test]
fn reason_of_postgresql_is_passed_on() {
    let folder = DataFolder::absent();
    let bin = folder.root.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    let script = |name: &str, text: &str| {
        fs::write(bin.join(name), format!("#!/bin/sh\n{text}\n")).expect("a script");
        set_mode(&bin.join(name), 0o755);
    };
    let run = || {
        let mut command = folder.command(&["token", "list"]);
        let output = command.env("LECTERN_POSTGRES_BIN", &bin).env("SECRET", "s3cret").output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stderr(&output)
    };
    // The programs run as another user than root, and without the environment of the caller.
    let version = "[ \"$(id -u)\" != 0 ] && [ -z \"$SECRET\" ] && echo 'postgres (PostgreSQL) 15.9'";
    script("postgres", version);
    script("initdb", "echo 'initdb: error: could not create directory \"x\": No space left on device' >&2; exit 1");
    let message = run();
    assert!(message.contains("could not create directory \"x\": No space left on device"), "{message}");
    assert!(message.contains(&*folder.join("postgres").to_string_lossy()), "{message}");
    assert!(!folder.join("postgres").exists());

    fs::create_dir_all(folder.join("postgres/global")).expect("a folder");
    fs::write(folder.join("postgres/PG_VERSION"), "15\n").expect("a version");
    fs::write(folder.join("postgres/global/pg_control"), [0; 64]).expect("a file");
    script(
        "postgres",
        &format!("[ \"$1\" != --version ] || {{ {version}; exit; }}\necho 'now FATAL:  no room' >&2; exit 1"),
    );
    let message = run();
    assert!(message.contains("did not start: no room") && message.contains("postgres.log"), "{message}");
    let log = fs::read_to_string(folder.join("postgres.log")).expect("the log");
    assert!(log.contains("FATAL:  no room"), "{log}");

    fs::write(folder.join("postgres/PG_VERSION"), "14\n").expect("a version");
    let message = run();
    assert!(message.contains("PostgreSQL 14 created the data folder"), "{message}");
}
