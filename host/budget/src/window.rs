//! The time over which a limit adds up.
//!
//! What is spent is kept in slots: a calendar window is one slot, a rolling one has [`SLOTS`], each of which counts until
//! all of it is past. So the state is bounded, and a rolling window forgets late, never early.

use std::fmt;

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};

use crate::LedgerError;

/// How many slots a rolling window has.
const SLOTS: i64 = 32;

/// The letters of the lengths that documents write, with their seconds.
const LENGTHS: [(char, i64); 2] = [('d', 86_400), ('h', 3_600)];

/// The most slots that are looked ahead: a deadline beyond them is none.
const AHEAD: usize = 64;

/// The most slots of a grid: those that still count, and those ahead.
const MOST_SLOTS: usize = 128;

/// The time over which a limit adds up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Window(Kind);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    Calendar { period: Period, zone: TimeZone },
    Rolling { seconds: i64 },
}

/// A period of the calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday's midnight.
    Week,
    /// From the first's midnight.
    Month,
}

/// Why a window is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// No time zone is called so.
    #[error("`{name}` is no time zone; write an IANA name such as `Europe/Berlin`, or `UTC`")]
    Zone {
        /// The name as given.
        name: String,
    },
    /// It is shorter than a minute or longer than ten years.
    #[error(
        "a rolling window of {seconds} s is out of range: one minute to ten years are accepted"
    )]
    Length {
        /// The length as given.
        seconds: i64,
    },
}

impl Window {
    /// A day, week or month of the calendar, in a time zone by its IANA name.
    ///
    /// # Errors
    ///
    /// When no zone is called so.
    pub fn calendar(period: Period, zone: &str) -> Result<Self, WindowError> {
        let zone = TimeZone::get(zone).map_err(|_| WindowError::Zone {
            name: zone.to_owned(),
        })?;
        Ok(Self(Kind::Calendar { period, zone }))
    }

    /// The last so many seconds at any time.
    ///
    /// # Errors
    ///
    /// When it is shorter than a minute or longer than ten years.
    pub fn rolling(seconds: i64) -> Result<Self, WindowError> {
        match (60..=10 * 366 * 86_400).contains(&seconds) {
            true => Ok(Self(Kind::Rolling { seconds })),
            false => Err(WindowError::Length { seconds }),
        }
    }

    /// When the window that holds a moment resets; nothing for a rolling one, which does little by little.
    ///
    /// # Errors
    ///
    /// When the calendar does not reach so far.
    pub fn resets(&self, at: i64) -> Result<Option<i64>, LedgerError> {
        match &self.0 {
            Kind::Calendar { period, zone } => period.bounds(at, zone).map(|(_, end)| Some(end)),
            Kind::Rolling { .. } => Ok(None),
        }
    }

    /// The beginning of the slot that holds a moment.
    pub(crate) fn slot(&self, at: i64) -> Result<i64, LedgerError> {
        self.bounds(at).map(|(start, _)| start)
    }

    /// The beginning of the oldest slot that counts now.
    pub(crate) fn oldest(&self, now: i64) -> Result<i64, LedgerError> {
        match self.0 {
            Kind::Calendar { .. } => self.slot(now),
            Kind::Rolling { seconds } => self.slot(now.saturating_sub(seconds)),
        }
    }

    /// The slots between two moments that count at the later one, each with the seconds that it holds of them.
    pub(crate) fn split(&self, from: i64, to: i64) -> Result<Vec<(i64, i64)>, LedgerError> {
        let mut at = from.max(self.oldest(to)?);
        let mut parts = Vec::new();
        while at < to {
            let (start, end) = self.bounds(at)?;
            let until = end.min(to);
            parts.push((start, until - at));
            at = until;
        }
        Ok(parts)
    }

    /// The slots from one moment on, until one holds the other or there are [`MOST_SLOTS`].
    pub(crate) fn grid(&self, from: i64, to: i64) -> Result<Grid, LedgerError> {
        let mut slots = vec![self.bounds(from)?];
        while let Some((_, end)) = slots.last()
            && *end <= to
            && slots.len() < MOST_SLOTS
        {
            slots.push(self.bounds(*end)?);
        }
        Ok(Grid(slots))
    }

