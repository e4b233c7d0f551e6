//! Kubernetes quantities as exact integers.
//!
//! Grammar and rounding follow `resource.Quantity` of k8s.io/apimachinery
//! (`pkg/api/resource/quantity.go`): a signed decimal number, then one of the suffixes
//! `n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei`, or an exponent such as `e3`. What lies below a
//! billionth is rounded away from zero. Two things differ on purpose: a number needs a digit
//! (the API server reads `+` and `.` as zero), and what exceeds 128 bits of billionths is an error
//! (the API server caps binary amounts beyond 64 bits and keeps decimal ones of any size).

use std::{error::Error, fmt, str::FromStr};

/// An amount of a resource, exact to a billionth of its unit.
///
/// ```
/// use tollgate_gpu::Quantity;
///
/// let memory = Quantity::parse("1.5Gi")?;
/// assert_eq!(memory.as_integer(), Some(1_610_612_736));
/// assert_eq!(memory.half().to_binary_string(), "768Mi");
/// assert_eq!(Quantity::parse("0.5")?.to_string(), "500m");
/// # Ok::<(), tollgate_gpu::QuantityError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Quantity {
    nanos: i128,
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text has no digit where the number should be.
    Number {
        /// The whole text.
        text: String,
    },
    /// The number is followed by something that is neither a suffix nor an exponent.
    Suffix {
        /// The whole text.
        text: String,
        /// What follows the number.
        suffix: String,
    },
    /// The amount is larger than can be held.
    Overflow {
        /// The whole text.
        text: String,
    },
}

const NANOS_64: u64 = 1_000_000_000;
const NANOS: i128 = NANOS_64 as i128;

/// Suffix and power of ten, largest first.
const DECIMAL: [(&str, i32); 10] = [
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("", 0),
    ("m", -3),
    ("u", -6),
    ("n", -9),
];

/// Suffix and power of two, largest first.
const BINARY: [(&str, u32); 6] = [
    ("Ei", 60),
    ("Pi", 50),
    ("Ti", 40),
    ("Gi", 30),
    ("Mi", 20),
    ("Ki", 10),
];

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0 };
    /// One kibibyte, in bytes.
    pub const KIB: Self = Self { nanos: NANOS << 10 };
    /// One mebibyte, in bytes.
    pub const MIB: Self = Self { nanos: NANOS << 20 };
    /// One gibibyte, in bytes.
    pub const GIB: Self = Self { nanos: NANOS << 30 };

    /// Reads a quantity as Kubernetes writes it, such as `2`, `500m`, `1.5Gi` or `1e3`.
    ///
    /// # Errors
    ///
    /// When the text does not follow the grammar, or the amount does not fit.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (number, suffix) = unsigned.split_at(number_length(unsigned));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::Number {
                text: text.to_owned(),
            });
        }
        let scale = Scale::parse(suffix).ok_or_else(|| QuantityError::Suffix {
            text: text.to_owned(),
            suffix: suffix.to_owned(),
        })?;
        let nanos = magnitude(whole, fraction, scale).ok_or_else(|| QuantityError::Overflow {
            text: text.to_owned(),
        })?;
        Ok(Self {
            nanos: if negative { -nanos } else { nanos },
        })
    }

    /// An amount in billionths of its unit.
    #[must_use]
    pub const fn from_nanos(nanos: i128) -> Self {
        Self { nanos }
    }

    /// The amount in billionths of its unit.
    #[must_use]
    pub const fn nanos(self) -> i128 {
        self.nanos
    }

    /// Whether this is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether this is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether this is a whole number of units, which extended resources must be.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.nanos % NANOS == 0
    }

    /// The whole number of units, unless this is a fraction or exceeds 64 bits.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        self.is_integer().then(|| self.ceil_integer()).flatten()
    }

    /// The units rounded up, as the API server's `Value()`; nothing where 64 bits are exceeded.
    #[must_use]
    pub fn ceil_integer(self) -> Option<i64> {
        i64::try_from(divide_up(self.nanos, NANOS)).ok()
    }

    /// A quantity of bytes in gibibytes, rounded up.
    #[must_use]
    pub fn ceil_gib(self) -> Option<i64> {
        i64::try_from(divide_up(self.nanos, Self::GIB.nanos)).ok()
    }

    /// The sum, unless it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.nanos.checked_add(other.nanos).map(Self::from_nanos)
    }

    /// The difference, unless it does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.nanos.checked_sub(other.nanos).map(Self::from_nanos)
    }

    /// This many times the amount, unless it does not fit.
    #[must_use]
    pub fn checked_mul(self, times: u32) -> Option<Self> {
        self.nanos
            .checked_mul(i128::from(times))
            .map(Self::from_nanos)
    }

    /// The sum, or the largest amount that can be held.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self::from_nanos(self.nanos.saturating_add(other.nanos))
    }

    /// Half the amount, rounded down to whole units: half of a byte is no size.
    #[must_use]
    pub fn half(self) -> Self {
        Self::from_nanos(self.nanos.div_euclid(2)).floor_to(Self::from(1))
    }

    /// The amount rounded down to a multiple of `unit`; unchanged where `unit` is zero.
    #[must_use]
    pub fn floor_to(self, unit: Self) -> Self {
        let rest = self.nanos.checked_rem_euclid(unit.nanos).unwrap_or(0);
        Self::from_nanos(self.nanos.saturating_sub(rest))
    }

    /// The canonical text of a quantity of bytes, such as `2Gi` or `512Mi`.
    ///
    /// As in Kubernetes, fractions and amounts below 1024 are written as [`Display`] writes them.
    ///
    /// [`Display`]: fmt::Display
    #[must_use]
    pub fn to_binary_string(self) -> String {
        if !self.is_integer() || self.nanos.unsigned_abs() < Self::KIB.nanos.unsigned_abs() {
            return self.to_string();
        }
        let units = self.nanos / NANOS;
        BINARY
            .iter()
            .find(|(_, bits)| units.trailing_zeros() >= *bits)
            .map_or_else(
                || units.to_string(),
                |(suffix, bits)| format!("{}{suffix}", units >> bits),
            )
    }
}

