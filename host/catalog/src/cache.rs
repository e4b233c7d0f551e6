//! Prepared artifacts on disk, and the one that is embedded in the binary.
//!
//! A sealed artifact is one line of JSON (the key that it was made for, and what its policies say of themselves)
//! and the native code. Native code is run unchecked, so the folder must be ours and closed to others.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_engine::Artifact;

/// Artifacts kept; the oldest go first. Each is about a megabyte for a Rust component, tens for a language runtime.
const KEPT: usize = 32;

#[derive(Serialize, Deserialize)]
struct Header {
    key: String,
    /// The bytes of native code that follow.
    length: usize,
    #[serde(flatten)]
    artifact: Artifact,
}

/// Gives an artifact as bytes that name the key that it was made for.
pub(crate) fn seal(key: &str, artifact: &Artifact) -> Result<Vec<u8>, serde_json::Error> {
    let header = Header {
        key: key.to_owned(),
        length: artifact.code.len(),
        artifact: Artifact {
            code: Vec::new(),
            ..artifact.clone()
        },
    };
    let mut bytes = serde_json::to_vec(&header)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&artifact.code);
    Ok(bytes)
}

/// Gives the artifact back, if it was made for the key.
pub(crate) fn unseal(key: &str, bytes: &[u8]) -> Option<Artifact> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (header, code) = bytes.split_at_checked(end)?;
    let code = code.get(1..)?;
    let Header {
        key: made_for,
        length,
        artifact,
    } = serde_json::from_slice(header).ok()?;
    (made_for == key && length == code.len()).then(|| Artifact {
        code: code.to_vec(),
        ..artifact
    })
}

/// A folder of sealed artifacts.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder, made with mode 0700 if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be made, belongs to somebody else, or others may enter it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let metadata = fs::symlink_metadata(folder)?;
        let ours = fs::metadata("/proc/self")
            .map(|own| own.uid() == metadata.uid())
            .unwrap_or(true);
        if !metadata.is_dir() || !ours || metadata.mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "`{}` must be a folder of this user with mode 0700, as the code in it is run",
                    folder.display()
                ),
            ));
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The folder that `TOLLGATE_CACHE_DIR` names, else the user's cache folder.
    pub fn default_folder() -> Option<PathBuf> {
        let named = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let user = || named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
        named("TOLLGATE_CACHE_DIR").or_else(|| Some(user()?.join("tollgate")))
    }

    pub(crate) fn get(&self, key: &str) -> Option<Artifact> {
        unseal(key, &fs::read(self.path(key)).ok()?)
    }

    /// Keeps an artifact. The file appears whole or not at all.
    pub(crate) fn put(&self, key: &str, artifact: &Artifact) -> io::Result<()> {
        let unfinished = self.folder.join(format!(".{key}.{}", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(&seal(key, artifact)?)?;
        fs::rename(&unfinished, self.path(key))?;
        self.forget_the_oldest()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.artifact"))
    }

    fn forget_the_oldest(&self) -> io::Result<()> {
        let mut kept = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            kept.push((file.metadata()?.modified()?, file.path()));
        }
        kept.sort();
        let surplus = kept.len().saturating_sub(KEPT);
        kept.into_iter()
            .take(surplus)
            .try_for_each(|(_, path)| fs::remove_file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact() -> Artifact {
        Artifact {
            policies: Vec::new(),
            configured: true,
            code: vec![0, b'\n', 255],
        }
    }

    #[test]
    fn gives_back_what_was_kept_for_the_same_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("deep/cache")).unwrap();
        cache.put("a", &artifact()).unwrap();
        assert_eq!(cache.get("a"), Some(artifact()));
        assert_eq!(cache.get("b"), None);
        fs::rename(cache.path("a"), cache.path("b")).unwrap();
        assert_eq!(cache.get("b"), None, "the key is inside the file too");
    }

    #[test]
    fn takes_a_damaged_file_for_none() {
        let sealed = seal("a", &artifact()).unwrap();
        for end in 0..sealed.len() {
            assert_eq!(unseal("a", &sealed[..end]), None, "{end}");
        }
    }

    #[test]
    fn refuses_a_folder_that_others_may_enter() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = Cache::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("mode 0700"), "{error}");
    }

    #[test]
    fn forgets_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        for n in 0..KEPT + 3 {
            cache.put(&n.to_string(), &artifact()).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), KEPT);
    }
}
