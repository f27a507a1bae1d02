//! A sum whose value does not depend on the order of its terms.

use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bits of a limb that hold value; the rest of an `i64` takes carries until they are passed on.
const BITS: u32 = 32;
/// From `2^-1074`, the smallest `f64`, to beyond `2^1024`, with room for the sum of `2^60` of the largest.
const LIMBS: usize = 68;
/// So many terms fit before carries are passed on: each adds less than `2^32` to a limb.
const MOST_PENDING: u32 = 1 << 30;

/// The exact sum of `f64` numbers, rounded once, to the nearest, when it is asked for: any order of the terms, and any
/// split of them into sums that are [merged](Self::merge), give the same bits.
///
/// A fixed-point number that may be as wide as the range of `f64` (Kulisch's long accumulator), of which the part between the
/// smallest and the largest term is stored. Whole numbers, the counts that most metrics are made of, stay an integer; such a
/// sum is serialized as a number, by formats that say what they hold, as JSON does.
///
/// # Example
///
/// ```
/// use klados::metrics::ExactSum;
///
/// let terms = [1e100, 1.0, -1e100, 0.1];
/// let (forth, back): (ExactSum, ExactSum) = (terms.into_iter().collect(), terms.into_iter().rev().collect());
/// assert_eq!(forth.value(), 1.1);
/// assert_eq!(forth.value().to_bits(), back.value().to_bits());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// The sum of the terms that are whole numbers and not large.
    whole: i128,
    /// The sum of the other finite terms, in limbs of 32 bits; empty where there are none. The last may be negative.
    limbs: Vec<i64>,
    /// The place of the first limb, counted from `2^-1074` up.
    first: usize,
    /// Terms since carries were passed on.
    pending: u32,
    /// Infinities and NaN. JSON has no numbers for them, so they are counted.
    infinite: [u64; 2],
    nan: u64,
}

impl ExactSum {
    /// The sum of nothing: 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a term. Infinities and NaN make the sum what they make of any sum.
    pub fn add(&mut self, value: f64) {
        const WHOLE: f64 = (1u64 << 53) as f64;
        if value.abs() < WHOLE && value.trunc() == value {
            self.whole = self.whole.saturating_add(value as i128);
        } else if value.is_finite() {
            self.add_wide(value);
        } else if value.is_nan() {
            self.nan = self.nan.saturating_add(1);
        } else {
            let count = &mut self.infinite[usize::from(value < 0.0)];
            *count = count.saturating_add(1);
        }
    }

