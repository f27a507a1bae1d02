//! Metrics that are no ratio of two sums, from rows with the weights of a replicate.

use super::calibration::bin_of;
use super::contributions::Part;
use super::operating_curve::area;
use super::risk_coverage::least_risk;
use crate::numeric::scalar;

/// The contributions of what is drawn, sorted as the metrics need them, once for all replicates.
pub(super) struct Resampled {
    parts: Vec<Sorted>,
}

enum Sorted {
    Confidence(Vec<Confidence>),
    Shares { nodes: usize, entries: Vec<Share> },
    Operating { starts: Vec<Change>, changes: Vec<Change> },
}

/// An answer, by falling confidence.
struct Confidence {
    unit: u32,
    /// Whether the next one has the same confidence, or is in the same bin.
    is_tied: bool,
    is_in_bin: bool,
    /// Negative where it is wrong.
    weight: f64,
    confidence: f64,
}

struct Share {
    unit: u32,
    /// Among the nodes that hold of a row.
    node: u32,
    /// Negative where it is wrong.
    weight: f64,
}

struct Change {
    unit: u32,
    /// Whether the next one has the same log-probability.
    is_tied: bool,
    /// The log-probability; of a start the weight.
    at: f64,
    by: [f64; 4],
}

impl Resampled {
    /// Of the rows of each unit, with how often they occur in it.
    pub(super) fn new<'a>(parts: &[Part], units: impl Iterator<Item = &'a [(&'a [u64], f64)]>) -> Self {
        let sorted = |part: &Part| match part {
            Part::Confidence { .. } => Sorted::Confidence(Vec::new()),
            Part::Shares => Sorted::Shares { nodes: 0, entries: Vec::new() },
            Part::Operating => Sorted::Operating { starts: Vec::new(), changes: Vec::new() },
        };
        let mut all: Vec<Sorted> = parts.iter().map(sorted).collect();
        for (unit, rows) in units.enumerate() {
            for (row, times) in rows {
                let mut rest = *row;
                for (part, sorted) in parts.iter().zip(&mut all) {
                    let Some((entries, more)) = part.entries(rest) else { break };
                    sorted.add(unit as u32, entries, *times);
                    rest = more;
                }
            }
        }
        parts.iter().zip(&mut all).for_each(|(part, sorted)| sorted.sort(*part));
        Self { parts: all }
    }

    /// The numbers of all parts, where each unit counts so often; NaN where one is of nothing.
    pub(super) fn compute(&self, weights: &[f64], out: &mut [f64]) {
        let mut out = out.iter_mut();
        for part in &self.parts {
            let numbers = match part {
                Sorted::Confidence(entries) => of_confidences(entries, weights).to_vec(),
                Sorted::Shares { nodes, entries } => vec![mean_share(*nodes, entries, weights)],
                Sorted::Operating { starts, changes } => areas(starts, changes, weights).to_vec(),
            };
            out.by_ref().zip(numbers).for_each(|(out, number)| *out = number);
        }
    }
}

impl Sorted {
    fn add(&mut self, unit: u32, entries: &[u64], times: f64) {
        let number = f64::from_bits;
        match self {
            Self::Confidence(all) => {
                let (confidence, weight) = (number(entries[0]), times * number(entries[1]));
                if weight != 0.0 {
                    // Log-probabilities, until they are sorted.
                    all.push(Confidence { unit, is_tied: false, is_in_bin: false, weight, confidence });
                }
            }
            Self::Shares { entries: all, .. } => {
                let share = |entry: &[u64]| Share { unit, node: entry[0] as u32, weight: times * number(entry[1]) };
                all.extend(entries.chunks_exact(2).map(share));
            }
            Self::Operating { starts, changes } => {
                for (at, entry) in entries.chunks_exact(5).enumerate() {
                    let by = [1, 2, 3, 4].map(|place| times * number(entry[place]));
                    match at {
                        0 => starts.push(Change { unit, is_tied: false, at: times * number(entry[0]), by }),
                        _ => changes.push(Change { unit, is_tied: false, at: number(entry[0]), by }),
                    }
                }
            }
        }
    }

