//! A certificate of our own making, for trying things out and for loopback.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::authority::{self, Authority, AuthorityError, Validity};
use crate::certificate::{Certificate, Pair};
use crate::options::TlsFiles;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a new certificate is valid. Some clients refuse more than 398 days.
const VALID: Duration = Duration::from_secs(365 * DAY.as_secs());
/// What must be left of it at a start.
const LEFT: Duration = Duration::from_secs(30 * DAY.as_secs());
/// What every such certificate is for.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelfSignedError {
    /// A file or the folder cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate cannot be made.
    #[error(transparent)]
    Make(#[from] AuthorityError),
}

/// Gives a certificate for loopback and `hosts`, out of `ca.crt`, `tls.crt` and `tls.key` in a folder. What is
/// there is used as long as it fits `hosts` and is valid for 30 days more; else all three are made anew, for a
/// year, with an authority whose key is not kept.
///
/// # Errors
///
/// When a host is no name, or the folder cannot be written.
pub fn self_signed(folder: &Path, hosts: &[String]) -> Result<TlsFiles, SelfSignedError> {
    let names = names(hosts);
    authority::parse_names(&names)?;
    let files = TlsFiles {
        certificate: folder.join("tls.crt"),
        key: folder.join("tls.key"),
    };
    let authority = folder.join("ca.crt");
    if !is_usable(&files, &authority, &names) {
        let made = make(&names)?;
        fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
        write(&files.key, made.pair.key(), Access::Owner)?;
        write(&authority, made.authority.as_bytes(), Access::All)?;
        write(&files.certificate, made.pair.certificate(), Access::All)?;
    }
    Ok(files)
}

fn names(hosts: &[String]) -> Vec<String> {
    let mut names = LOOPBACK.map(str::to_owned).to_vec();
    for host in hosts {
        if !names.contains(host) {
            names.push(host.clone());
        }
    }
    names
}

/// Whether a client that trusts the authority would take the certificate, for each name and for some time yet.
fn is_usable(files: &TlsFiles, authority: &Path, names: &[String]) -> bool {
    let (Ok(authority), Ok(certificate), Ok(key)) = (
        fs::read_to_string(authority),
        fs::read(&files.certificate),
        fs::read(&files.key),
    ) else {
        return false;
    };
    let pair = Pair::new(certificate, key);
    Certificate::parse(&pair).is_ok()
        && authority::vouches(&authority, &pair, names, SystemTime::now() + LEFT)
}

/// The three files, in PEM.
struct Made {
    authority: String,
    pair: Pair,
}

fn make(names: &[String]) -> Result<Made, AuthorityError> {
    let validity = Validity {
        now: SystemTime::now(),
        time: VALID,
    };
    let authority = Authority::make(validity)?;
    Ok(Made {
        pair: authority.issue(names, validity)?,
        authority: authority.certificate,
    })
}

enum Access {
    Owner,
    All,
}

/// Writes a file beside its place and moves it there, so that nobody sees half of it.
fn write(path: &Path, text: &[u8], access: Access) -> Result<(), SelfSignedError> {
    let beside = path.with_extension("new");
    let mode = match access {
        Access::Owner => 0o600,
        Access::All => 0o644,
    };
    replace(path, &beside, |file| {
        // What a crash left behind may have another mode.
        let _ = fs::remove_file(&beside);
        file.write(true)
            .create_new(true)
            .mode(mode)
            .open(&beside)?
            .write_all(text)
    })
    .map_err(|source| unwritable(path, source))
}

fn replace(
    path: &Path,
    beside: &Path,
    fill: impl FnOnce(&mut OpenOptions) -> io::Result<()>,
) -> io::Result<()> {
    fill(&mut OpenOptions::new())?;
    fs::rename(beside, path)
}

fn unwritable(path: &Path, source: io::Error) -> SelfSignedError {
    SelfSignedError::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn hosts() -> Vec<String> {
        vec![
            "tollgate.tollgate-system.svc".to_owned(),
            "10.0.0.7".to_owned(),
        ]
    }

    fn read(folder: &TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap()
    }

    #[test]
    fn makes_a_certificate_that_its_authority_vouches_for() {
        let folder = TempDir::new().unwrap();
        let files = self_signed(folder.path(), &hosts()).unwrap();
        let names = names(&hosts());
        assert_eq!(names.len(), 5);
        assert!(is_usable(&files, &folder.path().join("ca.crt"), &names));
        assert_eq!(
            fs::metadata(&files.key).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn keeps_what_is_there() {
        let folder = TempDir::new().unwrap();
        self_signed(folder.path(), &hosts()).unwrap();
        let before = read(&folder, "tls.crt");
        self_signed(folder.path(), &hosts()[..1]).unwrap();
        assert_eq!(read(&folder, "tls.crt"), before);
    }

    #[test]
    fn makes_all_anew_for_another_host_or_a_foreign_key() {
        let folder = TempDir::new().unwrap();
        self_signed(folder.path(), &[]).unwrap();
        let first = read(&folder, "tls.crt");
        let files = self_signed(folder.path(), &hosts()).unwrap();
        let second = read(&folder, "tls.crt");
        let foreign = make(&names(&[])).unwrap().pair;
        fs::write(&files.key, foreign.key()).unwrap();
        self_signed(folder.path(), &hosts()).unwrap();
        assert_ne!(first, second);
        assert_ne!(second, read(&folder, "tls.crt"));
    }

    #[test]
    fn makes_all_anew_shortly_before_the_end() {
        let folder = TempDir::new().unwrap();
        let files = self_signed(folder.path(), &[]).unwrap();
        let names = names(&[]);
        let short = Validity {
            now: SystemTime::now(),
            time: LEFT - DAY,
        };
        let authority = Authority::make(short).unwrap();
        let pair = authority.issue(&names, short).unwrap();
        fs::write(folder.path().join("ca.crt"), authority.certificate).unwrap();
        fs::write(&files.certificate, pair.certificate()).unwrap();
        fs::write(&files.key, pair.key()).unwrap();
        assert!(!is_usable(&files, &folder.path().join("ca.crt"), &names));
    }

    #[test]
    fn refuses_a_host_that_is_no_name() {
        let folder = TempDir::new().unwrap();
        let err = self_signed(folder.path(), &["no name".to_owned()]).unwrap_err();
        assert_eq!(
            err.to_string(),
            "`no name` is neither a DNS name nor an IP address"
        );
    }
}