    fn add_wide(&mut self, value: f64) {
        let bits = value.to_bits();
        let (field, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        // A number is `mantissa * 2^(position - 1074)`; subnormal ones share the exponent of the least normal ones.
        let (mantissa, position) = if field == 0 { (fraction, 0) } else { (fraction | 1 << 52, field as u32 - 1) };
        self.add_bits(u128::from(mantissa) << (position % BITS), (position / BITS) as usize, value < 0.0);
    }

    /// Adds `bits * 2^(32 place - 1074)`.
    fn add_bits(&mut self, mut bits: u128, place: usize, is_negative: bool) {
        let limbs = (u128::BITS - bits.leading_zeros()).div_ceil(BITS) as usize;
        self.cover(place, place + limbs);
        for limb in self.limbs.iter_mut().skip(place - self.first).take(limbs) {
            let part = (bits & u128::from(u32::MAX)) as i64;
            *limb += if is_negative { -part } else { part };
            bits >>= BITS;
        }
        self.pending += 1;
        if self.pending >= MOST_PENDING {
            self.pass_carries();
        }
    }

    /// Makes room for the limbs of these places.
    fn cover(&mut self, start: usize, end: usize) {
        if self.limbs.is_empty() {
            self.first = start;
        }
        if start < self.first {
            self.limbs.splice(0..0, std::iter::repeat_n(0, self.first - start));
            self.first = start;
        }
        if self.first + self.limbs.len() < end {
            self.limbs.resize(end - self.first, 0);
        }
    }

    /// Brings every limb but the last into `0..2^32`, and the last, where there may be one more, near to it.
    fn pass_carries(&mut self) {
        self.pending = 0;
        let may_grow = self.first + self.limbs.len() < LIMBS;
        let Some((last, lower)) = self.limbs.split_last_mut() else { return };
        let mut carry = 0;
        for limb in lower {
            *limb += carry;
            carry = *limb >> BITS;
            *limb &= i64::from(u32::MAX);
        }
        *last += carry;
        if may_grow && last.unsigned_abs() > u64::from(u32::MAX) {
            let carry = *last >> BITS;
            *last &= i64::from(u32::MAX);
            self.limbs.push(carry);
        }
    }

    /// Adds all terms of another sum: exactly, so that merging is associative and commutes.
    pub fn merge(&mut self, other: &Self) {
        self.whole = self.whole.saturating_add(other.whole);
        if !other.limbs.is_empty() {
            let mut other = other.clone();
            other.pass_carries();
            self.pass_carries();
            self.cover(other.first, other.first + other.limbs.len());
            let place = other.first - self.first;
            self.limbs[place..].iter_mut().zip(&other.limbs).for_each(|(limb, more)| *limb += more);
            self.pending = 1;
        }
        self.infinite.iter_mut().zip(other.infinite).for_each(|(count, more)| *count = count.saturating_add(more));
        self.nan = self.nan.saturating_add(other.nan);
    }

    /// The sum, rounded to the nearest `f64`, ties to the even one.
    pub fn value(&self) -> f64 {
        match (self.nan, self.infinite) {
            (0, [0, 0]) => {}
            (0, [_, 0]) => return f64::INFINITY,
            (0, [0, _]) => return f64::NEG_INFINITY,
            _ => return f64::NAN,
        }
        if self.limbs.is_empty() {
            return self.whole as f64; // rounds to the nearest, ties to even
        }
        let mut all = self.clone();
        all.cover(0, LIMBS);
        all.add_bits_of_whole();
        all.pass_carries();
        let is_negative = all.limbs.last().is_some_and(|last| *last < 0);
        if is_negative {
            all.limbs.iter_mut().for_each(|limb| *limb = -*limb);
            all.pass_carries();
        }
        let size = rounded(&all.limbs);
        if is_negative { -size } else { size }
    }

    fn add_bits_of_whole(&mut self) {
        // 1 is at bit 1074.
        const ONE: u32 = 1074;
        let size = self.whole.unsigned_abs();
        // In two halves: a shifted `u128` has to hold them.
        for (half, shift) in [(size & u128::from(u64::MAX), 0), (size >> 64, 64)] {
            self.add_bits(half << (ONE % BITS), ((ONE + shift) / BITS) as usize, self.whole < 0);
        }
    }
}

/// The nearest `f64` of limbs in `0..2^32`, of which the last may be larger.
fn rounded(limbs: &[i64]) -> f64 {
    let Some(top) = limbs.iter().rposition(|limb| *limb != 0) else { return 0.0 };
    let limb = |back: usize| top.checked_sub(back).map_or(0, |at| limbs[at] as u128);
    // The leading bits, and whether anything is below them.
    let head = limb(0) << 64 | limb(1) << 32 | limb(2);
    let below = top.saturating_sub(2);
    let sticky = limbs[..below].iter().any(|limb| *limb != 0);
    let low = BITS * top as u32; // position of bit 64 of `head`, counted from 2^-1074
    let highest = low + (127 - head.leading_zeros()) - 64;
    let last = highest.saturating_sub(52); // of the bits that are kept; below 2^-1074 there is none
    let cut = last + 64 - low; // so many bits of `head` go
    let (kept, gone) = (head >> cut, head & ((1 << cut) - 1));
    let half = if cut == 0 { 0 } else { 1 << (cut - 1) };
    let up = cut > 0 && (gone > half || (gone == half && (sticky || kept & 1 == 1)));
    let mantissa = kept as u64 + u64::from(up);
    // Below 2^-1021 the bits are the number; above, a carry out of the mantissa moves the exponent on by itself.
    match last {
        0 => f64::from_bits(mantissa),
        1..2046 => f64::from_bits((u64::from(last + 1) << 52) + (mantissa - (1 << 52))),
        _ => f64::INFINITY,
    }
}

/// All of a sum, as it is serialized where it is more than an integer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    whole: i128,
    limbs: Vec<i64>,
    first: usize,
    pending: u32,
    infinite: [u64; 2],
    nan: u64,
}

impl Serialize for ExactSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { whole, limbs, first, pending, infinite, nan } = self.clone();
        match i64::try_from(whole) {
            Ok(whole) if limbs.is_empty() && infinite == [0, 0] && nan == 0 => serializer.serialize_i64(whole),
            _ => Parts { whole, limbs, first, pending, infinite, nan }.serialize(serializer),
        }
    }
}

