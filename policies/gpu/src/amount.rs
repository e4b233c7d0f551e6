//! Amounts of a budget as exact integers, and their decimal text.
//!
//! An amount counts *atoms* of its unit. Atoms are chosen so that everything that is ever charged is a whole number of
//! them: a 56th of a GPU (sevenths, eighths, quarters), a second of it, a second of it at a price of millionths. So sums
//! have no error, and rounding happens in two places only: up, where a share is no whole number of atoms, and up, where
//! an amount is written.

use std::{error::Error, fmt};

use crate::weight::WHOLE;

const MILLION: u128 = 1_000_000;
const SECONDS_OF_HOUR: u128 = 3_600;
const DECIMALS: usize = 6;

/// What a budget counts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Unit {
    /// GPUs at one time; a slice or a share is its part of one. An atom is a millionth of a 56th.
    Gpu,
    /// Gibibytes of device memory at one time. An atom is a millionth.
    GpuMemory,
    /// GPUs times hours within a window. An atom is a millionth of a 56th for a second.
    GpuHours,
    /// Units of currency within a window. An atom is a millionth of a 56th for a second at a millionth an hour.
    Money,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 4] = [Self::Gpu, Self::GpuMemory, Self::GpuHours, Self::Money];

    /// Its word in documents: `gpu`, `gpu-memory`, `gpu-hours` or `money`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::GpuMemory => "gpu-memory",
            Self::GpuHours => "gpu-hours",
            Self::Money => "money",
        }
    }

    /// The unit of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == word)
    }

    /// Whether it adds up over time, so that a limit needs a window.
    #[must_use]
    pub const fn adds_up(self) -> bool {
        matches!(self, Self::GpuHours | Self::Money)
    }

    /// How many atoms are one: always a multiple of a million, so that six decimals are exact.
    const fn atoms(self) -> u128 {
        let gpu = WHOLE as u128 * MILLION;
        match self {
            Self::Gpu => gpu,
            Self::GpuMemory => MILLION,
            Self::GpuHours => gpu * SECONDS_OF_HOUR,
            Self::Money => gpu * SECONDS_OF_HOUR * MILLION,
        }
    }
}

/// So many atoms of a unit that the context tells; never negative.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Amount(u128);

