//! When something ends.

use std::{fmt, time::SystemTime};

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::written::{Misread, Written, as_text};

/// A moment, such as `2026-12-31T00:00:00Z`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Expiry {
    at: OffsetDateTime,
}

as_text!(Expiry);

impl Expiry {
    /// Whether it has come.
    pub fn is_past(self, now: SystemTime) -> bool {
        SystemTime::from(self.at) <= now
    }
}

impl Written for Expiry {
    // What Kubernetes calls it.
    const FORMAT: &'static str = "date-time";

    fn read(text: &str) -> Result<Self, Misread> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(|at| Self {
                at: at.to_offset(UtcOffset::UTC),
            })
            .map_err(|_| {
                Misread::new(format!("`{text}` is no date and time"))
                    .hint("write it as `2026-12-31T00:00:00Z`")
            })
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.at.format(&Rfc3339).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Expiry, Written};

    #[test]
    fn has_come_from_its_second_on() {
        let end = Expiry::read("1970-01-02T01:00:00+01:00").unwrap();
        assert_eq!(end.to_string(), "1970-01-02T00:00:00Z");
        let day = UNIX_EPOCH + Duration::from_secs(86_400);
        assert!(end.is_past(day));
        assert!(!end.is_past(day - Duration::from_secs(1)));
    }

    #[test]
    fn is_written_with_date_time_and_zone() {
        for text in [
            "",
            "2026-12-31",
            "2026-12-31T00:00:00",
            "2026-13-01T00:00:00Z",
            "soon",
        ] {
            let misread = Expiry::read(text).unwrap_err();
            assert_eq!(misread.message, format!("`{text}` is no date and time"));
            assert_eq!(
                misread.hint.as_deref(),
                Some("write it as `2026-12-31T00:00:00Z`")
            );
        }
    }
}
