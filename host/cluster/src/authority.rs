//! The keys that the API server is told to trust, and how one authority follows another without a call that fails.
//!
//! A new authority is published beside the old one before it issues anything; it issues when every API server has
//! had time to read it; the old one is published until it has expired. So at any moment, whatever leaf a replica
//! serves and whatever bundle an API server has read, the bundle vouches for the leaf.
//!
//! All of it is one Secret, which only the leader writes. Nothing here reads a clock.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tollgate_webhook::{Authority, AuthorityError, Pair, Validity, expires, valid_in, vouches};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long keys are valid, and when they are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long an authority is valid.
    pub authority: Duration,
    /// What is left of an authority when its successor is made.
    pub authority_left: Duration,
    /// How long a leaf is valid.
    pub leaf: Duration,
    /// What is left of a leaf when it is issued anew.
    pub leaf_left: Duration,
    /// How long a successor is published before it issues.
    pub settle: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            authority: 365 * DAY,
            authority_left: 120 * DAY,
            leaf: 90 * DAY,
            leaf_left: 30 * DAY,
            settle: Duration::from_secs(5 * 60),
        }
    }
}

/// The keys of an installation. They are secret, so they have no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Who issues.
    pub current: Authority,
    /// Who will issue next, with the seconds since 1970 when it was first seen published everywhere.
    pub next: Option<Successor>,
    /// The certificate of who issued before.
    pub previous: Option<String>,
    /// What is served.
    pub leaf: Pair,
}

/// An authority that is published and issues nothing yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Successor {
    /// The authority.
    pub authority: Authority,
    /// When it was first seen published everywhere, in seconds since 1970.
    pub published: Option<u64>,
}

/// What was done to the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There were none, or none that could be used.
    Made,
    /// A successor of the authority was made.
    SuccessorMade,
    /// The successor was seen published.
    SuccessorPublished,
    /// The successor issues from now on.
    Succeeded,
    /// The leaf was issued anew.
    LeafIssued,
    /// The authority before was dropped, as it has expired.
    PreviousDropped,
}

impl Keys {
    /// Makes an authority and a leaf for the names.
    ///
    /// # Errors
    ///
    /// When a name is none.
    pub fn make(names: &[String], terms: Terms, now: SystemTime) -> Result<Self, AuthorityError> {
        let current = Authority::make(validity(now, terms.authority))?;
        Ok(Self {
            leaf: current.issue(names, validity(now, terms.leaf))?,
            current,
            next: None,
            previous: None,
        })
    }

