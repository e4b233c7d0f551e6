//! Decimal numbers, as documents write amounts and prices.

use std::fmt;

use tollgate_gpu::{Amount, AmountError, Unit};

use super::written::{Misread, Written, as_text};

/// A decimal number that is not negative, with at most six decimals, such as `4` or `0.142858`: text, since a reader of
/// YAML may round a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decimal {
    millionths: Amount,
}

as_text!(Decimal);

impl Decimal {
    /// How many millionths it is.
    pub fn millionths(self) -> Amount {
        self.millionths
    }

    /// The amount of a unit.
    ///
    /// # Errors
    ///
    /// When it is too large to be counted.
    pub fn of(self, unit: Unit) -> Result<Amount, AmountError> {
        self.millionths.of_millionths(unit)
    }
}

impl Written for Decimal {
    const FORMAT: &'static str = "tollgate-decimal";

    fn read(text: &str) -> Result<Self, Misread> {
        let millionths = Amount::decimal(text).map_err(|err| Misread::new(err.to_string()))?;
        Ok(Self { millionths })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.millionths.decimal_text())
    }
}
