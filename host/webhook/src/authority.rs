//! Authorities of our own making, the certificates that they issue, and whether one vouches for the other.
//!
//! Nothing here reads the clock or a file: whoever asks says what time it is.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::certificate::Pair;
use crate::{expiry, tls};

/// By how much clocks may differ.
const SKEW: Duration = Duration::from_secs(60 * 60);

/// Why an authority or a certificate cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// A name cannot stand in a certificate.
    #[error("`{name}` is neither a DNS name nor an IP address")]
    Name {
        /// The name.
        name: String,
    },
    /// Keys or certificates cannot be made or read.
    #[error("no certificate could be made")]
    Make(#[from] rcgen::Error),
}

/// From when and for how long something is valid. It begins an hour earlier, since clocks differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The time now.
    pub now: SystemTime,
    /// For how long from now.
    pub time: Duration,
}

/// A certificate authority with its key, in PEM. Its key is secret, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    /// The certificate, which is public.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Authority {
    /// Makes a new one.
    ///
    /// # Errors
    ///
    /// When the system gives no randomness.
    pub fn make(validity: Validity) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let text = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(authority_params(validity)?, key)?;
        Ok(Self {
            certificate: issuer.pem(),
            key: text,
        })
    }

    /// Issues a server's certificate for DNS names and IP addresses, with a new key.
    ///
    /// # Errors
    ///
    /// When a name is none, or the authority's key cannot be read.
    pub fn issue(&self, names: &[String], validity: Validity) -> Result<Pair, AuthorityError> {
        let names = parse_names(names)?;
        // All that an issued certificate has of its issuer's is the name and the key, so the parameters need not
        // be read out of the certificate.
        let issuer = Issuer::new(authority_params(validity)?, KeyPair::from_pem(&self.key)?);
        let key = KeyPair::generate()?;
        let certificate = leaf_params(&names, validity)?.signed_by(&key, &issuer)?;
        Ok(Pair::new(certificate.pem(), key.serialize_pem()))
    }
}

/// Whether a client that trusts the authorities of a bundle would take a pair's certificate for all names at a time.
pub fn vouches(bundle: &str, pair: &Pair, names: &[String], at: SystemTime) -> bool {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pair.certificate()).collect();
    match (chain, parse_names(names)) {
        (Ok(chain), Ok(names)) => vouches_for_chain(bundle.as_bytes(), &chain, &names, at),
        _ => false,
    }
}

/// From when to when the first certificate of a PEM text is valid; nothing where it has none.
pub fn valid_in(certificate: &str) -> Option<Range<SystemTime>> {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).ok()?;
    expiry::validity(&der).ok()
}

/// When the first certificate of a PEM text expires; nothing where it has none.
pub fn expires(certificate: &str) -> Option<SystemTime> {
    valid_in(certificate).map(|validity| validity.end)
}

pub(crate) fn parse_names(names: &[String]) -> Result<Vec<ServerName<'static>>, AuthorityError> {
    let parse = |name: &String| {
        ServerName::try_from(name.clone()).map_err(|_| AuthorityError::Name { name: name.clone() })
    };
    names.iter().map(parse).collect()
}

/// Whether the authorities of a bundle in PEM vouch for a chain, leaf first.
pub(crate) fn vouches_for_chain(
    bundle: &[u8],
    chain: &[CertificateDer<'_>],
    names: &[ServerName<'_>],
    at: SystemTime,
) -> bool {
    let mut roots = RootCertStore::empty();
    // An authority vouches for nothing before and after its time, which a store of roots does not look at.
    let authorities = CertificateDer::pem_slice_iter(bundle)
        .filter_map(Result::ok)
        .filter(|authority| expiry::validity(authority).is_ok_and(|time| time.contains(&at)));
    roots.add_parsable_certificates(authorities);
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build();
    let (Some((leaf, intermediates)), Ok(verifier)) = (chain.split_first(), verifier) else {
        return false;
    };
    let since_1970 = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let at = UnixTime::since_unix_epoch(since_1970);
    names.iter().all(|name| {
        let verified = verifier.verify_server_cert(leaf, intermediates, name, &[], at);
        verified.is_ok()
    })
}

fn authority_params(validity: Validity) -> Result<CertificateParams, rcgen::Error> {
    let mut params = valid(
        CertificateParams::new(Vec::new())?,
        validity,
        "Tollgate authority",
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(
    names: &[ServerName<'_>],
    validity: Validity,
) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<_> = names
        .iter()
        .map(|name| name.to_str().into_owned())
        .collect();
    let mut params = valid(CertificateParams::new(names)?, validity, "Tollgate");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn valid(mut params: CertificateParams, validity: Validity, name: &str) -> CertificateParams {
    let Validity { now, time } = validity;
    params.not_before = (now - SKEW).into();
    params.not_after = (now + time).into();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn days(days: u32) -> Validity {
        Validity {
            now: SystemTime::UNIX_EPOCH + 20_000 * DAY,
            time: days * DAY,
        }
    }

    fn names() -> Vec<String> {
        ["tollgate.tollgate-system.svc", "127.0.0.1"]
            .map(str::to_owned)
            .to_vec()
    }

    #[test]
    fn vouches_for_its_own_until_they_expire() {
        let authority = Authority::make(days(100)).unwrap();
        let pair = authority.issue(&names(), days(10)).unwrap();
        let vouched = |after: u32, names: &[String]| {
            vouches(
                &authority.certificate,
                &pair,
                names,
                days(0).now + after * DAY,
            )
        };
        assert!(vouched(0, &names()) && vouched(9, &names()));
        assert!(!vouched(11, &names()));
        assert!(!vouched(0, &["other.svc".to_owned()]));
    }

    #[test]
    fn an_expired_authority_vouches_for_nothing() {
        let authority = Authority::make(days(10)).unwrap();
        let pair = authority.issue(&names(), days(20)).unwrap();
        let at = |after: u32| days(0).now + after * DAY;
        assert!(vouches(&authority.certificate, &pair, &names(), at(9)));
        assert!(!vouches(&authority.certificate, &pair, &names(), at(11)));
        assert_eq!(expires(&authority.certificate), Some(at(10)));
    }

    #[test]
    fn an_authority_of_a_later_time_vouches_for_nothing_yet() {
        let later = Validity {
            now: days(0).now + 400 * DAY,
            ..days(100)
        };
        let authority = Authority::make(later).unwrap();
        let pair = authority.issue(&names(), days(500)).unwrap();
        let vouched = |at| vouches(&authority.certificate, &pair, &names(), at);
        assert!(!vouched(days(0).now), "the leaf alone is of now");
        assert!(vouched(later.now));
    }

    #[test]
    fn a_bundle_vouches_for_the_certificates_of_each_of_its_authorities() {
        let [old, new, other] = [(); 3].map(|()| Authority::make(days(100)).unwrap());
        let bundle = format!("{}{}", old.certificate, new.certificate);
        for (authority, expected) in [(&old, true), (&new, true), (&other, false)] {
            let pair = authority.issue(&names(), days(10)).unwrap();
            assert_eq!(vouches(&bundle, &pair, &names(), days(0).now), expected);
        }
        assert!(!vouches(
            "",
            &old.issue(&names(), days(10)).unwrap(),
            &names(),
            days(0).now
        ));
    }

    #[test]
    fn refuses_a_name_that_is_none() {
        let authority = Authority::make(days(100)).unwrap();
        let err = authority
            .issue(&["no name".to_owned()], days(1))
            .err()
            .unwrap();
        assert_eq!(
            err.to_string(),
            "`no name` is neither a DNS name nor an IP address"
        );
    }
}