impl From<i64> for Quantity {
    fn from(units: i64) -> Self {
        Self {
            nanos: i128::from(units) * NANOS,
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Quantity {
    /// Writes the canonical decimal form: no point, and the largest suffix that is exact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        for (suffix, exponent) in DECIMAL {
            if let Some(unit) = nanos_of(exponent)
                && self.nanos % unit == 0
            {
                return write!(f, "{}{suffix}", self.nanos / unit);
            }
        }
        Ok(())
    }
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { text } => {
                write!(
                    f,
                    "`{text}` is not a quantity: it does not begin with a number"
                )
            }
            Self::Suffix { text, suffix } => write!(
                f,
                "`{text}` is not a quantity: `{suffix}` is none of n, u, m, k, M, G, T, P, E, \
                 Ki, Mi, Gi, Ti, Pi, Ei or an exponent such as e3"
            ),
            Self::Overflow { text } => write!(f, "`{text}` is too large a quantity"),
        }
    }
}

impl Error for QuantityError {}

/// What the number before a suffix counts.
#[derive(Clone, Copy)]
enum Scale {
    Ten(i64),
    Two(u32),
}

impl Scale {
    /// `E` alone is a suffix; with a number behind it, an exponent.
    fn parse(suffix: &str) -> Option<Self> {
        if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
            return Some(Self::Ten(i64::from(*exponent)));
        }
        if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
            return Some(Self::Two(*bits));
        }
        suffix.strip_prefix(['e', 'E'])?.parse().ok().map(Self::Ten)
    }
}

/// How many leading bytes are digits and at most one point.
fn number_length(text: &str) -> usize {
    let mut points = 0;
    text.bytes()
        .take_while(|byte| {
            points += usize::from(*byte == b'.');
            byte.is_ascii_digit() || (*byte == b'.' && points == 1)
        })
        .count()
}

