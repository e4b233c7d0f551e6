//! Budgets as pods are charged to them.

use std::sync::Arc;

use tollgate_budget::{Account, Limit, Reading};
use tollgate_gpu::Price;

use crate::document::{Budget, OnExceed, PriceBook};

/// A budget, with all that its documents say worked out.
#[derive(Clone, Debug)]
pub struct Charged {
    /// The document.
    pub budget: Arc<Budget>,
    /// The limits as the ledger counts them.
    pub limits: Arc<[Limit]>,
    /// The prices of its book.
    pub prices: Vec<Price>,
    /// The currency of its book.
    pub currency: Option<String>,
}

impl Charged {
    pub(crate) fn of(budget: Arc<Budget>, books: &[Arc<PriceBook>]) -> Self {
        let named = budget.price_book();
        let book = named.and_then(|named| books.iter().find(|book| *book.name == *named));
        Self {
            limits: budget.limits().into(),
            prices: book.map(|book| book.prices()).unwrap_or_default(),
            currency: book.map(|book| book.spec.currency.clone()),
            budget,
        }
    }

    /// The budget as its account stands.
    pub fn reading(&self, account: Arc<Account>) -> Reading {
        Reading {
            name: self.budget.name.clone(),
            limits: self.limits.clone(),
            account,
            warns: self.budget.spec.on_exceed == Some(OnExceed::Warn),
            contact: self.budget.spec.contact.clone(),
            currency: self.currency.clone(),
            prices: self.prices.clone(),
        }
    }
}
