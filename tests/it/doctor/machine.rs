//! Settings file and data folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::doctor::examine;
use crate::fixtures::test_db::TestDb;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_no_command_accepts_fail_one_check() {
    let db = TestDb::new().await;
    let file = db.folder().join("lectern.toml");
    for (text, detail, fix) in [
        ("bnd = \"127.0.0.1:1\"", "lectern.toml: unknown setting bnd", "did you mean bind"),
        ("[administrate]\nclient_secret = \"s3cr3tpw", "lectern.toml, line 2", "correct this setting"),
        ("bind = 1", "bind must be a string", "correct this setting"),
    ] {
        fs::write(&file, text).expect("a file");
        let found = examine(db.program(&["doctor"])).await;
        assert!(found.detail("settings").contains(detail), "{}", found.check("settings"));
        assert!(found.fix("settings").contains(fix), "{}", found.check("settings"));
        assert_eq!(found.check("schema")["ok"], true, "the database of the environment is examined");
        assert!(!format!("{}{}", found.document, found.stderr).contains("s3cr3tpw"));
    }
    // Without the settings it is unknown which database is meant.
    let mut command = db.program(&["doctor"]);
    command.env_remove("DATABASE_URL");
    let found = examine(command).await;
    assert!(found.not_checked().contains(&"database"), "{:#}", found.document);
    assert!(!db.folder().join("postgres").exists());
    fs::write(&file, "[administrate]\nclient_secret = \"s3cr3tpw\"").expect("a file");
    set_mode(&file, 0o644);
    let found = examine(db.program(&["doctor"])).await;
    assert!(found.detail("settings").contains("it contains administrate.client_secret"), "{}", found.check("settings"));
    assert_eq!(found.fix("settings"), format!("chmod o-rwx '{}'", file.display()));
    set_mode(&file, 0o640);
    let mut command = db.program(&["doctor"]);
    command.env("LECTERN_TIME_ZONE", "Europe/Paris");
    let found = examine(command).await;
    assert!(
        found.check("settings")["ok"] == true && found.detail("settings").contains("mode 0640"),
        "{}",
        found.document
    );
    assert!(
        found.detail("settings").contains("LECTERN_TIME_ZONE") && found.detail("time-zone").contains("Europe/Paris")
    );
    let mut command = db.program(&["doctor"]);
    command.env("LECTERN_TIME_ZONE", "Mars/Base");
    let found = examine(command).await;
    assert!(found.fix("settings").contains("write a name like Europe/London"), "{}", found.check("settings"));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_folder_that_others_can_open_is_a_deviation() {
    let db = TestDb::new().await;
    let data = db.folder().join("data");
    fs::create_dir_all(data.join("reports")).expect("a folder");
    set_mode(&data, 0o700);
    set_mode(&data.join("reports"), 0o700);
    let examined = async || {
        let mut command = db.program(&["doctor"]);
        command.env("LECTERN_DATA_DIR", &data);
        examine(command).await
    };
    assert_eq!(examined().await.check("data-folder")["ok"], true);
    set_mode(&data.join("reports"), 0o755);
    symlink("/etc", data.join("uploads")).expect("a link");
    let found = examined().await;
    assert!(found.detail("data-folder").contains("uploads is a symbolic link"), "{}", found.check("data-folder"));
    assert!(found.fix("data-folder").starts_with(&format!("chmod go-rwx '{}'; ", data.join("reports").display())));
    set_mode(&data, 0o755);
    let found = examined().await;
    assert!(found.fix("data-folder").starts_with("chmod 07"), "{}", found.check("data-folder"));
    fs::remove_dir_all(&data).expect("removed");
    fs::write(&data, "").expect("a file");
    assert!(examined().await.detail("data-folder").contains("is not a folder"));
    fs::remove_file(&data).expect("removed");
    let found = examined().await;
    assert!(found.detail("data-folder").contains("does not exist yet"), "{}", found.check("data-folder"));
    assert!(found.detail("disk").contains("free (") && !data.exists());
}
