//! Time and memory, as configuration writes them.

use std::{fmt, ops::RangeInclusive, time::Duration};

use super::written::{Misread, Written, as_text};

/// How long a policy may run, such as `50ms` or `1s`: from a millisecond to ten seconds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Time {
    milliseconds: u64,
}

/// How much memory a policy may use, such as `16Mi`: from one to 64 mebibytes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Memory {
    bytes: u64,
}

as_text!(Time);
as_text!(Memory);

impl Time {
    /// What a policy gets unless it is given more.
    pub const DEFAULT: Self = Self { milliseconds: 50 };

    /// The time as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

impl Memory {
    /// What a policy gets unless it is given more.
    pub const DEFAULT: Self = Self { bytes: 16 << 20 };

    /// The memory in bytes.
    pub fn bytes(self) -> u64 {
        self.bytes
    }
}

impl Written for Time {
    const FORMAT: &'static str = "tollgate-time";

    fn read(text: &str) -> Result<Self, Misread> {
        let milliseconds = amount(text, &[("ms", 1), ("s", 1_000)]).ok_or_else(|| {
            Misread::new(format!("`{text}` is no time")).hint("write it as `50ms` or `1s`")
        })?;
        within(text, milliseconds, 1..=10_000, "`1ms` to `10s`")?;
        Ok(Self { milliseconds })
    }
}

impl Written for Memory {
    const FORMAT: &'static str = "tollgate-memory";

    fn read(text: &str) -> Result<Self, Misread> {
        let bytes = amount(text, &[("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30)]).ok_or_else(
            || Misread::new(format!("`{text}` is no amount of memory")).hint("write it as `16Mi`"),
        )?;
        within(text, bytes, 1 << 20..=64 << 20, "`1Mi` to `64Mi`")?;
        Ok(Self { bytes })
    }
}

/// A whole number of one of the units.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn within(
    text: &str,
    value: u64,
    range: RangeInclusive<u64>,
    accepted: &str,
) -> Result<(), Misread> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(Misread::new(format!(
            "`{text}` is out of range: {accepted} are accepted"
        ))),
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.milliseconds % 1_000 {
            0 => write!(f, "{}s", self.milliseconds / 1_000),
            _ => write!(f, "{}ms", self.milliseconds),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes % (1 << 20) {
            0 => write!(f, "{}Mi", self.bytes >> 20),
            _ => write!(f, "{}Ki", self.bytes >> 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Memory, Time, Written};

    #[test]
    fn reads_and_writes_times() {
        for text in ["1ms", "50ms", "1s", "1500ms", "10s"] {
            assert_eq!(Time::read(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Time::read("1000ms").unwrap().duration(),
            Duration::from_secs(1)
        );
    }

    #[test]
    fn refuses_times_that_are_none_or_out_of_range() {
        for text in [
            "",
            "50",
            "ms",
            "50 ms",
            "-1s",
            "1.5s",
            "1m",
            "99999999999999999999s",
            "1e3ms",
        ] {
            let misread = Time::read(text).unwrap_err();
            assert_eq!(misread.message, format!("`{text}` is no time"));
            assert_eq!(misread.hint.as_deref(), Some("write it as `50ms` or `1s`"));
        }
        for text in ["0ms", "0s", "11s", "10001ms"] {
            let message = Time::read(text).unwrap_err().message;
            assert_eq!(
                message,
                format!("`{text}` is out of range: `1ms` to `10s` are accepted")
            );
        }
    }

    #[test]
    fn reads_and_writes_memory() {
        for text in ["1Mi", "16Mi", "1536Ki", "64Mi"] {
            assert_eq!(Memory::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Memory::read("1024Ki").unwrap().bytes(), 1 << 20);
        assert_eq!(Memory::DEFAULT.to_string(), "16Mi");
    }

    #[test]
    fn refuses_memory_that_is_none_or_out_of_range() {
        for text in ["16", "16M", "16MB", "Mi", "1.5Mi"] {
            assert_eq!(
                Memory::read(text).unwrap_err().message,
                format!("`{text}` is no amount of memory")
            );
        }
        for text in ["1Ki", "65Mi", "1Gi"] {
            let message = Memory::read(text).unwrap_err().message;
            assert_eq!(
                message,
                format!("`{text}` is out of range: `1Mi` to `64Mi` are accepted")
            );
        }
    }
}
