//! The API server: whether it answers, its version, its clock.

use std::time::{Duration, SystemTime};

use k8s_openapi::jiff::{Timestamp, fmt::rfc2822};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use super::{Check, in_words};

/// The versions that Tollgate is made for: 1.30 has match conditions, the newest is what its client knows.
const MINORS: std::ops::RangeInclusive<u32> = 30..=37;

/// By how much clocks may differ before somebody should look, and before certificates and leases suffer.
const SKEW: Duration = Duration::from_secs(10);
const GREAT_SKEW: Duration = Duration::from_secs(300);

/// What the API server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its time, else ours.
    pub time: SystemTime,
}

/// Asks for the version; nothing where nobody answers.
pub(super) async fn check(client: &Client, now: SystemTime) -> (Vec<Check>, Option<Facts>) {
    match ask(client).await {
        Err(err) => {
            let check = Check::fail(
                "api server",
                format!("it cannot be asked: {}", in_words(&err)),
            );
            let fix = "see that `--kubeconfig`, KUBECONFIG or the service account leads to the cluster, and that `kubectl version` works with it";
            (vec![check.fix(fix)], None)
        }
        Ok(answer) => {
            let checks = vec![version(&answer.version), clock(answer.time, now)];
            let time = answer.time.unwrap_or(now);
            (checks, Some(Facts { time }))
        }
    }
}

struct Answer {
    version: Value,
    time: Option<SystemTime>,
}

async fn ask(client: &Client) -> kube::Result<Answer> {
    let request = http::Request::get("/version").body(Body::empty());
    let response = client
        .send(request.map_err(kube::Error::HttpError)?)
        .await?;
    let date = response.headers().get(http::header::DATE).cloned();
    let time = date.and_then(|date| parse(date.to_str().ok()?));
    let body = response.into_body().collect_bytes().await?;
    let version = serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?;
    Ok(Answer { version, time })
}

fn parse(date: &str) -> Option<SystemTime> {
    let zoned = rfc2822::parse(date).ok()?;
    Some(SystemTime::from(zoned.timestamp()))
}

fn version(told: &Value) -> Check {
    let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default();
    // Clouds write a plus sign behind the minor version.
    let minor = text("minor").trim_end_matches('+').parse::<u32>();
    let full = text("gitVersion");
    match minor {
        Ok(minor) if text("major") == "1" && MINORS.contains(&minor) => {
            Check::ok("api server", format!("it answers, and is {full}"))
        }
        Ok(minor) if text("major") == "1" && minor < *MINORS.start() => Check::fail(
            "api server",
            format!("it is {full}, older than 1.{}", MINORS.start()),
        )
        .fix("upgrade the cluster: older versions have no match conditions"),
        _ => Check::warn(
            "api server",
            format!("it is {full}, which this version of Tollgate was not made for"),
        )
        .fix(format!(
            "upgrade Tollgate; this one is made for 1.{} to 1.{}",
            MINORS.start(),
            MINORS.end()
        )),
    }
}

fn clock(theirs: Option<SystemTime>, ours: SystemTime) -> Check {
    let Some(theirs) = theirs else {
        return Check::warn(
            "clock",
            "nobody can tell: the API server's answer has no date",
        );
    };
    let ahead = ours.duration_since(theirs);
    // The date has whole seconds, and the answer took its time.
    let (difference, word) = match ahead {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = difference.as_secs();
    let message = format!("this machine is {seconds} s {word} the API server");
    let fix = "see to time synchronisation (chrony, systemd-timesyncd) here and on the control plane: exemptions, certificates and budgets go by the clock";
    match difference {
        _ if difference > GREAT_SKEW => Check::fail("clock", message).fix(fix),
        _ if difference > SKEW => Check::warn("clock", message).fix(fix),
        _ => Check::ok("clock", "it agrees with the API server's"),
    }
}

/// A time for people.
pub(super) fn told(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| "an unknown time".to_owned(), |it| it.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::Level;

    #[test]
    fn versions_are_taken_from_the_first_to_the_newest_that_is_known() {
        let level = |major: &str, minor: &str| {
            let told = json!({"major": major, "minor": minor, "gitVersion": "v"});
            version(&told).level
        };
        assert_eq!(level("1", "29"), Level::Fail);
        assert_eq!(level("1", "30"), Level::Ok);
        assert_eq!(level("1", "36+"), Level::Ok);
        assert_eq!(level("1", "40"), Level::Warn);
        assert_eq!(level("2", "1"), Level::Warn);
        assert_eq!(level("1", ""), Level::Warn);
    }

    #[test]
    fn clocks_may_differ_by_seconds_either_way() {
        let now = parse("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let level = |theirs: SystemTime| clock(Some(theirs), now).level;
        let seconds = Duration::from_secs;
        assert_eq!(level(now - seconds(9)), Level::Ok);
        assert_eq!(level(now - seconds(20)), Level::Warn);
        assert_eq!(level(now + seconds(20)), Level::Warn);
        assert_eq!(level(now + seconds(400)), Level::Fail);
        assert_eq!(clock(None, now).level, Level::Warn);
    }
}
