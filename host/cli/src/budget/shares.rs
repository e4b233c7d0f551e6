//! Who takes what of a limit.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;

use tollgate_gpu::{Amount, AmountError};

/// What live pods take of a limit, by something that each has.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares(BTreeMap<String, Amount>);

/// The largest shares, and the others as one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Largest<'s> {
    /// The largest first; of equals, by name.
    pub(super) shares: Vec<(&'s str, Amount)>,
    /// How many others there are.
    pub(super) others: usize,
    /// What those take together.
    pub(super) rest: Amount,
}

impl Shares {
    /// Adds what a pod takes.
    pub(super) fn add(&mut self, name: String, amount: Amount) -> Result<(), AmountError> {
        let sum = self.0.entry(name).or_default();
        *sum = sum.plus(amount)?;
        Ok(())
    }

    /// All of them, by name.
    pub(super) fn iter(&self) -> Iter<'_, String, Amount> {
        self.0.iter()
    }

    /// The `most` largest ones; nothing where there are none at all.
    pub(super) fn largest(&self, most: usize) -> Option<Largest<'_>> {
        let all = self.iter();
        let mut shares: Vec<_> = all.map(|(name, amount)| (name.as_str(), *amount)).collect();
        shares.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
        let others = shares.split_off(shares.len().min(most));
        let rest = others.iter().fold(0_u128, |sum, (_, amount)| {
            sum.saturating_add(amount.atoms())
        });
        (!shares.is_empty()).then_some(Largest {
            shares,
            others: others.len(),
            rest: Amount::from_atoms(rest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_others_as_one() {
        let mut shares = Shares::default();
        for (name, atoms) in [("a", 1), ("b", 5), ("c", 2), ("d", 5), ("c", 1)] {
            shares
                .add(name.to_owned(), Amount::from_atoms(atoms))
                .unwrap();
        }
        let atoms = Amount::from_atoms;
        let largest = shares.largest(2).unwrap();
        assert_eq!(largest.shares, [("b", atoms(5)), ("d", atoms(5))]);
        assert_eq!((largest.others, largest.rest), (2, atoms(4)));
        assert_eq!(shares.largest(4).unwrap().others, 0);
        assert_eq!(Shares::default().largest(4), None);
    }
}
