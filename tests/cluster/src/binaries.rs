//! Where the binaries and manifests are that `tests/cluster/build` made.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The environment variable with the folders that `tests/cluster/build` prints.
const FOLDERS: &str = "TOLLGATE_E2E_PATH";

/// The environment variable with the path of the `tollgate` binary under test.
const TOLLGATE: &str = "TOLLGATE_BIN";

/// Finds one of the binaries of the table `tests/cluster/binaries`.
///
/// # Errors
/// Where it was not built.
pub fn binary(name: &str) -> Result<PathBuf> {
    find(Path::new(name))
}

/// Reads what a controller's module installs in a cluster.
///
/// # Errors
/// Where it was not built.
pub(crate) fn manifests(name: &str) -> Result<String> {
    let path = find(&Path::new("manifests").join(format!("{name}.yaml")))?;
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The `tollgate` binary under test.
///
/// # Errors
/// Where the environment does not name it.
pub(crate) fn tollgate() -> Result<PathBuf> {
    let path = std::env::var_os(TOLLGATE)
        .with_context(|| format!("`{TOLLGATE}` does not name the binary; `make e2e` sets it"))?;
    Ok(path.into())
}

/// Runs a command of the `tollgate` binary under test, and gives what it printed.
///
/// # Errors
/// Where it fails, with what it said.
pub fn tollgate_says(arguments: &[&str]) -> Result<String> {
    let output = Command::new(tollgate()?).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`tollgate {arguments:?}`: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a command of the `tollgate` binary under test, and gives its status, and all that it printed.
///
/// # Errors
/// Where it cannot be started.
pub fn tollgate_answers(arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let output = Command::new(tollgate()?).args(arguments).output()?;
    let [told, said] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    Ok((output.status.code(), format!("{told}{said}")))
}

fn find(file: &Path) -> Result<PathBuf> {
    let folders = std::env::var_os(FOLDERS).with_context(|| {
        format!("`{FOLDERS}` is not set: `make e2e` sets it to what `tests/cluster/build` prints")
    })?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(file))
        .find(|path| path.is_file())
        .with_context(|| {
            let file = file.display();
            format!("`{file}` is in none of {folders:?}: run `tests/cluster/build full`")
        })
}
