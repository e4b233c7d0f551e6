//! Accounts as JSON: in a file, and in the status of a budget's object.
//!
//! Amounts are texts, since JSON's numbers lose digits, and all reservations together are one. Unknown keys are errors:
//! whoever writes back what it read without them would lose a newer version's charges.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use tollgate_gpu::Amount;

use crate::{
    Account, LimitKey, Usage,
    lines::{self, Lines, NoLine},
};

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
    let json: AccountJson = serde_json::from_value(json)?;
    json.try_into().map_err(serde_json::Error::custom)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountJson {
    #[serde(default)]
    usage: BTreeMap<String, UsageJson>,
    #[serde(default)]
    reservations: String,
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
        Self {
            usage: usage.collect(),
            reservations: Lines(reservations).to_string(),
            term: *term,
        }
    }
}

impl TryFrom<AccountJson> for Account {
    type Error = NoLine;

    fn try_from(
        AccountJson {
            usage,
            reservations,
            term,
        }: AccountJson,
    ) -> Result<Self, NoLine> {
        let usage = usage.into_iter();
        Ok(Self {
            usage: usage
                .map(|(key, usage)| (LimitKey::from(&*key), usage.into()))
                .collect(),
            reservations: lines::read(&reservations)?,
            term,
        })
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