/// The number in nanos, rounded up; nothing where it does not fit.
fn magnitude(whole: &str, fraction: &str, scale: Scale) -> Option<i128> {
    if whole
        .bytes()
        .chain(fraction.bytes())
        .all(|digit| digit == b'0')
    {
        return Some(0);
    }
    if let Some(nanos) = short(whole, fraction, scale) {
        return Some(nanos);
    }
    match scale {
        Scale::Two(bits) => times(whole, fraction, NANOS << bits),
        Scale::Ten(exponent) if exponent >= -9 => {
            times(whole, fraction, nanos_of(i32::try_from(exponent).ok()?)?)
        }
        Scale::Ten(exponent) => Some(shrink(
            times(whole, fraction, 1)?,
            (-9_i64).saturating_sub(exponent),
        )),
    }
}

/// What almost every quantity is: a whole number of few digits, with a suffix. In WebAssembly, 128 bits are slow.
fn short(whole: &str, fraction: &str, scale: Scale) -> Option<i128> {
    // So many digits fit into 64 bits, and with nine more zeros into 128.
    if !fraction.is_empty() || whole.len() > 18 {
        return None;
    }
    let number = u128::from(whole.parse::<u64>().ok()?);
    let nanos = match scale {
        Scale::Two(bits) => {
            let nanos = number * u128::from(NANOS_64);
            (nanos.leading_zeros() > bits + 1).then(|| nanos << bits)?
        }
        Scale::Ten(exponent @ -9..=9) => {
            number * u128::from(10_u64.pow(u32::try_from(exponent + 9).ok()?))
        }
        Scale::Ten(_) => return None,
    };
    i128::try_from(nanos).ok()
}

/// `whole.fraction × unit`, rounded up.
///
/// The fraction is folded from its last digit, rounding up at each: the ceiling of a division by
/// ten is the same whether what went before was already rounded up or not.
fn times(whole: &str, fraction: &str, unit: i128) -> Option<i128> {
    let part = fraction.bytes().rev().try_fold(0, |sum, digit| {
        Some(divide_up(
            unit.checked_mul(value(digit))?.checked_add(sum)?,
            10,
        ))
    })?;
    let whole = whole.bytes().try_fold(0_i128, |sum, digit| {
        sum.checked_mul(10)?.checked_add(value(digit))
    })?;
    whole.checked_mul(unit)?.checked_add(part)
}

/// A positive number divided by a power of ten, rounded up: never less than one.
fn shrink(mut number: i128, powers: i64) -> i128 {
    for _ in 0..powers {
        if number == 1 {
            break;
        }
        number = divide_up(number, 10);
    }
    number
}

fn value(digit: u8) -> i128 {
    i128::from(digit.saturating_sub(b'0'))
}

/// How many nanos a power of ten is; nothing below one nano or where it does not fit.
fn nanos_of(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent.checked_add(9)?).ok()?)
}