    /// What the API server is to trust.
    pub fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| &next.authority.certificate);
        let all = [
            Some(&self.current.certificate),
            next,
            self.previous.as_ref(),
        ];
        all.into_iter().flatten().map(String::as_str).collect()
    }

    /// Does the next thing that is due, if any. `published` is the bundle that every configuration has.
    ///
    /// # Errors
    ///
    /// When a name is none.
    pub fn step(
        &mut self,
        names: &[String],
        terms: Terms,
        published: &str,
        now: SystemTime,
    ) -> Result<Option<Change>, AuthorityError> {
        let Terms {
            authority,
            authority_left,
            leaf,
            leaf_left,
            settle,
        } = terms;
        if !is_valid(&self.current.certificate, now) {
            *self = Self::make(names, terms, now)?;
            return Ok(Some(Change::Made));
        }
        if let Some(change) = self.follow_successor(names, leaf, settle, published, now)? {
            return Ok(Some(change));
        }
        if self.next.is_none() && ends_within(&self.current.certificate, authority_left, now) {
            self.next = Some(Successor {
                authority: Authority::make(validity(now, authority))?,
                published: None,
            });
            return Ok(Some(Change::SuccessorMade));
        }
        if !vouches(
            &self.current.certificate,
            &self.leaf,
            names,
            now + leaf_left,
        ) && self.may_issue(names, leaf_left, now)
        {
            self.leaf = self.current.issue(names, validity(now, leaf))?;
            return Ok(Some(Change::LeafIssued));
        }
        let expired = |previous: &String| ends_within(previous, Duration::ZERO, now);
        if self.previous.as_ref().is_some_and(expired) {
            self.previous = None;
            return Ok(Some(Change::PreviousDropped));
        }
        Ok(None)
    }

    /// Whether a new leaf would be better than the one that is there. In the last days of an authority none is,
    /// since no leaf outlives its issuer.
    fn may_issue(&self, names: &[String], leaf_left: Duration, now: SystemTime) -> bool {
        !vouches(&self.current.certificate, &self.leaf, names, now)
            || !ends_within(&self.current.certificate, leaf_left, now)
    }

    fn follow_successor(
        &mut self,
        names: &[String],
        leaf: Duration,
        settle: Duration,
        published: &str,
        now: SystemTime,
    ) -> Result<Option<Change>, AuthorityError> {
        let Some(next) = &mut self.next else {
            return Ok(None);
        };
        match next.published {
            None if published.contains(next.authority.certificate.trim()) => {
                next.published = Some(seconds(now));
                Ok(Some(Change::SuccessorPublished))
            }
            Some(since) if seconds(now) >= since.saturating_add(settle.as_secs()) => {
                let successor = next.authority.clone();
                self.leaf = successor.issue(names, validity(now, leaf))?;
                let before = std::mem::replace(&mut self.current, successor);
                self.previous = Some(before.certificate);
                self.next = None;
                Ok(Some(Change::Succeeded))
            }
            _ => Ok(None),
        }
    }

    /// The keys as the data of a Secret.
    pub fn to_data(&self) -> BTreeMap<String, Vec<u8>> {
        let mut data = BTreeMap::new();
        let mut put = |key: &str, value: &[u8]| data.insert(key.to_owned(), value.to_vec());
        put("tls.crt", self.leaf.certificate());
        put("tls.key", self.leaf.key());
        put("ca.crt", self.current.certificate.as_bytes());
        put("ca.key", self.current.key.as_bytes());
        if let Some(previous) = &self.previous {
            put("previous-ca.crt", previous.as_bytes());
        }
        if let Some(Successor {
            authority,
            published,
        }) = &self.next
        {
            put("next-ca.crt", authority.certificate.as_bytes());
            put("next-ca.key", authority.key.as_bytes());
            if let Some(published) = published {
                put("next-ca.published", published.to_string().as_bytes());
            }
        }
        data
    }

    /// The keys in the data of a Secret; nothing where it has none.
    pub fn from_data(data: &BTreeMap<String, Vec<u8>>) -> Option<Self> {
        let text = |key: &str| String::from_utf8(data.get(key)?.clone()).ok();
        let authority = |certificate: &str, key: &str| {
            Some(Authority {
                certificate: text(certificate)?,
                key: text(key)?,
            })
        };
        let next = authority("next-ca.crt", "next-ca.key").map(|authority| Successor {
            authority,
            published: text("next-ca.published").and_then(|text| text.parse().ok()),
        });
        Some(Self {
            current: authority("ca.crt", "ca.key")?,
            next,
            previous: text("previous-ca.crt"),
            leaf: Pair::new(data.get("tls.crt")?.clone(), data.get("tls.key")?.clone()),
        })
    }
}

const fn validity(now: SystemTime, time: Duration) -> Validity {
    Validity { now, time }
}

/// Whether it is a certificate's time. It is not yet where whoever made it had a clock that was ahead.
fn is_valid(certificate: &str, now: SystemTime) -> bool {
    valid_in(certificate).is_some_and(|time| time.contains(&now))
}

/// Whether a certificate has expired by then. One that cannot be read has.
fn ends_within(certificate: &str, time: Duration, now: SystemTime) -> bool {
    expires(certificate).is_none_or(|end| end <= now + time)
}

fn seconds(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH);
    since_1970.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
