//! Decimals against big rationals, doubles, and answers worked out by other programs.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use num_bigint::BigInt;
use proptest::prelude::*;

use crate::decimal::{Mantissa, Rounding};
use crate::testing::{decimals, floats};
use crate::{Decimal, DecimalError};

fn d(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// A finite number · 10^places as an integer, for numbers of no more places.
fn scaled(n: &Decimal, places: u32) -> BigInt {
    let (mantissa, scale) = n.parts().unwrap();
    mantissa.to_big() * BigInt::from(10).pow((places as i32 - scale).unsigned_abs())
}

fn small() -> impl Strategy<Value = Decimal> {
    (any::<i128>(), 0u32..40, 0i32..20)
        .prop_map(|(n, cut, scale)| Decimal::new(n / 10i128.pow(cut.min(38)), scale).unwrap())
}

fn hash(n: &Decimal) -> u64 {
    let mut hasher = DefaultHasher::new();
    n.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #[test]
    fn text_comes_back(n in decimals()) {
        let exact = Decimal::parse_exact(&n.to_scientific()).unwrap();
        prop_assert!(exact.identical(&n), "{n:?} {exact:?}");
        let plain = d(&n.to_string());
        prop_assert_eq!(&plain, &n);
        if n.is_finite() && n.scale() >= 0 && !n.is_negative_zero() {
            prop_assert!(plain.identical(&n));
        }
    }

    #[test]
    fn sums_products_and_order_are_exact(a in small(), b in small()) {
        let (x, y) = (scaled(&a, 20), scaled(&b, 20));
        prop_assert_eq!(scaled(&a.add(&b).unwrap(), 20), &x + &y);
        prop_assert_eq!(scaled(&a.sub(&b).unwrap(), 20), &x - &y);
        prop_assert_eq!(scaled(&a.mul(&b).unwrap(), 40), &x * &y);
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(a.add(&b).unwrap().scale(), a.scale().max(b.scale()));
        if a == b {
            prop_assert_eq!(hash(&a), hash(&b));
        }
    }

    #[test]
    fn quotient_and_remainder_belong_together(a in small(), b in small(), scale in 0i32..30) {
        prop_assume!(!b.is_zero());
        let quotient = a.div_rounded(&b, 0, Rounding::Truncate).unwrap();
        let rest = a.rem(&b).unwrap();
        prop_assert_eq!(quotient.mul(&b).unwrap().add(&rest).unwrap(), a.clone());
        prop_assert!(rest.abs() < b.abs());
        prop_assert!(rest.is_zero() || rest.signum() == a.signum());
        // |a/b - q| <= half a unit
        let q = a.div(&b, scale).unwrap();
        prop_assert_eq!(q.scale(), scale);
        let error = q.mul(&b).unwrap().sub(&a).unwrap().abs();
        let half = Decimal::new(5, scale + 1).unwrap().mul(&b.abs()).unwrap();
        prop_assert!(error <= half);
    }

    #[test]
    fn rounding_is_to_the_nearest(n in decimals(), scale in -20i32..30) {
        let n = if n.is_finite() { n } else { Decimal::ONE };
        let unit = Decimal::parse_exact(&format!("1e{}", -scale)).unwrap();
        let half = unit.mul(&d("0.5")).unwrap();
        let away = |r: &Decimal| r.sub(&n).unwrap().abs();
        let round = n.round(scale);
        prop_assert!(away(&round) <= half);
        prop_assert_eq!(round.scale(), scale.max(0));
        let even = n.rounded(scale, Rounding::HalfEven);
        prop_assert!(away(&even) <= half);
        prop_assert!(n.trunc(scale).abs() <= n.abs() && away(&n.trunc(scale)) < unit);
        prop_assert!(n.floor() <= n && n.ceil() >= n);
        prop_assert!(n.ceil().sub(&n.floor()).unwrap() <= Decimal::ONE);
        prop_assert_eq!(n.floor() == n, n.is_integral());
    }

    #[test]
    fn order_is_total_and_agrees_with_subtraction(a in decimals(), b in decimals()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        if a.is_finite() && b.is_finite() {
            let sign = a.sub(&b).unwrap().signum().unwrap();
            prop_assert_eq!(a.cmp(&b), sign.cmp(&0));
        }
        prop_assert_eq!(a.normalized(), a.clone());
        prop_assert_eq!(hash(&a), hash(&a.normalized()));
    }

    #[test]
    fn doubles_come_back(n in floats()) {
        for decimal in [Decimal::from_f64(n), Decimal::from_f64_exact(n)] {
            let back = decimal.to_f64();
            prop_assert!(back == n || back.is_nan() && n.is_nan());
        }
        let single = n as f32;
        let back = Decimal::from_f32(single).to_f32();
        prop_assert!(back == single || back.is_nan() && single.is_nan());
    }

    #[test]
    fn doubles_nearest_to_a_decimal(n in decimals()) {
        let expected: f64 = n.to_string().parse().unwrap();
        let got = n.to_f64();
        prop_assert!(got == expected || got.is_nan() && expected.is_nan());
    }

    #[test]
    fn decimal128_comes_back(mantissa in any::<i128>(), scale in -6111i32..=6176) {
        let mantissa = mantissa % 10i128.pow(34);
        let n = match mantissa {
            0 => Decimal::negative_zero(scale).unwrap(),
            n => Decimal::new(n, scale).unwrap(),
        };
        let back = Decimal::from_decimal128(n.to_decimal128().unwrap());
        prop_assert!(back.identical(&n), "{n:?} {back:?}");
    }

    #[test]
    fn any_decimal128_is_read(bytes in any::<[u8; 16]>()) {
        let n = Decimal::from_decimal128(bytes);
        let back = Decimal::from_decimal128(n.to_decimal128().unwrap());
        prop_assert!(back.identical(&n));
    }

    #[test]
    fn roots_and_powers(n in (0i64.., 0i32..10), scale in 0i32..20) {
        let n = Decimal::new(n.0.into(), n.1).unwrap();
        let root = n.sqrt(scale).unwrap();
        let unit = Decimal::new(1, scale).unwrap();
        let half = Decimal::new(5, scale + 1).unwrap();
        prop_assert!(root.sub(&half).unwrap().max(Decimal::ZERO).pow_int(2, 60).unwrap() <= n);
        prop_assert!(root.add(&half).unwrap().pow_int(2, 60).unwrap() >= n);
        prop_assert!(root.scale() == scale && unit.scale() == scale);
    }

    #[test]
    fn exp_undoes_ln(mantissa in 1i64..1_000_000_000, scale in 0i32..12) {
        let n = Decimal::new(mantissa.into(), scale).unwrap();
        let back = n.ln(60).unwrap().exp(30).unwrap();
        prop_assert_eq!(back, n);
    }

    #[test]
    fn text_of_any_kind_does_not_panic(text in "[-+]?[0-9.eE+-]{0,12}|\\PC{0,8}") {
        let (plain, exact) = (Decimal::parse(&text), Decimal::parse_exact(&text));
        if let (Ok(plain), Ok(exact)) = (plain, exact) {
            prop_assert_eq!(plain, exact);
        }
    }
}

#[test]
fn text_in_both_readings() {
    let cases = [
        ("12.50", "12.50", "12.50"),
        ("1.50e1", "15.0", "15.0"),
        ("1e3", "1000", "1E+3"),
        ("-0.0", "0.0", "-0.0"),
        (".5", "0.5", "0.5"),
        ("5.", "5", "5"),
        ("  +7 ", "7", "7"),
        ("0e5", "0", "0E+5"),
        ("1e-7", "0.0000001", "1E-7"),
        ("0.000001", "0.000001", "0.000001"),
        ("12E-10", "0.0000000012", "1.2E-9"),
        ("nan", "NaN", "NaN"),
        ("-INF", "-Infinity", "-Infinity"),
        ("Infinity", "Infinity", "Infinity"),
        (
            "1234567890123456789012345678901234567890.5",
            "1234567890123456789012345678901234567890.5",
            "1234567890123456789012345678901234567890.5",
        ),
    ];
    for (text, plain, exact) in cases {
        assert_eq!(d(text).to_string(), plain);
        assert_eq!(Decimal::parse_exact(text).unwrap().to_scientific(), exact);
    }
    for text in ["", ".", "e5", "1e", "1e+", "--1", "1 2", "0x10", "1_000", "+nan", "1e5x", "infin"]
    {
        assert_eq!(Decimal::parse(text).unwrap_err(), DecimalError::Syntax, "{text}");
    }
}

#[test]
fn limits_are_postgresqls() {
    assert_eq!(d("1e131071").magnitude(), Some(131_072));
    assert_eq!(d(&"9".repeat(131_072)).digits(), 131_072);
    assert_eq!(d("1e-16383").scale(), 16_383);
    for text in ["1e131072", "1e-16384", "1e999999999999999999999", "10e131071"] {
        assert_eq!(Decimal::parse(text).unwrap_err(), DecimalError::Overflow, "{text}");
    }
    assert_eq!(Decimal::parse(&"9".repeat(131_073)).unwrap_err(), DecimalError::Overflow);
    let most = d(&"9".repeat(131_072));
    assert_eq!(most.add(&Decimal::ONE).unwrap_err(), DecimalError::Overflow);
    assert_eq!(most.mul(&most).unwrap_err(), DecimalError::Overflow);
    assert_eq!(most.sub(&Decimal::ONE).unwrap().digits(), 131_072);
    assert_eq!(d("1e-16383").mul(&d("1e-10")).unwrap().scale(), 16_383);
    assert!(matches!(d("1e131071").parts(), Some((Mantissa::Small(1), -131_071))));
    assert_eq!(d("1e131071").to_string().len(), 131_072);
    assert_eq!(d("1e131071").mul(&d("0e131071")).unwrap(), Decimal::ZERO);
    assert_eq!(d("10").pow_int(1 << 40, 0).unwrap_err(), DecimalError::Overflow);
    assert_eq!(d("0.1").pow_int(1 << 40, 5).unwrap().to_string(), "0.00000");
}

#[test]
fn specials_follow_postgresql() {
    let (nan, inf, neg) = (Decimal::NAN, Decimal::INFINITY, Decimal::NEG_INFINITY);
    let (zero, two) = (Decimal::ZERO, Decimal::from(2));
    assert!(inf.add(&neg).unwrap().is_nan());
    assert_eq!(inf.add(&two).unwrap(), inf);
    assert_eq!(two.sub(&inf).unwrap(), neg);
    assert!(inf.mul(&zero).unwrap().is_nan());
    assert_eq!(neg.mul(&two.neg()).unwrap(), inf);
    assert!(inf.div(&neg, 5).unwrap().is_nan());
    assert_eq!(inf.div(&two.neg(), 5).unwrap(), neg);
    assert_eq!(two.div(&inf, 5).unwrap(), zero);
    assert_eq!(inf.div(&zero, 5).unwrap_err(), DecimalError::DivisionByZero);
    assert!(nan.div(&zero, 5).unwrap().is_nan());
    assert_eq!(two.rem(&zero).unwrap_err(), DecimalError::DivisionByZero);
    assert!(inf.rem(&two).unwrap().is_nan());
    assert_eq!(two.rem(&inf).unwrap(), two);
    assert_eq!(nan.cmp(&inf), Ordering::Greater);
    assert_eq!(nan.cmp(&nan), Ordering::Equal);
    assert_eq!(neg.cmp(&d("-1e1000")), Ordering::Less);
    assert_eq!(Decimal::negative_zero(3).unwrap(), zero);
    assert!(!Decimal::negative_zero(3).unwrap().identical(&d("0.000")));
}

#[test]
fn rounding_of_halves() {
    let cases = [
        ("2.5", 0, "3", "2"),
        ("-2.5", 0, "-3", "-2"),
        ("3.5", 0, "4", "4"),
        ("0.5", 0, "1", "0"),
        ("0.05", 1, "0.1", "0.0"),
        ("1250", -2, "1300", "1200"),
        ("50", -2, "100", "0"),
        ("49", -2, "0", "0"),
        ("9.99", 1, "10.0", "10.0"),
        ("1.2", 3, "1.200", "1.200"),
    ];
    for (n, scale, away, even) in cases {
        assert_eq!(d(n).round(scale).to_string(), away, "{n}");
        assert_eq!(d(n).rounded(scale, Rounding::HalfEven).to_string(), even, "{n}");
    }
    assert_eq!(d("-0.4").ceil().to_string(), "0");
    assert_eq!(d("-0.4").floor().to_string(), "-1");
    assert_eq!(d("999.95").round_significant(4, Rounding::HalfEven).to_scientific(), "1000");
    assert_eq!(
        d("99995").round_significant(4, Rounding::HalfAwayFromZero).to_scientific(),
        "1.000E+5"
    );
}

#[test]
fn integers_exact_and_rounded() {
    assert_eq!(d("5.0").to_i64_exact(), Some(5));
    assert_eq!(d("5.5").to_i64_exact(), None);
    assert_eq!(d("5.5").to_i64(), Some(6));
    assert_eq!(d("-9223372036854775808.4").to_i64(), Some(i64::MIN));
    assert_eq!(d("-9223372036854775808.5").to_i64(), None);
    assert_eq!(d("18446744073709551615").to_u64_exact(), Some(u64::MAX));
    assert_eq!(d("-1").to_u64(), None);
    assert_eq!(d("NaN").to_i64(), None);
    assert_eq!(Decimal::parse_exact("1e18").unwrap().to_i64_exact(), Some(10i64.pow(18)));
    assert_eq!(Decimal::from(i128::MIN).to_i128_exact(), Some(i128::MIN));
    assert_eq!(Decimal::from(i128::MIN).neg().neg(), Decimal::from(i128::MIN));
    let long = format!("{}.{}", i64::MAX, "0".repeat(60));
    assert_eq!(d(&long).to_i64_exact(), Some(i64::MAX));
}

#[test]
fn the_head_in_base_10000_is_postgresqls() {
    let cases = [
        ("0", (0, 0)),
        ("1", (0, 1)),
        ("9999", (0, 9999)),
        ("12345.6", (1, 1)),
        ("100000000", (2, 1)),
        ("0.5", (-1, 5000)),
        ("0.0001", (-1, 1)),
        ("0.00001", (-2, 1000)),
        ("-70000", (1, 7)),
        ("123456789012345678901234567890123456789012", (10, 12)),
    ];
    for (n, head) in cases {
        assert_eq!(d(n).base10000_head(), head, "{n}");
    }
}

#[test]
fn transcendental_functions_by_known_digits() {
    assert_eq!(
        d("1").exp(50).unwrap().to_string(),
        "2.71828182845904523536028747135266249775724709369996"
    );
    assert_eq!(
        d("2").ln(50).unwrap().to_string(),
        "0.69314718055994530941723212145817656807550013436026"
    );
    assert_eq!(d("10").ln(40).unwrap().to_string(), "2.3025850929940456840179914546843642076011");
    assert_eq!(d("100").log10(10).unwrap().to_string(), "2.0000000000");
    assert_eq!(d("1e-50").log10(3).unwrap().to_string(), "-50.000");
    assert_eq!(d("64").log(&d("2"), 16).unwrap().to_string(), "6.0000000000000000");
    assert_eq!(
        d("2").power(&d("0.5"), 30).unwrap().to_string(),
        "1.414213562373095048801688724210"
    );
    assert_eq!(d("2").power(&d("100"), 0).unwrap().to_string(), "1267650600228229401496703205376");
    assert_eq!(d("2").pow_int(-3, 5).unwrap().to_string(), "0.12500");
    assert_eq!(d("1.0000001").pow_int(10_000_000, 16).unwrap().to_string(), "2.7182816925449663");
    assert_eq!(d("-1").exp(20).unwrap().to_string(), "0.36787944117144232160");
    assert_eq!(d("-1000").exp(20).unwrap().to_string(), "0.00000000000000000000");
    assert_eq!(d("1e6").exp(0).unwrap_err(), DecimalError::Overflow);
    assert_eq!(d("0").ln(5).unwrap_err(), DecimalError::Domain);
    assert_eq!(d("-8").power(&d("0.5"), 5).unwrap_err(), DecimalError::Domain);
    assert_eq!(d("0").power(&d("-1"), 5).unwrap_err(), DecimalError::Domain);
    assert_eq!(d("-8").power(&d("3"), 1).unwrap().to_string(), "-512.0");
    assert_eq!(d("2").sqrt(30).unwrap().to_string(), "1.414213562373095048801688724210");
    assert_eq!(d("-1").sqrt(3).unwrap_err(), DecimalError::Domain);
    assert_eq!(Decimal::factorial(20).unwrap().to_string(), "2432902008176640000");
    assert_eq!(d("12.5").gcd(&d("7.5")).unwrap().to_string(), "2.5");
}

#[test]
fn decimal128_bits_are_the_standards() {
    // From the BSON specification's test corpus.
    let cases = [
        ("1", "010000000000000000000000000040 30"),
        ("-1", "010000000000000000000000000040 b0"),
        ("-0", "000000000000000000000000000040 b0"),
        ("0.1", "01000000000000000000000000003e 30"),
        ("9.999999999999999999999999999999999E+6144", "ffffffff638e8d37c087adbe09ed ff 5f"),
        ("1E-6176", "010000000000000000000000000000 00"),
        ("NaN", "000000000000000000000000000000 7c"),
        ("Infinity", "000000000000000000000000000000 78"),
        ("-Infinity", "000000000000000000000000000000 f8"),
    ];
    for (text, hex) in cases {
        let bytes = crate::text::id::unhex(hex.replace(' ', "").as_bytes()).unwrap();
        let n = Decimal::parse_exact(text).unwrap();
        assert_eq!(n.to_decimal128().unwrap()[..], bytes[..], "{text}");
        assert!(Decimal::from_decimal128(bytes.try_into().unwrap()).identical(&n));
    }
    let many = d("12345678901234567890123456789012345");
    assert_eq!(many.to_decimal128().unwrap_err(), DecimalError::Overflow);
    assert!(d("12345678901234567890123456789012340").to_decimal128().is_ok());
    assert!(d("1e6145").to_decimal128().is_err());
    assert!(d("1e6144").to_decimal128().is_ok());
    assert_eq!(size_of::<Decimal>(), 32);
}

#[test]
fn functions_hold_their_precision_at_the_ends() {
    // exp's result has 4 343 digits before the point; its logarithm comes back to all 30 places.
    let huge = d("9999.5").exp(0).unwrap();
    assert_eq!(huge.magnitude(), Some(4343));
    assert_eq!(huge.ln(30).unwrap(), d("9999.5"));
    // From another implementation.
    let ln = |n: &str, scale| d(n).ln(scale).unwrap().to_string();
    assert_eq!(ln("1e131071", 10), "301802.1307238226");
    assert_eq!(ln("1e-16383", 10), "-37723.2515785215");
    assert_eq!(ln("1.000000000000000000001", 40), format!("0.{:020}1{:019}", 0, 0));
    assert_eq!(d("1e131071").log10(3).unwrap().to_string(), "131071.000");
    assert_eq!(d("7").log(&d("1.0001"), 20).unwrap().to_string(), "19460.07442941255354346048");
    let power = |n: &str, e: &str, scale| d(n).power(&d(e), scale).unwrap().to_string();
    assert_eq!(power("123.456", "7.89", 20), "31771028258180977.30906865968220512618");
    assert_eq!(power("0.3", "-12.5", 20), "3435455.40963259084549974994");
    assert_eq!(power("1e-10", "2.5", 30), "0.000000000000000000000000100000");
    assert_eq!(
        d("-3.7").exp(40).unwrap().to_string(),
        "0.0247235264703393912027573829834026293445"
    );
}
