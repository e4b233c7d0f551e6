//! What a kubelet does for a volume of a Secret.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::task::JoinHandle;

use crate::wait::until;
use crate::{Cluster, Objects};

/// How often the Secret is looked at.
const EVERY: Duration = Duration::from_millis(300);

/// The keys of a Secret of TLS.
const FILES: [&str; 3] = ["ca.crt", "tls.key", "tls.crt"];

/// A folder that holds what a Secret holds, until it is dropped.
#[derive(Debug)]
pub struct MountedSecret {
    folder: PathBuf,
    following: JoinHandle<()>,
}

impl MountedSecret {
    /// Waits for the Secret (namespace and name), and follows it from then on.
    ///
    /// # Errors
    /// Where it does not come.
    pub async fn follow(cluster: &Cluster, secret: (&str, &str), folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        until("there is a secret to mount", async || {
            copy(cluster.objects(), secret, &folder).await
        })
        .await?;
        let objects = Objects::new(cluster.objects().client());
        let (namespace, name) = (secret.0.to_owned(), secret.1.to_owned());
        let into = folder.clone();
        let following = tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                // The API server may be away; what is there stays.
                let _ = copy(&objects, (&namespace, &name), &into).await;
            }
        });
        Ok(Self { folder, following })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for MountedSecret {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Copies it once. Each rename comes last, so nobody reads half a file; who reads two of different times sees that they
/// do not belong together.
pub(crate) async fn copy(objects: &Objects, secret: (&str, &str), folder: &Path) -> Result<()> {
    let object = objects.get(("v1", "Secret"), secret.0, secret.1).await?;
    for name in FILES {
        let encoded = object["data"][name].as_str().unwrap_or_default();
        ensure!(!encoded.is_empty(), "secret {} has no {name}", secret.1);
        let new = folder.join(format!(".{name}"));
        std::fs::write(&new, BASE64.decode(encoded).context(name)?)?;
        std::fs::rename(new, folder.join(name))?;
    }
    Ok(())
}
