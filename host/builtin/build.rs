//! Compiles `policies/bundle` to a component and lays it, with an artifact if one is given, where
//! `src/lib.rs` embeds it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";
const PACKAGE: &str = "tollgate-bundle";
const CRATE: &str = "tollgate_bundle";
const LINKER: &str = "wasm-ld";
const ARTIFACT: &str = "TOLLGATE_BUILTIN_ARTIFACT";

/// Where Debian's `rustc-web` lies. It stands in for a rustup that has no wasm target.
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            println!("cargo::error={err:#}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<()> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let guest = Guest::new(&out)?;
    guest.compile(&Toolchain::find()?)?;
    guest.watch()?;
    fs::write(out.join("bundle.wasm"), guest.component()?)?;
    fs::write(out.join("artifact"), artifact()?)?;
    Ok(())
}

/// The workspace that the bundle is a member of, and the folder that it is compiled in.
struct Guest {
    workspace: PathBuf,
    target: PathBuf,
}

impl Guest {
    /// The folder is one for all profiles, since the guest is the same in each. It must not be the
    /// outer cargo's own, which is locked while this runs.
    fn new(out: &Path) -> Result<Self> {
        let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
        let workspace = manifest
            .ancestors()
            .nth(2)
            .context("no workspace above host/builtin")?;
        let target = out
            .ancestors()
            .nth(4)
            .context("no target folder above `OUT_DIR`")?;
        Ok(Self {
            workspace: workspace.to_path_buf(),
            target: target.join("guests"),
        })
    }

    fn compile(&self, toolchain: &Toolchain) -> Result<()> {
        let mut cargo = Command::new(variable("CARGO")?);
        clean(&mut cargo);
        cargo
            .current_dir(&self.workspace)
            .args(["build", "--locked", "--quiet", "--profile", "guest"])
            .args(["--package", PACKAGE, "--target", TARGET])
            .arg("--target-dir")
            .arg(&self.target)
            .env("CARGO_BUILD_BUILD_DIR", &self.target)
            .env("CARGO_ENCODED_RUSTFLAGS", rustflags());
        toolchain.apply(&mut cargo);
        let status = cargo
            .status()
            .context("cannot run cargo for the built-in policies")?;
        ensure!(
            status.success(),
            "the built-in policies do not compile to {TARGET}"
        );
        Ok(())
    }

    /// Asks cargo to run this again when a file that went into the guest changes.
    fn watch(&self) -> Result<()> {
        let inputs = fs::read_to_string(self.output("d"))?;
        for path in prerequisites(&inputs) {
            println!("cargo::rerun-if-changed={path}");
        }
        for manifest in ["Cargo.toml", "Cargo.lock"] {
            println!(
                "cargo::rerun-if-changed={}",
                self.workspace.join(manifest).display()
            );
        }
        for policy in fs::read_dir(self.workspace.join("policies"))? {
            let manifest = policy?.path().join("Cargo.toml");
            if manifest.exists() {
                println!("cargo::rerun-if-changed={}", manifest.display());
            }
        }
        Ok(())
    }

    fn component(&self) -> Result<Vec<u8>> {
        let module = fs::read(self.output("wasm"))?;
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .encode()
            .context("the built-in policies do not make a component")
    }

    fn output(&self, extension: &str) -> PathBuf {
        self.target
            .join(TARGET)
            .join("guest")
            .join(CRATE)
            .with_extension(extension)
    }
}

/// A compiler for [`TARGET`], and where its standard library comes from.
enum Toolchain {
    Installed(String),
    FromSource(String),
}

impl Toolchain {
    fn find() -> Result<Self> {
        let compilers = [variable("RUSTC")?, SYSTEM_RUSTC.to_owned()];
        if let Some(rustc) = compilers.iter().find(|rustc| has_target(rustc)) {
            return Ok(Self::Installed(rustc.clone()));
        }
        match compilers.into_iter().find(|rustc| has_source(rustc)) {
            Some(rustc) if runs(LINKER) => Ok(Self::FromSource(rustc)),
            _ => {
                bail!("no compiler for {TARGET}: run `make setup`, or `rustup target add {TARGET}`")
            }
        }
    }

    fn apply(&self, cargo: &mut Command) {
        match self {
            Self::Installed(rustc) => cargo.env("RUSTC", rustc),
            Self::FromSource(rustc) => cargo
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER),
        };
    }
}

fn has_target(rustc: &str) -> bool {
    printed(rustc, &["--print", "target-libdir", "--target", TARGET])
        .is_some_and(|folder| Path::new(&folder).is_dir())
}

fn has_source(rustc: &str) -> bool {
    printed(rustc, &["--print", "sysroot"]).is_some_and(|folder| {
        Path::new(&folder)
            .join("lib/rustlib/src/rust/library/Cargo.lock")
            .is_file()
    })
}

fn runs(program: &str) -> bool {
    printed(program, &["--version"]).is_some()
}

fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}

/// Hides from the guest's cargo what belongs to the outer build: its flags, profiles, target
/// folder, and the wrappers that clippy and coverage put around the compiler.
fn clean(cargo: &mut Command) {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_MAKEFLAGS",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let build = ["CARGO", "RUSTC", "RUSTFLAGS"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if build && !KEPT.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
}

/// The guest's own flags: a stack that dirties few pages, and no folder of this machine in the
/// text of its panics. Given this way they stand in place of any that a cargo configuration sets.
fn rustflags() -> String {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")));
    let stack = "-Clink-arg=-zstack-size=65536".to_owned();
    let remap = home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display()));
    [Some(stack), remap]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\u{1f}")
}

/// The files behind the first colon of a makefile's rule, where a space in a name is `\ `.
fn prerequisites(rule: &str) -> Vec<String> {
    let (_, names) = rule.trim_end().split_once(": ").unwrap_or_default();
    let names = names.replace("\\ ", "\0");
    names
        .split(' ')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('\0', " "))
        .collect()
}

/// The artifact to embed, empty where none is named.
fn artifact() -> Result<Vec<u8>> {
    println!("cargo::rerun-if-env-changed={ARTIFACT}");
    let path = PathBuf::from(env::var_os(ARTIFACT).unwrap_or_default());
    if path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    ensure!(
        path.is_absolute(),
        "`{ARTIFACT}` is `{}`, which is not an absolute path",
        path.display()
    );
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read(&path)
        .with_context(|| format!("cannot read `{}`, named by `{ARTIFACT}`", path.display()))
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("`{name}` is not set"))
}
