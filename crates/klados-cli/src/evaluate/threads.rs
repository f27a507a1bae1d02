//! Rows from files over threads.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow, bail};
use klados::{Label, on_one_thread};

use super::probabilities::Probabilities;
use super::rows::{RowBatch, RowReader};
use super::{Evaluator, Part, Rows};
use crate::data::labels::{LISTED, LabelParser};

/// What files hold and how they are read.
pub(crate) struct Source {
    pub(crate) rows: RowReader,
    /// By matrix: its file and how it is read.
    pub(crate) matrices: Vec<(PathBuf, Probabilities)>,
    pub(crate) labels: PathBuf,
    pub(crate) weights: Option<PathBuf>,
    pub(crate) has_groups: bool,
    /// Whether rows that cannot be used are left out, instead of being an error.
    pub(crate) skip_bad_rows: bool,
}

/// Evaluates all rows; `progress` is told how many have been read.
///
/// # Errors
///
/// When a file cannot be read, and rows that cannot be used: those of the first batch that has some.
pub(crate) fn run(
    evaluator: &Evaluator,
    source: Source,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Part> {
    let Source { rows, matrices, labels, weights, has_groups, skip_bad_rows } = source;
    let reader = Mutex::new(rows);
    let stop = AtomicBool::new(false);
    let work = |mut part: Part| -> (Part, Option<(usize, anyhow::Error)>) {
        let mut worker = Worker {
            evaluator,
            matrices: &matrices,
            labels_file: &labels,
            weights_file: weights.as_ref(),
            has_groups,
            skip_bad_rows,
            parser: LabelParser::new(evaluator.hierarchy()),
            log_probs: vec![Vec::new(); matrices.len()],
        };
        while !stop.load(Ordering::Relaxed) {
            let next = match reader.lock() {
                Ok(mut reader) => reader.next(),
                Err(_) => Err(anyhow!("a thread has stopped unexpectedly")),
            };
            let (first, done) = match next {
                Ok(None) => break,
                Ok(Some(batch)) => {
                    let done = worker.add(&mut part, &batch);
                    progress(batch.rows as u64);
                    (batch.first, done)
                }
                // After all that could be read.
                Err(error) => (usize::MAX, Err(error)),
            };
            if let Err(error) = done {
                stop.store(true, Ordering::Relaxed);
                return (part, Some((first, error)));
            }
        }
        (part, None)
    };
    let parts = (0..threads.max(1)).map(|_| evaluator.part()).collect::<Result<Vec<Part>>>()?;
    let results: Vec<_> = std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || on_one_thread(|| work(part)))).collect();
        workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let mut whole = evaluator.part()?;
    let mut failed: Option<(usize, anyhow::Error)> = None;
    for result in results {
        let Ok((part, error)) = result else { bail!("a thread has stopped unexpectedly") };
        // Batches are handed out in order, and all that were are worked on: the first error is always the same one.
        if let Some(error) = error
            && failed.as_ref().is_none_or(|failed| error.0 < failed.0)
        {
            failed = Some(error);
        }
        if failed.is_none() {
            whole.merge(&part)?;
        }
    }
    match failed {
        Some((_, error)) => Err(error),
        None => Ok(whole),
    }
}

struct Worker<'a> {
    evaluator: &'a Evaluator,
    matrices: &'a [(PathBuf, Probabilities)],
    labels_file: &'a PathBuf,
    weights_file: Option<&'a PathBuf>,
    has_groups: bool,
    skip_bad_rows: bool,
    parser: LabelParser,
    /// By matrix.
    log_probs: Vec<Vec<f64>>,
}