    /// Whether so few slots lie between two moments that each can be counted ahead.
    pub(crate) fn reaches(&self, from: i64, to: i64) -> Result<bool, LedgerError> {
        let mut at = from;
        for _ in 0..AHEAD {
            (_, at) = self.bounds(at)?;
            if at >= to {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The slot that holds a moment: its beginning and its end, which is later than the moment.
    fn bounds(&self, at: i64) -> Result<(i64, i64), LedgerError> {
        match &self.0 {
            Kind::Calendar { period, zone } => period.bounds(at, zone),
            Kind::Rolling { seconds } => {
                let length = seconds / SLOTS + i64::from(seconds % SLOTS != 0);
                let start = at - at.rem_euclid(length);
                Ok((start, start + length))
            }
        }
    }
}

/// Slots that follow one another, looked up once for all that falls into them.
pub(crate) struct Grid(Vec<(i64, i64)>);

impl Grid {
    /// The slots between two moments, each with the seconds that it holds of them.
    pub(crate) fn parts(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, u64)> {
        let first = self.0.partition_point(|(_, end)| *end <= from);
        let touched = self.0.iter().skip(first);
        touched
            .take_while(move |(start, _)| *start < to)
            .filter_map(move |(start, end)| {
                let seconds = to.min(*end).checked_sub(from.max(*start))?;
                let seconds = u64::try_from(seconds).ok().filter(|some| *some > 0)?;
                Some((*start, seconds))
            })
    }
}

impl Period {
    /// Every period.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    fn bounds(self, at: i64, zone: &TimeZone) -> Result<(i64, i64), LedgerError> {
        let bounds = || -> Result<_, jiff::Error> {
            let day = Timestamp::from_second(at)?.to_zoned(zone.clone()).date();
            let (first, next) = match self {
                Self::Day => (day, day.tomorrow()?),
                Self::Week => {
                    let next = day.nth_weekday(1, Weekday::Monday)?;
                    (day.tomorrow()?.nth_weekday(-1, Weekday::Monday)?, next)
                }
                Self::Month => (day.first_of_month(), day.last_of_month().tomorrow()?),
            };
            let second = |day: jiff::civil::Date| {
                let midnight = day.to_zoned(zone.clone())?;
                Ok::<_, jiff::Error>(midnight.timestamp().as_second())
            };
            Ok((second(first)?, second(next)?))
        };
        bounds().map_err(|_| LedgerError::Time { second: at })
    }

    /// Its word in documents: `day`, `week` or `month`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Calendar { period, zone } => {
                let zone = zone.iana_name().unwrap_or("UTC");
                write!(f, "{} in {zone}", period.as_str())
            }
            Kind::Rolling { seconds } => match LENGTHS
                .into_iter()
                .find(|(_, length)| seconds % length == 0)
            {
                Some((letter, length)) => write!(f, "{}{letter}", seconds / length),
                None => write!(f, "{seconds}s"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::{Period, Window, WindowError};

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn berlin(period: Period) -> Window {
        Window::calendar(period, "Europe/Berlin").unwrap()
    }

    #[test]
    fn calendar_windows_begin_at_midnight_in_their_zone() {
        // A Thursday; Berlin is an hour ahead of UTC.
        let now = at("2026-11-26T23:30:00Z");
        for (period, start, end) in [
            (Period::Day, "2026-11-26T23:00:00Z", "2026-11-27T23:00:00Z"),
            (Period::Week, "2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z"),
            (
                Period::Month,
                "2026-10-31T23:00:00Z",
                "2026-11-30T23:00:00Z",
            ),
        ] {
            let window = berlin(period);
            assert_eq!(window.oldest(now), Ok(at(start)), "{window}");
            assert_eq!(window.resets(now), Ok(Some(at(end))), "{window}");
        }
    }

    #[test]
    fn a_week_begins_on_monday_also_on_a_monday_and_a_sunday() {
        let utc = Window::calendar(Period::Week, "UTC").unwrap();
        let monday = at("2026-11-23T00:00:00Z");
        assert_eq!(utc.oldest(monday), Ok(monday));
        assert_eq!(utc.oldest(at("2026-11-29T23:59:59Z")), Ok(monday));
        assert_eq!(utc.resets(monday), Ok(Some(at("2026-11-30T00:00:00Z"))));
    }

    #[test]
    fn a_day_has_the_hours_that_its_zone_gives_it() {
        let day = berlin(Period::Day);
        let spring = at("2026-03-29T12:00:00Z");
        let (start, end) = day.bounds(spring).unwrap();
        assert_eq!(end - start, 23 * 3_600);
    }

    #[test]
    fn a_time_is_split_into_the_slots_that_still_count() {
        let month = Window::calendar(Period::Month, "UTC").unwrap();
        let start = at("2026-11-01T00:00:00Z");
        let parts = month.split(at("2026-10-01T00:00:00Z"), start + 60);
        assert_eq!(parts, Ok(vec![(start, 60)]));
        let rolling = Window::rolling(3_200).unwrap();
        assert_eq!(
            rolling.split(150, 320),
            Ok(vec![(100, 50), (200, 100), (300, 20)])
        );
    }

    #[test]
    fn a_grid_tells_the_seconds_that_each_slot_holds_of_a_time() {
        let day = Window::calendar(Period::Day, "UTC").unwrap();
        let grid = day.grid(0, 3 * 86_400).unwrap();
        let parts = |from, to| grid.parts(from, to).collect::<Vec<_>>();
        assert_eq!(
            parts(86_300, 172_801),
            [(0, 100), (86_400, 86_400), (172_800, 1)]
        );
        assert_eq!(parts(-50, 50), [(0, 50)]);
        assert!(parts(7, 7).is_empty());
    }

    #[test]
    fn rolling_windows_are_written_as_documents_write_them() {
        let written = |seconds| Window::rolling(seconds).unwrap().to_string();
        assert_eq!(written(30 * 86_400), "30d");
        assert_eq!(written(12 * 3_600), "12h");
        assert_eq!(written(90), "90s");
    }

    #[test]
    fn only_what_ends_within_some_slots_is_counted_ahead() {
        let day = Window::calendar(Period::Day, "UTC").unwrap();
        assert_eq!(day.reaches(0, 64 * 86_400), Ok(true));
        assert_eq!(day.reaches(0, 64 * 86_400 + 1), Ok(false));
        assert_eq!(day.reaches(0, i64::MAX), Ok(false));
    }

    #[test]
    fn refuses_zones_that_there_are_not_and_odd_lengths() {
        let zone = Window::calendar(Period::Day, "Mars/Olympus").unwrap_err();
        assert_eq!(
            zone.to_string(),
            "`Mars/Olympus` is no time zone; write an IANA name such as `Europe/Berlin`, or `UTC`"
        );
        assert_eq!(
            Window::rolling(59),
            Err(WindowError::Length { seconds: 59 })
        );
    }

    proptest! {
        #[test]
        fn no_second_within_a_rolling_window_is_forgotten(
            seconds in 60_i64..10_000_000, now in 0_i64..4_000_000_000, ago in 0_i64..10_000_000,
        ) {
            let window = Window::rolling(seconds).unwrap();
            let at = now - ago.min(seconds);
            prop_assert!(window.slot(at).unwrap() >= window.oldest(now).unwrap());
        }

        #[test]
        fn a_slot_holds_its_moment_and_slots_are_few(
            seconds in 60_i64..10_000_000, now in 0_i64..4_000_000_000,
        ) {
            let month = Window::calendar(Period::Month, "America/New_York").unwrap();
            for window in [Window::rolling(seconds).unwrap(), month] {
                let (start, end) = window.bounds(now).unwrap();
                prop_assert!(start <= now && now < end);
                prop_assert!(window.split(i64::MIN / 2, now).unwrap().len() <= 34);
            }
        }
    }
}
