//! Reads when a certificate is valid, the one thing in it that rustls does not tell.

use std::ops::Range;
use std::time::SystemTime;

use yasna::models::{GeneralizedTime, UTCTime};
use yasna::tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME};
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, BERReaderSeq, Tag};

/// The end of the validity of a certificate in DER.
pub(crate) fn not_after(certificate: &[u8]) -> ASN1Result<SystemTime> {
    validity(certificate).map(|validity| validity.end)
}

/// The validity of a certificate in DER (RFC 5280, 4.1).
pub(crate) fn validity(certificate: &[u8]) -> ASN1Result<Range<SystemTime>> {
    yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|certificate| {
            let validity = certificate.next().read_sequence(to_be_signed)?;
            skip_rest(certificate)?;
            Ok(validity)
        })
    })
}

fn to_be_signed(fields: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Range<SystemTime>> {
    fields
        .read_optional(|version| version.read_tagged(Tag::context(0), |number| number.read_u8()))?;
    for _serial_algorithm_issuer in 0..3 {
        fields.next().read_der()?;
    }
    let validity = fields.next().read_sequence(|validity| {
        let begins = time(validity.next())?;
        Ok(begins..time(validity.next())?)
    })?;
    skip_rest(fields)?;
    Ok(validity)
}

fn time(reader: BERReader<'_, '_>) -> ASN1Result<SystemTime> {
    let time = reader.read_tagged_der()?;
    let read = match time.tag() {
        TAG_UTCTIME => UTCTime::parse(time.value()).map(|time| (*time.datetime()).into()),
        TAG_GENERALIZEDTIME => {
            GeneralizedTime::parse(time.value()).map(|time| (*time.datetime()).into())
        }
        _ => None,
    };
    read.ok_or_else(|| ASN1Error::new(ASN1ErrorKind::Invalid))
}

fn skip_rest(fields: &mut BERReaderSeq<'_, '_>) -> ASN1Result<()> {
    while fields.read_optional(|field| field.read_der())?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// Of a certificate that expires at midnight of the first of January.
    fn seconds_since_1970(year: i32) -> u64 {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let expires = not_after(certificate.der()).unwrap();
        expires
            .duration_since(SystemTime::UNIX_EPOCH)
            .map(|since: Duration| since.as_secs())
            .unwrap()
    }

    #[test]
    fn reads_both_spellings_of_time() {
        assert_eq!(seconds_since_1970(2030), 1_893_456_000);
        assert_eq!(seconds_since_1970(2060), 2_840_140_800);
    }

    #[test]
    fn refuses_what_is_no_certificate() {
        assert!(not_after(b"").is_err());
        assert!(not_after(&[0x30, 0x02, 0x30, 0x00]).is_err());
    }
}
