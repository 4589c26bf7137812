//! The settings file of the working directory is believed only if no other user could have written it.

use std::fs;
use std::os::unix::fs::symlink;

use super::{DataFolder, give_away, is_root, set_mode, stderr};

#[test]
fn settings_file_that_others_can_write_is_refused() {
    let folder = DataFolder::absent();
    let (root, file) = (folder.root.path(), folder.root.path().join("lectern.toml"));
    fs::write(&file, "postgres_bin = \"/nowhere\"\n").expect("a file");
    let settings = || folder.lectern(&["settings"]);
    let assert_refused = |what: &str| {
        let output = settings();
        assert_eq!(output.status.code(), Some(2), "{what}: {}", stderr(&output));
        let message = stderr(&output);
        assert!(message.contains(&*file.to_string_lossy()) && message.contains(what), "{what}: {message}");
    };
    let assert_read = || assert_eq!(settings().status.code(), Some(0), "{}", stderr(&settings()));
    set_mode(&file, 0o644);
    assert_read();
    set_mode(&file, 0o646);
    assert_refused("every user can write it");
    set_mode(&file, 0o600);
    set_mode(root, 0o777);
    assert_refused("every user can write its folder");
    set_mode(root, 0o1777);
    assert_refused("every user can write its folder");
    set_mode(root, 0o755);
    assert_read();
    if is_root() {
        set_mode(&file, 0o664);
        assert_refused("other users of its group can write it");
        set_mode(&file, 0o644);
        give_away(&file);
        assert_refused("it belongs to user nobody");
        // Naming it is a decision of the user.
        let named = folder.lectern(&["settings", "--config", "lectern.toml"]);
        assert_eq!(named.status.code(), Some(0), "{}", stderr(&named));
        fs::remove_file(&file).expect("removed");
        let elsewhere = root.join("elsewhere");
        fs::create_dir(&elsewhere).expect("a folder");
        fs::write(elsewhere.join("real.toml"), "").expect("a file");
        symlink(elsewhere.join("real.toml"), &file).expect("a link");
        assert_read();
        give_away(&elsewhere);
        assert_refused("belongs to user nobody");
        give_away(root);
        fs::remove_file(&file).expect("removed");
        assert_read();
    }
}
