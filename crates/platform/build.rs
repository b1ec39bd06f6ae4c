//! The migrations are built in: building again when one is added.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
