//! Exact numbers from JSON numbers and numeric texts, never through a float.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Why a text is no number for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NumberFault {
    #[error("is not a number")]
    Form,
    #[error("is negative")]
    Negative,
    #[error("has a fraction where a whole number belongs")]
    Fraction,
    #[error("has more digits than can be kept exactly")]
    TooLong,
}

/// More digits than any [`Decimal`] has, and few enough for an `i128`.
const MAX_DIGITS: usize = 38;

/// A decimal that is zero or more: JSON's number grammar, exact, at most 28 decimal places and 96 bits.
pub(super) fn parse_decimal(text: &str) -> Result<Decimal, NumberFault> {
    let parts = Parts::split(text).ok_or(NumberFault::Form)?;
    let digits = parts.whole.bytes().chain(parts.fraction.bytes()).skip_while(|b| *b == b'0');
    let mut mantissa: i128 = 0;
    for (index, digit) in digits.enumerate() {
        if index >= MAX_DIGITS {
            return Err(NumberFault::TooLong);
        }
        mantissa = mantissa * 10 + i128::from(digit - b'0');
    }
    if mantissa == 0 {
        return Ok(Decimal::ZERO);
    }
    if parts.negative {
        return Err(NumberFault::Negative);
    }
    let fraction = i64::try_from(parts.fraction.len()).map_err(|_| NumberFault::TooLong)?;
    let mut scale = fraction - i64::from(parts.exponent.ok_or(NumberFault::TooLong)?);
    while scale < 0 {
        mantissa = mantissa.checked_mul(10).ok_or(NumberFault::TooLong)?;
        scale += 1;
    }
    while scale > i64::from(Decimal::MAX_SCALE) && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    let scale = u32::try_from(scale).map_err(|_| NumberFault::TooLong)?;
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| NumberFault::TooLong)
}

/// A count: zero or more, whole (`12.0` is whole), within an `i64`.
pub(super) fn parse_count(text: &str) -> Result<i64, NumberFault> {
    let decimal = parse_decimal(text)?;
    if !decimal.fract().is_zero() {
        return Err(NumberFault::Fraction);
    }
    decimal.to_i64().ok_or(NumberFault::TooLong)
}

/// A number by JSON's grammar: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// None: more than four digits.
    exponent: Option<i16>,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, rest) = digits(rest);
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(rest) => Some(digits(rest)).filter(|(fraction, _)| !fraction.is_empty())?,
            None => ("", rest),
        };
        let exponent = match rest.strip_prefix(['e', 'E']) {
            Some(rest) => {
                let (sign, rest) = match rest.strip_prefix('-') {
                    Some(rest) => (-1, rest),
                    None => (1, rest.strip_prefix('+').unwrap_or(rest)),
                };
                let (exponent, rest) = digits(rest);
                if exponent.is_empty() || !rest.is_empty() {
                    return None;
                }
                if exponent.len() > 4 {
                    None
                } else {
                    exponent.parse::<i16>().ok().map(|exponent| sign * exponent)
                }
            }
            None if rest.is_empty() => Some(0),
            None => return None,
        };
        Some(Self { negative, whole, fraction, exponent })
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("358800", "358800")]
    #[case::zero("0", "0")]
    #[case::minus_zero("-0.0", "0")]
    #[case::cents("19.90", "19.90")]
    #[case::java_big_decimal("1.908E+6", "1908000")]
    #[case::small("1e-3", "0.001")]
    #[case::zero_whatever_the_exponent("0e9999", "0")]
    #[case::largest("79228162514264337593543950335", "79228162514264337593543950335")]
    fn amounts_are_exact(#[case] text: &str, #[case] amount: &str) {
        assert_eq!(parse_decimal(text).map(|d| d.to_string()), Ok(amount.to_owned()));
    }

    #[rstest]
    #[case::nothing("", NumberFault::Form)]
    #[case::nan("NaN", NumberFault::Form)]
    #[case::infinity("Infinity", NumberFault::Form)]
    #[case::thousands("1,908,000", NumberFault::Form)]
    #[case::blank(" 1", NumberFault::Form)]
    #[case::won("1908000원", NumberFault::Form)]
    #[case::leading_zero("007", NumberFault::Form)]
    #[case::plus("+1", NumberFault::Form)]
    #[case::bare_point("1.", NumberFault::Form)]
    #[case::hexadecimal("0x10", NumberFault::Form)]
    #[case::fullwidth("１２", NumberFault::Form)]
    #[case::negative("-5", NumberFault::Negative)]
    #[case::beyond_floats("1e400", NumberFault::TooLong)]
    #[case::exponent_of_megabytes("1e99999999999", NumberFault::TooLong)]
    #[case::thirty_digits("123456789012345678901234567890", NumberFault::TooLong)]
    #[case::too_fine("0.00000000000000000000000000001", NumberFault::TooLong)]
    fn d02_other_amounts_are_refused(#[case] text: &str, #[case] fault: NumberFault) {
        assert_eq!(parse_decimal(text), Err(fault));
    }

    #[rstest]
    #[case("12", Ok(12))]
    #[case("12.0", Ok(12))]
    #[case("1e3", Ok(1000))]
    #[case("9223372036854775807", Ok(i64::MAX))]
    #[case("9223372036854775808", Err(NumberFault::TooLong))]
    #[case("1.5", Err(NumberFault::Fraction))]
    #[case("-1", Err(NumberFault::Negative))]
    fn d02_counts_are_whole(#[case] text: &str, #[case] count: Result<i64, NumberFault>) {
        assert_eq!(parse_count(text), count);
    }

    proptest! {
        #[test]
        fn d02_an_amount_survives_its_own_text(mantissa in 0i128..79_228_162_514_264_337_593_543_950_335, scale in 0u32..=28) {
            let amount = Decimal::try_from_i128_with_scale(mantissa, scale).expect("in range");
            prop_assert_eq!(parse_decimal(&amount.to_string()), Ok(amount));
        }

        #[test]
        fn d02_a_count_survives_its_own_text(count in 0i64..) {
            prop_assert_eq!(parse_count(&count.to_string()), Ok(count));
        }

        #[test]
        fn d02_no_text_makes_it_panic(text in ".{0,60}", number in r"-?[0-9]{0,50}\.?[0-9]{0,50}([eE][+-]?[0-9]{0,12})?") {
            let _ = (parse_decimal(&text), parse_decimal(&number), parse_count(&number));
        }
    }
}
