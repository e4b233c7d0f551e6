//! What an hour of a GPU costs, by a table that the site gives.

use crate::{amount::Amount, capacity::Capacity, model::Model};

/// A row of a price book: what an hour of a whole GPU costs where all that is given holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Price {
    /// The model; any unless given.
    pub model: Option<&'static Model>,
    /// A node label that the pod must select; none needed unless given.
    pub node_label: Option<(String, String)>,
    /// The capacity that the pod must ask for; any unless given.
    pub capacity: Option<Capacity>,
    /// The price of a GPU-hour, in millionths of the currency.
    pub per_hour: Amount,
}

/// What is known of where a pod runs, for its price.
#[derive(Clone, Copy, Debug, Default)]
pub struct PriceContext<'a> {
    /// The models that it may get; none where nothing tells.
    pub models: &'a [&'static Model],
    /// The node labels that it selects.
    pub node_labels: &'a [(String, String)],
    /// The capacity that it asks for.
    pub capacity: Option<Capacity>,
}

/// The price of a GPU-hour in millionths, and whether it is a guess: the dearest of the book, because no row is about
/// a model that the pod may get. Of several models the dearest counts; of several rows about one, the row that says
/// most, and of those the dearest. An empty book has no price.
#[must_use]
pub fn price(book: &[Price], context: PriceContext<'_>) -> Option<(Amount, bool)> {
    let of_models: Option<Vec<Amount>> = context
        .models
        .iter()
        .map(|model| best(book, model, context))
        .collect();
    let known = of_models.and_then(|prices| prices.into_iter().max());
    match known {
        Some(price) => Some((price, false)),
        None => book
            .iter()
            .map(|row| row.per_hour)
            .max()
            .map(|dearest| (dearest, true)),
    }
}

/// The row that says most about a model.
fn best(book: &[Price], model: &'static Model, context: PriceContext<'_>) -> Option<Amount> {
    let fitting = book.iter().filter(|row| row.fits(model, context));
    let best = fitting.max_by_key(|row| (row.says(), row.per_hour));
    best.map(|row| row.per_hour)
}

impl Price {
    fn fits(&self, model: &'static Model, context: PriceContext<'_>) -> bool {
        let Self {
            model: wanted,
            node_label,
            capacity,
            per_hour: _,
        } = self;
        wanted.is_none_or(|wanted| model == wanted)
            && node_label
                .as_ref()
                .is_none_or(|label| context.node_labels.contains(label))
            && capacity.is_none_or(|capacity| context.capacity == Some(capacity))
    }

    /// How much it asks for.
    fn says(&self) -> usize {
        usize::from(self.model.is_some())
            + usize::from(self.node_label.is_some())
            + usize::from(self.capacity.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{Price, PriceContext, price};
    use crate::{amount::Amount, capacity::Capacity, model::Model};

    fn row(model: &str, per_hour: &str) -> Price {
        Price {
            model: Model::parse(model).ok(),
            node_label: None,
            capacity: None,
            per_hour: Amount::decimal(per_hour).unwrap(),
        }
    }

    fn book() -> Vec<Price> {
        let spot = Price {
            capacity: Some(Capacity::Spot),
            ..row("H100-80GB", "3.5")
        };
        let zone = Price {
            node_label: Some(("zone".to_owned(), "b".to_owned())),
            ..row("H100-80GB", "7")
        };
        vec![
            row("L4", "0.8"),
            row("H100-80GB", "6.88"),
            spot,
            zone,
            row("B300", "17.8"),
        ]
    }

    fn of(models: &[&str], zone: &str, capacity: Option<Capacity>) -> (String, bool) {
        let models: Vec<_> = models.iter().map(|id| Model::parse(id).unwrap()).collect();
        let node_labels = [("zone".to_owned(), zone.to_owned())];
        let context = PriceContext {
            models: &models,
            node_labels: &node_labels,
            capacity,
        };
        let (price, guessed) = price(&book(), context).unwrap();
        (price.decimal_text(), guessed)
    }

    #[test]
    fn the_row_that_says_most_counts() {
        assert_eq!(of(&["H100-80GB"], "a", None), ("6.88".to_owned(), false));
        assert_eq!(of(&["H100-80GB"], "b", None), ("7".to_owned(), false));
        assert_eq!(
            of(&["H100-80GB"], "a", Some(Capacity::Spot)),
            ("3.5".to_owned(), false)
        );
        assert_eq!(
            of(&["H100-80GB"], "a", Some(Capacity::OnDemand)),
            ("6.88".to_owned(), false)
        );
    }

    #[test]
    fn of_several_models_the_dearest_counts() {
        assert_eq!(
            of(&["L4", "H100-80GB"], "a", None),
            ("6.88".to_owned(), false)
        );
    }

    #[test]
    fn what_the_book_does_not_know_costs_the_dearest_and_is_a_guess() {
        assert_eq!(of(&["T4"], "a", None), ("17.8".to_owned(), true));
        assert_eq!(of(&["T4", "L4"], "a", None), ("17.8".to_owned(), true));
        assert_eq!(of(&[], "a", None), ("17.8".to_owned(), true));
        assert_eq!(price(&[], PriceContext::default()), None);
    }
}