    /// Sorts, stably: units come in their order.
    fn sort(&mut self, part: Part) {
        match self {
            Self::Confidence(all) => {
                let bins = if let Part::Confidence { bins } = part { bins } else { 1 };
                all.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
                let log_p: Vec<f64> = all.iter().map(|entry| entry.confidence).collect();
                all.iter_mut().for_each(|entry| entry.confidence = scalar::exp(entry.confidence));
                let bin: Vec<usize> = all.iter().map(|entry| bin_of(entry.confidence, bins)).collect();
                for (at, entry) in all.iter_mut().enumerate() {
                    entry.is_tied = log_p.get(at + 1) == Some(&log_p[at]);
                    entry.is_in_bin = bin.get(at + 1) == Some(&bin[at]);
                }
            }
            Self::Shares { nodes, entries } => {
                let mut known: Vec<u32> = entries.iter().map(|entry| entry.node).collect();
                known.sort_unstable();
                known.dedup();
                *nodes = known.len();
                for entry in entries {
                    entry.node = known.partition_point(|node| *node < entry.node) as u32;
                }
            }
            Self::Operating { changes, .. } => {
                changes.sort_by(|a, b| b.at.total_cmp(&a.at));
                for at in 1..changes.len() {
                    changes[at - 1].is_tied = changes[at - 1].at == changes[at].at;
                }
            }
        }
    }
}

/// The area under the risk-coverage curve, its excess, and the calibration error.
fn of_confidences(entries: &[Confidence], weights: &[f64]) -> [f64; 3] {
    let (mut rows, mut wrong, mut before, mut area) = (0.0, 0.0, 0.0, 0.0);
    let (mut gap, mut gaps) = (0.0, 0.0);
    for entry in entries {
        let weight = weights[entry.unit as usize] * entry.weight;
        let size = weight.abs();
        rows += size;
        wrong += size - f64::max(weight, 0.0);
        gap += f64::max(weight, 0.0) - size * entry.confidence;
        if !entry.is_tied && rows > before {
            area += (rows - before) * (wrong / rows);
            before = rows;
        }
        if !entry.is_in_bin {
            gaps += f64::abs(gap);
            gap = 0.0;
        }
    }
    if rows > 0.0 { [area / rows, area / rows - least_risk(wrong / rows), gaps / rows] } else { [f64::NAN; 3] }
}

/// The mean, over the nodes with rows, of the share of these that is right.
fn mean_share(nodes: usize, entries: &[Share], weights: &[f64]) -> f64 {
    let mut sums = vec![[0.0; 2]; nodes];
    for entry in entries {
        let weight = weights[entry.unit as usize] * entry.weight;
        let [rows, right] = &mut sums[entry.node as usize];
        *rows += weight.abs();
        *right += f64::max(weight, 0.0);
    }
    let shares = sums.iter().filter(|[rows, _]| *rows > 0.0).map(|[rows, right]| right / rows);
    let (sum, count) = shares.fold((0.0, 0.0), |(sum, count), share| (sum + share, count + 1.0));
    sum / count // NaN of none
}

/// The areas of right answers over recall, of precision over recall, of right answers over exact ones.
fn areas(starts: &[Change], changes: &[Change], weights: &[f64]) -> [f64; 3] {
    let (mut rows, mut sums) = (0.0, [0.0; 4]);
    let add = |sums: &mut [f64; 4], change: &Change| {
        let weight = weights[change.unit as usize];
        sums.iter_mut().zip(change.by).for_each(|(sum, by)| *sum += weight * by);
        weight
    };
    for start in starts {
        rows += add(&mut sums, start) * start.at;
    }
    if rows <= 0.0 {
        return [f64::NAN; 3];
    }
    let point = |sums: [f64; 4]| sums.map(|sum| (sum / rows).clamp(0.0, 1.0));
    let mut points = vec![point(sums)];
    let mut has_changed = false;
    for change in changes {
        has_changed |= add(&mut sums, change) > 0.0;
        if !change.is_tied && has_changed {
            points.push(point(sums));
            has_changed = false;
        }
    }
    // Recall, precision, right, exact.
    [(0, 2), (0, 1), (3, 2)]
        .map(|(x, y)| area(points.iter().map(|point| (point[x], point[y])).collect()).unwrap_or(f64::NAN))
}
