//! A certificate of our own making, for trying things out and for loopback.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

use crate::options::TlsFiles;
use crate::tls;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a new certificate is valid. Some clients refuse more than 398 days.
const VALID: Duration = Duration::from_secs(365 * DAY.as_secs());
/// What must be left of it at a start.
const LEFT: Duration = Duration::from_secs(30 * DAY.as_secs());
/// By how much clocks may differ.
const SKEW: Duration = Duration::from_secs(60 * 60);

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelfSignedError {
    /// A host name cannot stand in a certificate.
    #[error("`{name}` is neither a DNS name nor an IP address")]
    Name {
        /// The name.
        name: String,
    },
    /// A file or the folder cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate cannot be made.
    #[error("no certificate could be made")]
    Make(#[from] rcgen::Error),
}

/// Gives a certificate for loopback and `hosts`, out of `ca.crt`, `tls.crt` and `tls.key` in a folder. What is
/// there is used as long as it fits `hosts` and is valid for 30 days more; else all three are made anew, for a
/// year, with an authority whose key is not kept.
///
/// # Errors
///
/// When a host is no name, or the folder cannot be written.
pub fn self_signed(folder: &Path, hosts: &[String]) -> Result<TlsFiles, SelfSignedError> {
    let names = names(hosts)?;
    let files = TlsFiles {
        certificate: folder.join("tls.crt"),
        key: folder.join("tls.key"),
    };
    let authority = folder.join("ca.crt");
    if !is_usable(&files, &authority, &names) {
        let made = make(&names)?;
        fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
        write(&files.key, &made.key, Access::Owner)?;
        write(&authority, &made.authority, Access::All)?;
        write(&files.certificate, &made.certificate, Access::All)?;
    }
    Ok(files)
}

fn names(hosts: &[String]) -> Result<Vec<ServerName<'static>>, SelfSignedError> {
    let mut names = vec![
        ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST)),
        ServerName::from(IpAddr::from(Ipv6Addr::LOCALHOST)),
    ];
    for host in ["localhost"]
        .into_iter()
        .chain(hosts.iter().map(String::as_str))
    {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| SelfSignedError::Name {
            name: host.to_owned(),
        })?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Whether a client that trusts the authority would take the certificate, for each name and for some time yet.
fn is_usable(files: &TlsFiles, authority: &Path, names: &[ServerName<'_>]) -> bool {
    let Ok(authority) = CertificateDer::from_pem_file(authority) else {
        return false;
    };
    let Ok(leaf) = CertificateDer::from_pem_file(&files.certificate) else {
        return false;
    };
    let Ok(key) = PrivateKeyDer::from_pem_file(&files.key) else {
        return false;
    };
    CertifiedKey::from_der(vec![leaf.clone()], key, &tls::provider()).is_ok()
        && verifies(authority, &leaf, names)
}

fn verifies(
    authority: CertificateDer<'static>,
    leaf: &CertificateDer<'_>,
    names: &[ServerName<'_>],
) -> bool {
    let mut roots = RootCertStore::empty();
    if roots.add(authority).is_err() {
        return false;
    }
    let Ok(verifier) =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build()
    else {
        return false;
    };
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let then = UnixTime::since_unix_epoch(since_1970 + LEFT);
    names.iter().all(|name| {
        verifier
            .verify_server_cert(leaf, &[], name, &[], then)
            .is_ok()
    })
}

/// The three files, in PEM.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

fn make(names: &[ServerName<'_>]) -> Result<Made, rcgen::Error> {
    let authority = CertifiedIssuer::self_signed(authority_params()?, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = leaf_params(names)?.signed_by(&key, &authority)?;
    Ok(Made {
        authority: authority.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = valid_from_now(
        CertificateParams::new(Vec::new())?,
        "Tollgate self-signed authority",
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(names: &[ServerName<'_>]) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<_> = names
        .iter()
        .map(|name| name.to_str().into_owned())
        .collect();
    let mut params = valid_from_now(CertificateParams::new(names)?, "Tollgate");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn valid_from_now(mut params: CertificateParams, name: &str) -> CertificateParams {
    let now = SystemTime::now();
    params.not_before = (now - SKEW).into();
    params.not_after = (now + VALID).into();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

enum Access {
    Owner,
    All,
}

/// Writes a file beside its place and moves it there, so that nobody sees half of it.
fn write(path: &Path, text: &str, access: Access) -> Result<(), SelfSignedError> {
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
            .write_all(text.as_bytes())
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
        let names = names(&hosts()).unwrap();
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
        fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        self_signed(folder.path(), &hosts()).unwrap();
        assert_ne!(first, second);
        assert_ne!(second, read(&folder, "tls.crt"));
    }

    #[test]
    fn makes_all_anew_shortly_before_the_end() {
        let folder = TempDir::new().unwrap();
        let files = self_signed(folder.path(), &[]).unwrap();
        let names = names(&[]).unwrap();
        let key = KeyPair::generate().unwrap();
        let authority =
            CertifiedIssuer::self_signed(authority_params().unwrap(), KeyPair::generate().unwrap())
                .unwrap();
        let mut params = leaf_params(&names).unwrap();
        params.not_after = (SystemTime::now() + LEFT - SKEW).into();
        fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
        fs::write(
            &files.certificate,
            params.signed_by(&key, &authority).unwrap().pem(),
        )
        .unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
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