/// Why a text is no amount, or a sum none.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AmountError {
    /// It is not a decimal number with at most six decimals.
    Text {
        /// The text as given.
        text: String,
    },
    /// It does not fit into 128 bits of atoms.
    Overflow,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many atoms.
    #[must_use]
    pub const fn from_atoms(atoms: u128) -> Self {
        Self(atoms)
    }

    /// How many atoms it is.
    #[must_use]
    pub const fn atoms(self) -> u128 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Reads a decimal number of a unit, such as `4` or `0.142858`.
    ///
    /// ```
    /// use tollgate_gpu::{Amount, Unit};
    ///
    /// let seventh = Amount::from_atoms(8_000_000);
    /// assert_eq!(seventh.text(Unit::Gpu), "0.142858");
    /// assert_eq!(Amount::parse("0.5", Unit::Gpu)?.atoms(), 28_000_000);
    /// # Ok::<(), tollgate_gpu::AmountError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no decimal number, has a sign, an exponent or more than six decimals, or is too large.
    pub fn parse(text: &str, unit: Unit) -> Result<Self, AmountError> {
        Self::decimal(text)?.of_millionths(unit)
    }

    /// The amount of a unit, of which this is a number of millionths.
    ///
    /// # Errors
    ///
    /// When it is too large.
    pub fn of_millionths(self, unit: Unit) -> Result<Self, AmountError> {
        self.times(unit.atoms() / MILLION)
    }

    /// Reads a decimal number as millionths: a price, or a part of a GPU.
    ///
    /// # Errors
    ///
    /// As of [`Amount::parse`].
    pub fn decimal(text: &str) -> Result<Self, AmountError> {
        let no_number = || AmountError::Text {
            text: text.to_owned(),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || fraction.len() > DECIMALS {
            return Err(no_number());
        }
        let whole: u128 = whole.parse().map_err(|_| AmountError::Overflow)?;
        let millionths = format!("{fraction:0<DECIMALS$}").parse();
        let millionths: u128 = millionths.map_err(|_| no_number())?;
        Self(whole).times(MILLION)?.plus(Self(millionths))
    }

    /// Its decimal text in a unit, rounded up to a millionth.
    #[must_use]
    pub fn text(self, unit: Unit) -> String {
        Self(self.0.div_ceil(unit.atoms() / MILLION)).decimal_text()
    }

    /// The decimal text of so many millionths, as [`Amount::decimal`] reads it.
    #[must_use]
    pub fn decimal_text(self) -> String {
        let (whole, rest) = (self.0 / MILLION, self.0 % MILLION);
        let text = format!("{whole}.{rest:0DECIMALS$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// When it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        let sum = self.0.checked_add(other.0);
        sum.map(Self).ok_or(AmountError::Overflow)
    }

    /// The product.
    ///
    /// # Errors
    ///
    /// When it does not fit.
    pub fn times(self, factor: u128) -> Result<Self, AmountError> {
        let product = self.0.checked_mul(factor);
        product.map(Self).ok_or(AmountError::Overflow)
    }

    /// The difference, or nothing where the other is larger.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum of all.
    ///
    /// # Errors
    ///
    /// When it does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, AmountError> {
        let mut all = amounts.into_iter();
        all.try_fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { text } => write!(
                f,
                "`{text}` is no amount: write a decimal number with at most six decimals, such as `2.5`"
            ),
            Self::Overflow => f.write_str("the amount is too large to be counted"),
        }
    }
}

impl Error for AmountError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Amount, AmountError, Unit};

    #[test]
    fn reads_and_writes_decimals() {
        for text in ["0", "4", "0.142858", "2000", "0.000001", "12.5"] {
            for unit in Unit::ALL {
                assert_eq!(Amount::parse(text, unit).unwrap().text(unit), text);
            }
        }
        assert_eq!(
            Amount::parse("007.50", Unit::Gpu).unwrap().text(Unit::Gpu),
            "7.5"
        );
    }

    #[test]
    fn refuses_what_is_no_plain_decimal() {
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1e3",
            "1.",
            ".5",
            "1.2.3",
            "1,5",
            " 1",
            "1.0000001",
            "½",
        ] {
            let expected = AmountError::Text {
                text: text.to_owned(),
            };
            assert_eq!(Amount::parse(text, Unit::Gpu), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let nines = "9".repeat(30);
        assert_eq!(
            Amount::parse(&nines, Unit::Money),
            Err(AmountError::Overflow)
        );
        assert_eq!(
            Amount::parse(&"9".repeat(60), Unit::Gpu),
            Err(AmountError::Overflow)
        );
        let all = Amount::from_atoms(u128::MAX);
        assert_eq!(all.plus(Amount::from_atoms(1)), Err(AmountError::Overflow));
        assert_eq!(all.times(2), Err(AmountError::Overflow));
    }

    #[test]
    fn seven_sevenths_are_one_though_each_is_written_rounded_up() {
        let seventh = Amount::from_atoms(8_000_000);
        assert_eq!(seventh.text(Unit::Gpu), "0.142858");
        assert_eq!(seventh.times(7).unwrap().text(Unit::Gpu), "1");
        assert_eq!(Amount::from_atoms(1).text(Unit::Money), "0.000001");
    }

    proptest! {
        #[test]
        fn what_is_written_is_never_less_and_less_than_a_millionth_more(atoms in 0..u128::MAX >> 30) {
            for unit in Unit::ALL {
                let read = Amount::parse(&Amount(atoms).text(unit), unit).unwrap();
                prop_assert!(read.0 >= atoms);
                prop_assert!(read.0 - atoms < unit.atoms() / 1_000_000);
            }
        }
    }
}
