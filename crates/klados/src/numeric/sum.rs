//! A sum in two numbers, for differences of sums.

/// A sum and what rounding lost of it (Neumaier 1974): differences keep their digits where the sums nearly agree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    rounded: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.rounded + value;
        self.lost += if self.rounded.abs() >= value.abs() {
            (self.rounded - next) + value
        } else {
            (value - next) + self.rounded
        };
        self.rounded = next;
    }

    pub(crate) fn value(self) -> f64 {
        self.rounded + self.lost
    }

    /// `self - other`.
    pub(crate) fn less(self, other: Self) -> f64 {
        (self.rounded - other.rounded) + (self.lost - other.lost)
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        values.into_iter().fold(Self::default(), |mut sum, value| {
            sum.add(value);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_sum_keeps_its_digits() {
        let (all, most): (Sum, Sum) = ([0.7, 0.3, 3e-20].into_iter().collect(), [0.7, 0.3].into_iter().collect());
        assert!((all.less(most) / 3e-20 - 1.0).abs() < 1e-11);
        assert_eq!([1e100, 1.0, -1e100].into_iter().collect::<Sum>().value(), 1.0);
    }
}
