//! Tells cargo that the migrations are part of the program, so that a new file is a new program.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
