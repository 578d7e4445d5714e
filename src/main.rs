//! The `armorlake` command.

fn main() {
    println!("armorlake {}", env!("CARGO_PKG_VERSION"));
}
