//! Accounts as JSON: in a file, and in the status of a budget's object.
//!
//! Amounts are texts, since JSON's numbers lose digits. Unknown keys are errors: whoever writes back what it read without
//! them would lose a newer version's charges.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use tollgate_gpu::Amount;

use crate::{Account, Charge, Draw, LimitKey, Reservation, Usage};

/// An account as JSON.
///
/// # Errors
///
/// Never for an account; the type is that of the writer.
pub fn write_account(account: &Account) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(AccountJson::from(account))
}

/// The text of an account's JSON.
pub(crate) fn account_text(account: &Account) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&AccountJson::from(account))
}

/// The account that JSON tells.
///
/// # Errors
///
/// When it is none, or has keys that this version does not know.
pub fn read_account(json: serde_json::Value) -> Result<Account, serde_json::Error> {
    serde_json::from_value::<AccountJson>(json).map(Account::from)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountJson {
    #[serde(default)]
    usage: BTreeMap<String, UsageJson>,
    #[serde(default)]
    reservations: BTreeMap<String, ReservationJson>,
    #[serde(default)]
    term: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UsageJson {
    #[serde(default)]
    held: BTreeMap<i64, Atoms>,
    #[serde(default)]
    spent: BTreeMap<i64, Atoms>,
    rate: Atoms,
    since: i64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReservationJson {
    namespace: String,
    name: String,
    at: i64,
    attempt: String,
    charge: BTreeMap<String, DrawJson>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum DrawJson {
    Held(Atoms),
    #[serde(rename_all = "camelCase")]
    Ahead {
        per_second: Atoms,
        seconds: u64,
    },
    #[serde(rename_all = "camelCase")]
    Accrued {
        per_second: Atoms,
    },
}

#[derive(Clone, Copy)]
struct Atoms(Amount);

impl Serialize for Atoms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.atoms())
    }
}

impl<'de> Deserialize<'de> for Atoms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let atoms = text.parse().map_err(D::Error::custom)?;
        Ok(Self(Amount::from_atoms(atoms)))
    }
}

impl From<&Account> for AccountJson {
    fn from(account: &Account) -> Self {
        let Account {
            usage,
            reservations,
            term,
        } = account;
        let usage = usage
            .iter()
            .map(|(key, usage)| (key.to_string(), usage.into()));
        let reservations = reservations.iter();
        Self {
            usage: usage.collect(),
            reservations: reservations
                .map(|(uid, reservation)| (uid.to_string(), reservation.into()))
                .collect(),
            term: *term,
        }
    }
}

impl From<AccountJson> for Account {
    fn from(
        AccountJson {
            usage,
            reservations,
            term,
        }: AccountJson,
    ) -> Self {
        let usage = usage.into_iter();
        let reservations = reservations.into_iter();
        Self {
            usage: usage
                .map(|(key, usage)| (LimitKey::from(&*key), usage.into()))
                .collect(),
            reservations: reservations
                .map(|(uid, reservation)| (uid.into(), reservation.into()))
                .collect(),
            term,
        }
    }
}

impl From<&Usage> for UsageJson {
    fn from(usage: &Usage) -> Self {
        let Usage {
            held,
            spent,
            rate,
            since,
        } = usage;
        let slots = |slots: &BTreeMap<i64, Amount>| {
            let slots = slots.iter();
            slots
                .map(|(slot, amount)| (*slot, Atoms(*amount)))
                .collect()
        };
        Self {
            held: slots(held),
            spent: slots(spent),
            rate: Atoms(*rate),
            since: *since,
        }
    }
}

impl From<UsageJson> for Usage {
    fn from(usage: UsageJson) -> Self {
        let UsageJson {
            held,
            spent,
            rate,
            since,
        } = usage;
        let slots = |slots: BTreeMap<i64, Atoms>| {
            let slots = slots.into_iter();
            slots.map(|(slot, Atoms(amount))| (slot, amount)).collect()
        };
        Self {
            held: slots(held),
            spent: slots(spent),
            rate: rate.0,
            since,
        }
    }
}

impl From<&Reservation> for ReservationJson {
    fn from(reservation: &Reservation) -> Self {
        let Reservation {
            charge,
            at,
            pod: (namespace, name),
            attempt,
        } = reservation;
        let draws = charge.iter();
        Self {
            namespace: namespace.to_string(),
            name: name.to_string(),
            at: *at,
            attempt: attempt.to_string(),
            charge: draws
                .map(|(key, draw)| (key.to_string(), (*draw).into()))
                .collect(),
        }
    }
}

impl From<ReservationJson> for Reservation {
    fn from(reservation: ReservationJson) -> Self {
        let ReservationJson {
            namespace,
            name,
            at,
            attempt,
            charge,
        } = reservation;
        let draws = charge.into_iter();
        let charge: Charge = draws
            .map(|(key, draw)| (LimitKey::from(&*key), draw.into()))
            .collect();
        Self {
            charge,
            at,
            pod: (namespace.into(), name.into()),
            attempt: attempt.into(),
        }
    }
}

impl From<Draw> for DrawJson {
    fn from(draw: Draw) -> Self {
        match draw {
            Draw::Held(amount) => Self::Held(Atoms(amount)),
            Draw::Ahead {
                per_second,
                seconds,
            } => Self::Ahead {
                per_second: Atoms(per_second),
                seconds,
            },
            Draw::Accrued { per_second } => Self::Accrued {
                per_second: Atoms(per_second),
            },
        }
    }
}

impl From<DrawJson> for Draw {
    fn from(draw: DrawJson) -> Self {
        match draw {
            DrawJson::Held(amount) => Self::Held(amount.0),
            DrawJson::Ahead {
                per_second,
                seconds,
            } => Self::Ahead {
                per_second: per_second.0,
                seconds,
            },
            DrawJson::Accrued { per_second } => Self::Accrued {
                per_second: per_second.0,
            },
        }
    }
}
