//! What is read from the replicates of a bootstrap.

use serde::{Deserialize, Serialize};

/// The metrics of every replicate of a [`Bootstrap`](super::Bootstrap) or a [`RowBootstrap`](super::RowBootstrap), from which intervals are read.
#[derive(Clone, Debug)]
pub struct Replicates {
    pub(super) metrics: usize,
    pub(super) confidence: f64,
    /// By metric; NaN where it has no value.
    pub(super) point: Vec<f64>,
    /// `[replicates, metrics]`.
    pub(super) values: Vec<f64>,
}

/// A number with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Of the rows themselves; none where no row takes part.
    pub value: Option<f64>,
    /// The lower end: the quantile `(1 - confidence) / 2` of the replicates that have a value (the percentile interval).
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The standard deviation of the replicates.
    pub standard_error: Option<f64>,
    /// The replicates that have a value.
    pub replicates: usize,
}

impl Replicates {
    /// The number of metrics.
    pub fn metrics(&self) -> usize {
        self.metrics
    }

    /// The metrics of a replicate; NaN where one has no value. None where there is no such replicate.
    pub fn get(&self, replicate: usize) -> Option<&[f64]> {
        self.values.chunks_exact(self.metrics.max(1)).nth(replicate)
    }

    /// The interval of a metric, counted from 0. Of a metric that is not there it is empty.
    pub fn interval(&self, metric: usize) -> Interval {
        self.interval_of(|values| values.get(metric).copied().unwrap_or(f64::NAN))
    }

    /// The interval of the difference of two metrics, the first less the second: of the same metric of two models, the paired
    /// bootstrap.
    pub fn difference(&self, metric: usize, less: usize) -> Interval {
        self.interval_of(|values| match (values.get(metric), values.get(less)) {
            (Some(value), Some(less)) => value - less,
            _ => f64::NAN,
        })
    }

    /// The interval of any function of the metrics, in their order. Where it is NaN it has no value.
    ///
    /// ```
    /// use klados::metrics::{Bootstrap, Ratio, Resampling};
    ///
    /// let mut bootstrap = Bootstrap::new(2, Resampling::default())?;
    /// let of = |numerator| Ratio { numerator, denominator: 1.0 };
    /// bootstrap.update(&[of(3.0), of(1.0), of(4.0), of(2.0)], None)?;
    /// let relative = bootstrap.replicates().interval_of(|metrics| metrics[0] / metrics[1] - 1.0);
    /// assert!((relative.value.unwrap() - (3.5 / 1.5 - 1.0)).abs() < 1e-15);
    /// # Ok::<(), klados::InputError>(())
    /// ```
    pub fn interval_of(&self, function: impl Fn(&[f64]) -> f64) -> Interval {
        let point = function(&self.point);
        let mut values: Vec<f64> = self.values.chunks_exact(self.metrics.max(1)).map(function).collect();
        values.retain(|value| !value.is_nan());
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Interval {
            value: (!point.is_nan()).then_some(point),
            low: quantile(&values, tail),
            high: quantile(&values, 1.0 - tail),
            standard_error: standard_deviation(&values),
            replicates: values.len(),
        }
    }
}

/// The quantile of sorted numbers, interpolated between neighbours (type 7 of Hyndman & Fan 1996, NumPy's default).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let (low, high) = (sorted[below.min(last)], sorted[(below + 1).min(last)]);
    Some(if part == 0.0 || low == high { low } else { low + part * (high - low) })
}

fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    (!deviation.is_nan()).then_some(deviation)
}
