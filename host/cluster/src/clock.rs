//! What time it is for the API server.
//!
//! A certificate counts by the clock of whoever verifies it, which is the API server. Ours may be wrong, and may jump;
//! keys that were made by it could be refused for as long as it was ahead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The API server's clock, as far as it has told. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Option<Told>>>);

/// A time, and when we heard of it on a clock that does not jump.
#[derive(Clone, Copy, Debug)]
struct Told {
    time: SystemTime,
    heard: Instant,
}

impl Clock {
    /// Takes note of a time that the API server wrote a moment ago.
    pub fn tell(&self, time: SystemTime, heard: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Told { time, heard });
    }

    /// The time now: what was told last, and what has passed since. Until something was told, it is what our own clock
    /// says.
    pub fn read(&self, ours: SystemTime, now: Instant) -> SystemTime {
        let told = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.map_or(ours, |Told { time, heard }| {
            time + now.saturating_duration_since(heard)
        })
    }
}

/// When an object was last written, by the clock of the API server, which notes it beside who wrote.
pub(crate) fn written(metadata: &ObjectMeta) -> Option<SystemTime> {
    let entries = metadata.managed_fields.iter().flatten();
    let times = entries.filter_map(|entry| entry.time.as_ref());
    times.map(|time| SystemTime::from(time.0)).max()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn is_ours_until_the_api_server_has_told() {
        let ours = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        assert_eq!(Clock::default().read(ours, Instant::now()), ours);
    }

    #[test]
    fn goes_on_from_what_was_told_however_ours_jumps() {
        let (clock, heard) = (Clock::default(), Instant::now());
        let told = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        clock.tell(told, heard);
        for ours in [0, 19_999, 20_400, 40_000] {
            let ours = SystemTime::UNIX_EPOCH + ours * DAY;
            assert_eq!(clock.read(ours, heard + 3 * DAY), told + 3 * DAY);
        }
    }

    #[test]
    fn an_object_tells_when_it_was_last_written() {
        let metadata = |times: &[&str]| -> ObjectMeta {
            let entry = |time: &&str| json!({"manager": "m", "operation": "Update", "time": time});
            let entries: Vec<_> = times.iter().map(entry).collect();
            serde_json::from_value(json!({"name": "tollgate", "managedFields": entries})).unwrap()
        };
        let written = |times: &[&str]| {
            let written = written(&metadata(times))?;
            written.duration_since(SystemTime::UNIX_EPOCH).ok()
        };
        assert_eq!(written(&[]), None);
        let times = ["1970-01-03T00:00:00Z", "1970-01-02T00:00:00Z"];
        assert_eq!(written(&times), Some(2 * DAY));
    }
}