/// The quotient rounded towards more; `divisor` is positive.
fn divide_up(number: i128, divisor: i128) -> i128 {
    if let (Ok(number), Ok(divisor)) = (i64::try_from(number), i64::try_from(divisor)) {
        return i128::from(number.div_euclid(divisor) + i64::from(number.rem_euclid(divisor) != 0));
    }
    number.div_euclid(divisor) + i128::from(number.rem_euclid(divisor) != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NANOS, Quantity, QuantityError};

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn reads_every_suffix_of_kubernetes() {
        for (text, nanos) in [
            ("1n", 1),
            ("1u", 1_000),
            ("1m", 1_000_000),
            ("1", NANOS),
            ("1k", 1_000 * NANOS),
            ("1M", 1_000_000 * NANOS),
            ("1G", NANOS * NANOS),
            ("1T", 1_000 * NANOS * NANOS),
            ("1P", 1_000_000 * NANOS * NANOS),
            ("1E", NANOS * NANOS * NANOS),
            ("1Ki", NANOS << 10),
            ("1Mi", NANOS << 20),
            ("1Gi", NANOS << 30),
            ("1Ti", NANOS << 40),
            ("1Pi", NANOS << 50),
            ("1Ei", NANOS << 60),
        ] {
            assert_eq!(quantity(text).nanos(), nanos, "{text}");
        }
    }

    #[test]
    fn tells_the_suffix_e_from_an_exponent() {
        assert_eq!(quantity("2E"), quantity("2e18"));
        assert_eq!(quantity("2E3"), Quantity::from(2_000));
        assert_eq!(quantity("2e+3"), Quantity::from(2_000));
        assert_eq!(quantity("2500e-3"), quantity("2500m"));
        assert_eq!(quantity("1Ei"), Quantity::from(1 << 60));
    }

    #[test]
    fn reads_signs_zeros_and_points_anywhere() {
        assert_eq!(quantity("+1"), Quantity::from(1));
        assert_eq!(quantity("-1"), Quantity::from(-1));
        assert_eq!(quantity("0001"), Quantity::from(1));
        assert_eq!(quantity("1."), Quantity::from(1));
        assert_eq!(quantity(".5"), quantity("500m"));
        assert_eq!(quantity("1.5Gi"), quantity("1536Mi"));
        assert_eq!(quantity("1000m"), Quantity::from(1));
        assert!(quantity("0").is_zero());
        assert!(quantity("-0").is_zero());
        assert!(quantity("0e999999999999").is_zero());
    }

    #[test]
    fn rounds_away_from_zero_below_a_nano() {
        assert_eq!(quantity("0.1n").nanos(), 1);
        assert_eq!(quantity("-0.1n").nanos(), -1);
        assert_eq!(quantity("1e-99").nanos(), 1);
        assert_eq!(quantity("1e-9223372036854775808").nanos(), 1);
        assert_eq!(quantity("1.0000000001").nanos(), NANOS + 1);
        assert_eq!(
            quantity("1.00000000000000000000000000000000000000001").nanos(),
            NANOS + 1
        );
        assert_eq!(quantity("0.3Ki").nanos(), 307_200_000_000);
        assert_eq!(quantity("20e-10").nanos(), 2);
        assert_eq!(quantity("21e-10").nanos(), 3);
    }

    #[test]
    fn refuses_what_kubernetes_refuses_and_names_it() {
        for text in ["", "+", "-", ".", "Gi", "abc", " 1", "--1"] {
            assert!(
                matches!(Quantity::parse(text), Err(QuantityError::Number { .. })),
                "{text:?}"
            );
        }
        for text in [
            "1K", "1ki", "1kb", "1 Gi", "1.2.3", "1e", "1e1.5", "1ee3", "1Gi ", "1MiB",
        ] {
            assert!(
                matches!(Quantity::parse(text), Err(QuantityError::Suffix { .. })),
                "{text:?}"
            );
        }
        assert_eq!(
            Quantity::parse("1GB").unwrap_err().to_string(),
            "`1GB` is not a quantity: `GB` is none of n, u, m, k, M, G, T, P, E, \
             Ki, Mi, Gi, Ti, Pi, Ei or an exponent such as e3"
        );
    }

    #[test]
    fn an_amount_that_does_not_fit_is_an_error() {
        for text in ["1e30", "1e9999999999", "999999999999Ei", "1E40"] {
            assert!(
                matches!(Quantity::parse(text), Err(QuantityError::Overflow { .. })),
                "{text}"
            );
        }
        assert_eq!(quantity("16Ei").as_integer(), None);
        assert_eq!(quantity("7Ei").as_integer(), Some(7 << 60));
    }

    #[test]
    fn writes_the_canonical_decimal_form() {
        for (text, canonical) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("1e3", "1k"),
            ("1Gi", "1073741824"),
            ("-2.5", "-2500m"),
            ("0", "0"),
            ("1n", "1n"),
        ] {
            assert_eq!(quantity(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn writes_bytes_with_the_largest_exact_binary_suffix() {
        for (text, canonical) in [
            ("2Gi", "2Gi"),
            ("0.5Gi", "512Mi"),
            ("2048Mi", "2Gi"),
            ("1.5Gi", "1536Mi"),
            ("1025", "1025"),
            ("2000", "2000"),
            ("1000", "1k"),
            ("1G", "1000000000"),
            ("1024k", "1000Ki"),
            ("512", "512"),
            ("-1Ki", "-1Ki"),
            ("1024500m", "1024500m"),
            ("0", "0"),
        ] {
            assert_eq!(quantity(text).to_binary_string(), canonical, "{text}");
        }
    }

    #[test]
    fn half_is_a_whole_number_rounded_down() {
        assert_eq!(quantity("64Gi").half().to_binary_string(), "32Gi");
        assert_eq!(quantity("3").half(), Quantity::from(1));
        assert_eq!(quantity("1").half(), Quantity::ZERO);
        assert_eq!(quantity("-1").half(), Quantity::from(-1));
    }

    #[test]
    fn rounds_in_the_direction_that_the_name_says() {
        assert_eq!(quantity("0.5").ceil_integer(), Some(1));
        assert_eq!(quantity("-0.5").ceil_integer(), Some(0));
        assert_eq!(quantity("20G").ceil_gib(), Some(19));
        assert_eq!(quantity("20Gi").ceil_gib(), Some(20));
        assert_eq!(
            quantity("1G").floor_to(Quantity::MIB).to_binary_string(),
            "953Mi"
        );
        assert_eq!(quantity("5").floor_to(Quantity::ZERO), Quantity::from(5));
    }

    #[test]
    fn only_whole_numbers_are_integers() {
        assert!(quantity("1000m").is_integer());
        assert!(!quantity("500m").is_integer());
        assert_eq!(quantity("500m").as_integer(), None);
        assert_eq!(quantity("8").as_integer(), Some(8));
    }

    #[test]
    fn the_smaller_is_the_smaller_whatever_its_suffix() {
        assert_eq!(quantity("1Gi").min(quantity("1G")), quantity("1G"));
        assert!(quantity("1023Mi") < quantity("1Gi"));
        assert_eq!(
            quantity("1").checked_add(quantity("500m")),
            Some(quantity("1.5"))
        );
        assert_eq!(
            quantity("1").checked_sub(quantity("2")),
            Some(quantity("-1"))
        );
        assert_eq!(quantity("2Gi").checked_mul(8), Some(quantity("16Gi")));
        assert_eq!(
            Quantity::from_nanos(i128::MAX).checked_add(Quantity::from(1)),
            None
        );
    }

    proptest! {
        /// With a fraction of nothing, the short way is not taken.
        #[test]
        fn whole_numbers_are_read_alike_both_ways(number in 0..=10_u64.pow(18), suffix in "([numkMGTPE]|[KMGTPE]i|e-?[0-9])?") {
            let short = Quantity::parse(&format!("{number}{suffix}"));
            let long = Quantity::parse(&format!("{number}.0{suffix}"));
            prop_assert_eq!(short.ok(), long.ok());
        }

        #[test]
        fn what_is_written_is_read_back(nanos in any::<i128>()) {
            let amount = Quantity::from_nanos(nanos / 1_000);
            prop_assert_eq!(Quantity::parse(&amount.to_string()), Ok(amount));
        }

        #[test]
        fn bytes_that_are_written_are_read_back(bytes in any::<i64>(), shift in 0_u32..60) {
            let amount = Quantity::from(bytes >> shift << shift);
            prop_assert_eq!(Quantity::parse(&amount.to_binary_string()), Ok(amount));
        }

        #[test]
        fn a_point_and_an_exponent_move_the_same_digits(
            whole in 0_i64..1_000_000,
            fraction in 0_i64..1_000_000,
        ) {
            let point = Quantity::parse(&format!("{whole}.{fraction:06}"));
            let exponent = Quantity::parse(&format!("{whole}{fraction:06}e-6"));
            prop_assert_eq!(point, exponent);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+.0-9eEinumkKMGTP]{0,48}") {
            let _ = Quantity::parse(&text);
        }
    }
}
