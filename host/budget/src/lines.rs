//! Reservations as one text, a line for each pod, in which an API server finds one value and not five for each pod:
//!
//! ```text
//! UID NAMESPACE NAME AT ATTEMPT LIMIT=DRAW LIMIT=DRAW
//! ```
//!
//! A draw is `56000000` for as long as the pod runs, `56000000/s` each second, `56000000/s*3600` for so many of them. What
//! is no letter, digit or one of `-._~/:@+` is percent-encoded, so that the text weighs in JSON what it weighs here.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter, Write},
};

use tollgate_gpu::Amount;

use crate::{Charge, Draw, LimitKey, Reservation, Uid};

/// Reservations, as they are shown.
pub(crate) struct Lines<'a>(pub(crate) &'a BTreeMap<Uid, Reservation>);

/// The line of one pod.
struct Line<'a>(&'a str, &'a Reservation);

/// How a line ends: in JSON with two bytes.
const END: usize = 2;

/// A text that is no line of a reservation.
#[derive(Debug, thiserror::Error)]
#[error("`{line:.80}` is no line `UID NAMESPACE NAME AT ATTEMPT LIMIT=DRAW…`")]
pub(crate) struct NoLine {
    line: String,
}

/// How many bytes a reservation takes of a JSON text.
pub(crate) fn weight(uid: &str, reservation: &Reservation) -> usize {
    let mut counted = Counted(END);
    let _never_fails = write!(counted, "{}", Line(uid, reservation));
    counted.0
}

/// The reservations that a text tells.
pub(crate) fn read(text: &str) -> Result<BTreeMap<Uid, Reservation>, NoLine> {
    let read = |line: &str| {
        reservation(line).ok_or_else(|| NoLine {
            line: line.to_owned(),
        })
    };
    text.lines().map(read).collect()
}

fn reservation(line: &str) -> Option<(Uid, Reservation)> {
    let mut fields = line.split(' ');
    let mut field = || fields.next();
    let uid = decoded(field()?)?;
    let pod = (decoded(field()?)?.into(), decoded(field()?)?.into());
    let at = field()?.parse().ok()?;
    let attempt = decoded(field()?)?.into();
    let charge = fields.map(draw).collect::<Option<Charge>>()?;
    let reservation = Reservation {
        charge,
        at,
        pod,
        attempt,
    };
    Some((uid.into(), reservation))
}

fn draw(field: &str) -> Option<(LimitKey, Draw)> {
    let (key, draw) = field.split_once('=')?;
    let amount = |atoms: &str| atoms.parse().ok().map(Amount::from_atoms);
    let draw = match draw.split_once("/s") {
        None => Draw::Held(amount(draw)?),
        Some((rate, "")) => Draw::Accrued {
            per_second: amount(rate)?,
        },
        Some((rate, seconds)) => Draw::Ahead {
            per_second: amount(rate)?,
            seconds: seconds.strip_prefix('*')?.parse().ok()?,
        },
    };
    Some((LimitKey::from(&*decoded(key)?), draw))
}

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.iter();
        lines.try_for_each(|(uid, reservation)| writeln!(f, "{}", Line(uid, reservation)))
    }
}

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(uid, reservation) = self;
        let Reservation {
            charge,
            at,
            pod: (namespace, name),
            attempt,
        } = reservation;
        let [uid, namespace, name, attempt] = [uid, &**namespace, name, attempt].map(Encoded);
        write!(f, "{uid} {namespace} {name} {at} {attempt}")?;
        let mut draws = charge.iter();
        draws.try_for_each(|(key, draw)| {
            write!(f, " {}=", Encoded(key.as_str()))?;
            match draw {
                Draw::Held(amount) => write!(f, "{}", amount.atoms()),
                Draw::Accrued { per_second } => write!(f, "{}/s", per_second.atoms()),
                Draw::Ahead {
                    per_second,
                    seconds,
                } => write!(f, "{}/s*{seconds}", per_second.atoms()),
            }
        })
    }
}

/// A text, percent-encoded.
struct Encoded<'a>(&'a str);

impl Display for Encoded<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.bytes().all(is_plain) {
            return f.write_str(self.0);
        }
        self.0.bytes().try_for_each(|byte| match is_plain(byte) {
            true => f.write_char(byte.into()),
            false => write!(f, "%{byte:02X}"),
        })
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/:@+".contains(&byte)
}

/// The text that was percent-encoded.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Counts what is written.
struct Counted(usize);

impl Write for Counted {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tollgate_gpu::Amount;

    use super::{Lines, read, weight};
    use crate::{Draw, LimitKey, Reservation, Uid};

    fn reservations() -> impl Strategy<Value = BTreeMap<Uid, Reservation>> {
        let text = || prop_oneof![any::<String>(), "[a-z% =\n\"<]{0,9}"];
        let amount = any::<u128>().prop_map(Amount::from_atoms);
        let draw = prop_oneof![
            amount.clone().prop_map(Draw::Held),
            amount
                .clone()
                .prop_map(|per_second| Draw::Accrued { per_second }),
            (amount, any::<u64>()).prop_map(|(per_second, seconds)| Draw::Ahead {
                per_second,
                seconds,
            }),
        ];
        let key = text().prop_map(|key| LimitKey::from(&*key));
        let charge = prop::collection::btree_map(key, draw, 0..4);
        let reservation = (charge, any::<i64>(), text(), text(), text()).prop_map(
            |(charge, at, namespace, name, attempt)| Reservation {
                charge,
                at,
                pod: (namespace.into(), name.into()),
                attempt: attempt.into(),
            },
        );
        prop::collection::btree_map(text().prop_map(Uid::from), reservation, 0..4)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_weighs_what_was_said(reservations in reservations()) {
            let text = Lines(&reservations).to_string();
            prop_assert_eq!(read(&text).unwrap(), reservations.clone());
            let weights = reservations.iter().map(|(uid, one)| weight(uid, one));
            let quotes = 2;
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(json.len(), weights.sum::<usize>() + quotes);
        }
    }

    #[test]
    fn people_can_read_it() {
        let [held, ahead, accrued] = [1, 2, 3].map(Amount::from_atoms);
        let charge = [
            ("gpu".into(), Draw::Held(held)),
            (
                "gpu-hours@month in UTC".into(),
                Draw::Ahead {
                    per_second: ahead,
                    seconds: 3_600,
                },
            ),
            (
                "money@30d".into(),
                Draw::Accrued {
                    per_second: accrued,
                },
            ),
        ];
        let reservation = Reservation {
            charge: charge.into(),
            at: 5,
            pod: ("ml".into(), "train-0".into()),
            attempt: "replica/1".into(),
        };
        assert_eq!(
            Lines(&[("a1".into(), reservation)].into()).to_string(),
            "a1 ml train-0 5 replica/1 gpu=1 gpu-hours@month%20in%20UTC=2/s*3600 money@30d=3/s\n"
        );
    }

    #[test]
    fn what_is_no_line_is_told() {
        for line in [
            "a ml train-0",
            "a ml train-0 noon replica/1",
            "a ml train-0 5 replica/1 gpu",
            "a ml train-0 5 replica/1 gpu=1/m",
            "a ml train-0 5 replica/1 gpu=1/s*",
            "a%2 ml train-0 5 replica/1",
            "",
        ] {
            let told = read(&format!("{line}\n")).unwrap_err().to_string();
            assert!(told.starts_with(&format!("`{line}` is no line")), "{told}");
        }
    }
}
