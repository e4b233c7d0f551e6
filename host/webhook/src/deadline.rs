//! How long a call may take.

use std::time::Duration;

use crate::options::Limits;

/// The smaller of our own limit and what the API server waits (`?timeout=10s`), less a margin for the way back.
pub(crate) fn time_for(query: Option<&str>, limits: &Limits) -> Duration {
    let Some(waits) = query.and_then(api_timeout) else {
        return limits.review_time;
    };
    let margin = limits.deadline_margin.min(waits / 2);
    limits.review_time.min(waits - margin)
}

fn api_timeout(query: &str) -> Option<Duration> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("timeout="))?;
    go_duration(value).filter(|timeout| !timeout.is_zero())
}

/// A duration as Go writes it: `10s`, `1m30s`, `1.5h`, `500ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !is_numeric(c))?);
        let (unit, tail) = tail.split_at(tail.find(is_numeric).unwrap_or(tail.len()));
        let seconds = number.parse::<f64>().ok()? * seconds_in(unit)?;
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = tail;
    }
    Some(total)
}

fn is_numeric(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

fn seconds_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" | "μs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            review_time: Duration::from_secs(1),
            deadline_margin: Duration::from_millis(50),
            ..Limits::default()
        }
    }

    #[test]
    fn reads_durations_as_go_writes_them() {
        let cases = [
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
            ("1h0m0.5s", 3_600_500),
            (".5s", 500),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                go_duration(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_go_would_not_write() {
        for text in [
            "10",
            "s",
            "-1s",
            "1x",
            "1e3s",
            ".s",
            "1..s",
            "s10",
            "1 s",
            "99999999999999999999h",
        ] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn own_limit_holds_without_a_usable_timeout() {
        for query in [
            None,
            Some(""),
            Some("timeout="),
            Some("timeout=0s"),
            Some("timeout=soon"),
            Some("t=2s"),
        ] {
            assert_eq!(
                time_for(query, &limits()),
                Duration::from_secs(1),
                "{query:?}"
            );
        }
    }

    #[test]
    fn own_limit_holds_below_a_long_timeout() {
        assert_eq!(
            time_for(Some("timeout=10s"), &limits()),
            Duration::from_secs(1)
        );
    }

    #[test]
    fn answers_before_a_short_timeout_passes() {
        assert_eq!(
            time_for(Some("a=b&timeout=500ms"), &limits()),
            Duration::from_millis(450)
        );
        assert_eq!(
            time_for(Some("timeout=20ms"), &limits()),
            Duration::from_millis(10)
        );
    }
}