impl Worker<'_> {
    fn add(&mut self, part: &mut Part, batch: &RowBatch) -> Result<()> {
        let mut bad: Vec<(usize, String)> = Vec::new();
        let mut labels: Vec<Label> = Vec::with_capacity(batch.rows);
        for (row, label) in batch.labels.iter().enumerate() {
            labels.push(self.parser.parse(&label.text).unwrap_or_else(|message| {
                bad.push((row, format!("{}:{}: {message}", self.labels_file.display(), label.line)));
                Label::Ignored
            }));
        }
        let mut is_good: Vec<bool> = labels.iter().map(|label| *label != Label::Ignored).collect();
        let ignored = is_good.iter().filter(|is_good| !**is_good).count() - bad.len();
        for ((file, probabilities), (matrix, log_probs)) in
            self.matrices.iter().zip(batch.matrices.iter().zip(&mut self.log_probs))
        {
            // Of a row without a label nothing is asked.
            for row in probabilities.log_probs(matrix, log_probs)? {
                if labels[row.row] == Label::Ignored {
                    continue;
                }
                is_good[row.row] = false;
                let reason = format!("{}: row {} (from 0): {}", file.display(), batch.first + row.row, row.reason);
                bad.push((row.row, reason));
            }
        }
        bad.sort_by_key(|(row, _)| *row);
        if !bad.is_empty() && !self.skip_bad_rows {
            let mut message = String::new();
            bad.iter().take(LISTED).for_each(|(_, reason)| message += &format!("{reason}\n"));
            if bad.len() > LISTED {
                message += &format!("and {} more near these\n", bad.len() - LISTED);
            }
            bail!("{message}--skip-bad-rows leaves such rows out, and counts them");
        }
        let good: Vec<usize> = (0..batch.rows).filter(|row| is_good[*row]).collect();
        part.leave_out(ignored as u64, (batch.rows - ignored - good.len()) as u64);
        let nodes = self.evaluator.hierarchy().node_count();
        for log_probs in &mut self.log_probs {
            for (place, row) in good.iter().enumerate().filter(|(place, row)| place != *row) {
                log_probs.copy_within(row * nodes..(row + 1) * nodes, place * nodes);
            }
            log_probs.truncate(good.len() * nodes);
        }
        let mut weights = Vec::new();
        for row in good.iter().filter(|_| !batch.weights.is_empty()) {
            let text = &batch.weights[*row];
            let weight = text.text.trim().parse::<f64>().ok().filter(|weight| weight.is_finite() && *weight >= 0.0);
            let file = self.weights_file.map(|file| file.display().to_string()).unwrap_or_default();
            let wrong =
                || anyhow!("{file}:{}: the weight is \"{}\", expected a number from 0 up", text.line, text.text);
            weights.push(weight.ok_or_else(wrong)?);
        }
        let groups: Vec<u64> = match self.has_groups {
            true => good.iter().map(|row| hash(&batch.groups[*row].text)).collect(),
            false => Vec::new(),
        };
        let numbers: Vec<usize> = good.iter().map(|row| batch.first + row).collect();
        let labels: Vec<Label> =
            good.iter().map(|row| self.label(std::mem::replace(&mut labels[*row], Label::Ignored))).collect();
        let rows = Rows {
            numbers: &numbers,
            labels: &labels,
            weights: self.weights_file.map(|_| &weights[..]),
            groups: self.has_groups.then_some(&groups[..]),
        };
        let log_probs: Vec<&[f64]> = self.log_probs.iter().map(Vec::as_slice).collect();
        self.evaluator.update(part, &rows, &log_probs).map_err(|error| self.located(&error, batch, &good))
    }

    /// Beside sets a node is the set of itself.
    fn label(&self, label: Label) -> Label {
        match label {
            Label::Node(node) if self.evaluator.is_multi_label() => Label::Set { positive: vec![node], masked: vec![] },
            label => label,
        }
    }

    /// An error of the metrics with the place of its row.
    fn located(&self, error: &anyhow::Error, batch: &RowBatch, good: &[usize]) -> anyhow::Error {
        let Some(input) = error.downcast_ref::<klados::InputError>() else { return anyhow!("{error:#}") };
        let label = input.row().and_then(|row| good.get(row)).and_then(|row| batch.labels.get(*row));
        match label {
            Some(label) => anyhow!("{}:{}: {}", self.labels_file.display(), label.line, input.message()),
            None => anyhow!("{input}"),
        }
    }
}

/// FNV-1a: the same on every machine, so that intervals are.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
