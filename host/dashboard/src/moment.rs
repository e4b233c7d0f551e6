//! Moments, as people read them.

use jiff::Timestamp;
use maud::{Markup, html};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A moment by its distance from now, with the exact one for machines and for who points at it.
pub(crate) fn relative(moment: Timestamp, now: Timestamp) -> Markup {
    let seconds = moment.as_second() - now.as_second();
    let distance = distance(seconds.abs());
    html! {
        time datetime=(exact(moment)) title=(utc(moment)) {
            @if seconds > 0 { "in " (distance) } @else { (distance) " ago" }
        }
    }
}

/// How much two moments are apart, in the largest unit of which there are two or more.
pub(crate) fn distance(seconds: i64) -> String {
    let units = [(DAY, "days"), (HOUR, "hours"), (MINUTE, "min")];
    let fitting = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    match fitting {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

/// A moment for people, in UTC.
pub(crate) fn utc(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment for machines.
pub(crate) fn exact(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_units_of_which_there_are_several() {
        let cases = [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (5_184_000, "60 days"),
        ];
        for (seconds, told) in cases {
            assert_eq!(distance(seconds), told);
        }
    }

    #[test]
    fn what_was_and_what_will_be_differ() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |second| relative(Timestamp::from_second(second).unwrap(), now).into_string();
        assert_eq!(
            at(999_400),
            "<time datetime=\"1970-01-12T13:36:40Z\" title=\"1970-01-12 13:36:40 UTC\">10 min ago</time>"
        );
        assert!(at(1_000_600).contains(">in 10 min<"));
    }
}
