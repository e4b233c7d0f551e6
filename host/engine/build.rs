//! Tells the crate the target that it is built for, which the engine compiles policies for.

fn main() {
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=TOLLGATE_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
}
