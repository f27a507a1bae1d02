//! Rows with labels, and the scaling of their features.

use klados::Label;
use serde::{Deserialize, Serialize};

/// Rows of features with their labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Examples {
    /// How many features a row has.
    pub(crate) width: usize,
    /// `rows x width`, row after row.
    pub(crate) values: Vec<f32>,
    /// By row.
    pub(crate) labels: Vec<Label>,
}

impl Examples {
    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The rows at these indices.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let width = self.width;
        Self {
            width,
            values: rows.iter().flat_map(|&row| &self.values[row * width..(row + 1) * width]).copied().collect(),
            labels: rows.iter().map(|&row| self.labels[row].clone()).collect(),
        }
    }
}

/// Shifts and scales each feature to mean 0 and variance 1 on the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standardizer {
    /// By feature.
    pub(crate) mean: Vec<f32>,
    /// By feature, what to multiply with; 0 for a feature that never varied in training.
    pub(crate) scale: Vec<f32>,
}

impl Standardizer {
    /// Takes mean and variance from these rows.
    pub(crate) fn fit(values: &[f32], width: usize) -> Self {
        let rows = (values.len() / width.max(1)).max(1) as f64;
        let mut mean = vec![0.0f64; width];
        for row in values.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += f64::from(*value) / rows);
        }
        let mut variance = vec![0.0f64; width];
        for row in values.chunks_exact(width) {
            for ((variance, value), mean) in variance.iter_mut().zip(row).zip(&mean) {
                *variance += (f64::from(*value) - mean).powi(2) / rows;
            }
        }
        // Against the size of the values, so that rounding in a constant column does not count as variation.
        let varies = |variance: f64, mean: f64| variance.sqrt() > 1e-6 * mean.abs();
        let scale = variance
            .iter()
            .zip(&mean)
            .map(|(&variance, &mean)| if varies(variance, mean) { (1.0 / variance.sqrt()) as f32 } else { 0.0 });
        Self { scale: scale.collect(), mean: mean.iter().map(|&mean| mean as f32).collect() }
    }

    /// Shifts and scales rows in place.
    pub(crate) fn apply(&self, values: &mut [f32]) {
        for row in values.chunks_exact_mut(self.mean.len().max(1)) {
            for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = (*value - mean) * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_scaled_and_constant_ones_become_zero() {
        let mut values = vec![1.0, 0.1, 3.0, 0.1, 5.0, 0.1];
        let standardizer = Standardizer::fit(&values, 2);
        standardizer.apply(&mut values);
        let deviation = (8.0f32 / 3.0).sqrt();
        let expected = [-2.0 / deviation, 0.0, 0.0, 0.0, 2.0 / deviation, 0.0];
        assert!(values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6), "{values:?}");
    }
}