/// Refuses what no sum can be: it may come from anywhere.
impl TryFrom<Parts> for ExactSum {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let Parts { whole, limbs, first, pending, infinite, nan } = parts;
        if first > LIMBS || limbs.len() > LIMBS - first {
            return Err(format!("an exact sum has {} limbs from {first} on, expected them below {LIMBS}", limbs.len()));
        }
        // So large are 2^60 terms; as much again still fits.
        if whole.unsigned_abs() > 1 << 120 {
            return Err("the whole numbers of an exact sum are above 2^120".to_owned());
        }
        if pending > MOST_PENDING || limbs.iter().any(|limb| limb.unsigned_abs() > 1 << 62) {
            return Err("the limbs of an exact sum are above 2^62".to_owned());
        }
        let mut sum = Self { whole, limbs, first, pending, infinite, nan };
        // The limbs have room for as many terms again.
        sum.pass_carries();
        match sum.limbs.iter().all(|limb| limb.unsigned_abs() <= 1 << 33) {
            true => Ok(sum),
            false => Err("an exact sum is above 2^60 of the largest numbers".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for ExactSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Stored;

        impl<'de> Visitor<'de> for Stored {
            type Value = ExactSum;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an integer or the parts of an exact sum")
            }

            fn visit_i64<E: de::Error>(self, whole: i64) -> Result<ExactSum, E> {
                Ok(ExactSum { whole: whole.into(), ..ExactSum::default() })
            }

            fn visit_u64<E: de::Error>(self, whole: u64) -> Result<ExactSum, E> {
                Ok(ExactSum { whole: whole.into(), ..ExactSum::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExactSum, A::Error> {
                let parts = Parts::deserialize(MapAccessDeserializer::new(map))?;
                ExactSum::try_from(parts).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Stored)
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        values.into_iter().fold(Self::new(), |mut sum, value| {
            sum.add(value);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> f64 {
        values.iter().copied().collect::<ExactSum>().value()
    }

    #[test]
    fn every_number_is_its_own_sum() {
        let odd = [
            0.1,
            -0.1,
            5e-324,
            -5e-324,
            2.2250738585072014e-308,
            2.225073858507201e-308,
            f64::MAX,
            f64::MIN,
            1e16,
            1.5,
            -3.0,
            f64::EPSILON,
            9007199254740993.0,
            1.7976931348623155e308,
        ];
        for value in odd {
            assert_eq!(sum(&[value]).to_bits(), value.to_bits(), "{value:e}");
            assert_eq!(sum(&[value, -value]), 0.0);
            assert_eq!(sum(&[0.25, value, -0.25]).to_bits(), value.to_bits(), "{value:e}");
        }
    }

    #[test]
    fn sums_are_rounded_once() {
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[1.0, 2f64.powi(-53)]), 1.0); // a tie goes to the even one
        assert_eq!(sum(&[1.0, 2f64.powi(-53), 5e-324]), 1.0 + f64::EPSILON);
        assert_eq!(sum(&[-1.0, -2f64.powi(-53), -5e-324]), -1.0 - f64::EPSILON);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
        assert_eq!(sum(&[]), 0.0);
    }

    #[test]
    fn carries_leave_the_limbs_in_use() {
        for sign in [1.0, -1.0] {
            let mut sum = ExactSum::new();
            // Up and down again, past the limbs of the first term on both sides.
            for exponent in (-200..200).chain((-200..200).rev()) {
                let term = sign * 1.5 * 2f64.powi(exponent);
                sum.add(term);
                sum.pass_carries();
                sum.pass_carries();
                assert!(sum.limbs.len() <= LIMBS && sum.limbs.iter().all(|limb| limb.unsigned_abs() <= 1 << BITS));
            }
            // Each power of two twice, one and a half times.
            assert_eq!(sum.value(), sign * 3.0 * (2f64.powi(200) - 2f64.powi(-200)));
            let mut grown = ExactSum::new();
            for _ in 0..100 {
                let half = grown.clone();
                grown.merge(&half);
                grown.add(sign * 0.5);
            }
            // x -> 2x + 1/2, a hundred times from 0.
            assert_eq!(grown.value(), sign * 0.5 * (2f64.powi(100) - 1.0));
            assert!(grown.limbs.len() < 10);
        }
    }

    #[test]
    fn counts_are_serialized_as_numbers_and_all_else_as_it_is() {
        let json = |values: &[f64]| serde_json::to_string(&values.iter().copied().collect::<ExactSum>()).unwrap();
        assert_eq!((json(&[]), json(&[3.0, 4.0, -9.0])), ("0".to_owned(), "-2".to_owned()));
        assert_eq!(serde_json::from_str::<ExactSum>("12").unwrap().value(), 12.0);
        let large = (1u64 << 52) as f64;
        for values in [&[0.1][..], &[f64::INFINITY], &[f64::NAN, 1.0], &[large; 5000], &[-large; 5000]] {
            let read: ExactSum = serde_json::from_str(&json(values)).unwrap();
            assert_eq!(read.value().to_bits(), sum(values).to_bits());
        }
        assert!(serde_json::from_str::<ExactSum>("0.5").is_err() && serde_json::from_str::<ExactSum>("{}").is_err());
    }

    #[test]
    fn what_is_not_finite_is_kept() {
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert_eq!(sum(&[f64::NEG_INFINITY, 0.1]), f64::NEG_INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan() && sum(&[f64::NAN, 1.0]).is_nan());
    }

    #[test]
    fn what_no_sum_can_be_is_not_read() {
        let mut sum: ExactSum = [0.1, f64::MAX, -5e-324].into_iter().collect();
        sum.add(3.0);
        let valid = serde_json::to_value(&sum).unwrap();
        assert_eq!(serde_json::from_value::<ExactSum>(valid.clone()).unwrap().value(), sum.value());
        let wrong = [
            ("first", serde_json::json!(1u64 << 40)),
            ("first", serde_json::json!(1)), // 66 limbs or more do not fit from there
            ("limbs", serde_json::json!(vec![0; LIMBS + 1])),
            ("limbs", serde_json::json!([i64::MAX])),
            ("limbs", serde_json::json!([i64::MIN])),
            ("pending", serde_json::json!(u32::MAX)),
        ];
        for (field, value) in wrong {
            let mut state = valid.clone();
            if field == "first" {
                state["limbs"] = vec![1; LIMBS].into();
            }
            state[field] = value;
            assert!(serde_json::from_value::<ExactSum>(state).is_err(), "{field}");
        }
        for whole in [i128::MAX, i128::MIN] {
            let text = serde_json::to_string(&valid).unwrap().replace(r#""whole":3"#, &format!(r#""whole":{whole}"#));
            assert!(serde_json::from_str::<ExactSum>(&text).unwrap_err().to_string().contains("2^120"));
        }
        // The last limb has nowhere to pass its carry.
        let mut state = valid.clone();
        state["limbs"] = std::iter::repeat_n(0, LIMBS - 1).chain([1i64 << 40]).collect::<Vec<i64>>().into();
        state["first"] = 0.into();
        assert!(serde_json::from_value::<ExactSum>(state).unwrap_err().to_string().contains("2^60"));
    }

    proptest! {
        /// Whatever is read can be added to, merged and rounded.
        #[test]
        fn what_is_read_does_not_panic(
            limbs in prop::collection::vec(any::<i64>().prop_map(|limb| limb >> 1), 0..70),
            first in 0usize..70,
            pending in 0u32..=MOST_PENDING,
            count in any::<u64>(),
            value in any::<f64>(),
        ) {
            let state = serde_json::json!({
                "whole": -1, "limbs": limbs, "first": first, "pending": pending, "infinite": [0, 0], "nan": count >> 63,
            });
            if let Ok(mut sum) = serde_json::from_value::<ExactSum>(state) {
                sum.value();
                let other = sum.clone();
                sum.add(value);
                sum.merge(&other);
                sum.value();
            }
        }

        #[test]
        fn order_and_split_do_not_matter(
            values in prop::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 0..40),
            at in 0usize..40,
        ) {
            let (left, right) = values.split_at(at.min(values.len()));
            let mut merged: ExactSum = right.iter().copied().collect();
            merged.merge(&left.iter().copied().collect());
            let back = values.iter().rev().copied().collect::<ExactSum>();
            prop_assert_eq!(merged.value().to_bits(), sum(&values).to_bits());
            prop_assert_eq!(back.value().to_bits(), sum(&values).to_bits());
            let text = serde_json::to_string(&merged).unwrap();
            prop_assert_eq!(serde_json::from_str::<ExactSum>(&text).unwrap().value().to_bits(), merged.value().to_bits());
        }

        /// Multiples of a small power of two are summed exactly by integers.
        #[test]
        fn sums_of_fixed_point_numbers_are_those_of_integers(values in prop::collection::vec(-(1i64 << 50)..1 << 50, 0..60)) {
            let scale = 2f64.powi(-30);
            let exact: i128 = values.iter().map(|&value| i128::from(value)).sum();
            let found = values.iter().map(|&value| value as f64 * scale).collect::<ExactSum>().value();
            prop_assert_eq!(found, exact as f64 * scale);
        }
    }
}
