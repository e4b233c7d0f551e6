//! The time over which a limit adds up, as documents write it.

use std::fmt;

use tollgate_budget::{Period, Window};

use super::written::{Misread, Written, as_text};

/// A calendar `day`, `week` or `month`, or the last hours or days at any time, such as `12h` or `30d`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WindowName {
    /// Of the calendar, in the budget's time zone.
    Calendar(Period),
    /// The last so many seconds.
    Rolling {
        /// How many.
        seconds: i64,
    },
}

/// A time zone by its IANA name, such as `Europe/Berlin`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneName(String);

as_text!(WindowName);
as_text!(ZoneName);

/// The letters of rolling windows, with their seconds.
const LENGTHS: [(char, i64); 2] = [('d', 86_400), ('h', 3_600)];

impl WindowName {
    /// The window, in a time zone.
    ///
    /// Its parts were checked when they were read, so it is there.
    pub(super) fn within(self, zone: Option<&ZoneName>) -> Option<Window> {
        let zone = zone.map_or("UTC", |zone| &zone.0);
        match self {
            Self::Calendar(period) => Window::calendar(period, zone).ok(),
            Self::Rolling { seconds } => Window::rolling(seconds).ok(),
        }
    }
}

impl Written for WindowName {
    const FORMAT: &'static str = "tollgate-window";

    fn read(text: &str) -> Result<Self, Misread> {
        if let Some(period) = Period::ALL
            .into_iter()
            .find(|period| period.as_str() == text)
        {
            return Ok(Self::Calendar(period));
        }
        let length = LENGTHS.iter().find_map(|(letter, seconds)| {
            let number: i64 = text.strip_suffix(*letter)?.parse().ok()?;
            number.checked_mul(*seconds)
        });
        let seconds = length.ok_or_else(|| {
            Misread::new(format!("`{text}` is no window"))
                .hint("write `day`, `week` or `month`, or the last hours or days as `12h` or `30d`")
        })?;
        match Window::rolling(seconds) {
            Ok(_) => Ok(Self::Rolling { seconds }),
            Err(err) => Err(Misread::new(err.to_string())),
        }
    }
}

impl fmt::Display for WindowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Calendar(period) => f.write_str(period.as_str()),
            Self::Rolling { seconds } => {
                let [days, hours] = LENGTHS;
                let (letter, length) = if seconds % days.1 == 0 { days } else { hours };
                write!(f, "{}{letter}", seconds / length)
            }
        }
    }
}

impl Written for ZoneName {
    const FORMAT: &'static str = "tollgate-time-zone";

    fn read(text: &str) -> Result<Self, Misread> {
        match Window::calendar(Period::Day, text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(err) => Err(Misread::new(err.to_string())),
        }
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{WindowName, Written, ZoneName};

    #[test]
    fn reads_and_writes_windows() {
        for text in ["day", "week", "month", "12h", "30d"] {
            assert_eq!(WindowName::read(text).unwrap().to_string(), text);
        }
        assert_eq!(WindowName::read("48h").unwrap().to_string(), "2d");
    }

    #[test]
    fn refuses_what_is_no_window() {
        for text in [
            "",
            "year",
            "30",
            "d",
            "1.5d",
            "30 d",
            "99999999999999999999h",
        ] {
            let message = WindowName::read(text).unwrap_err().message;
            assert_eq!(message, format!("`{text}` is no window"));
        }
        assert_eq!(
            WindowName::read("-1d").unwrap_err().message,
            "a rolling window of -86400 s is out of range: one minute to ten years are accepted"
        );
    }

    #[test]
    fn refuses_zones_that_there_are_not() {
        assert_eq!(
            ZoneName::read("Berlin").unwrap_err().message,
            "`Berlin` is no time zone; write an IANA name such as `Europe/Berlin`, or `UTC`"
        );
    }
}
