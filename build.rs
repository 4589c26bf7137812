//! Builds again when a migration was added: they are inside the program.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
