//! The contenders in Rust: checked, timed, written down.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use half::{bf16, f16};
use klados::Element;
use klados::Hierarchy;
use serde::{Deserialize, Serialize};

use crate::cases::{self, Case};
use crate::check::{self, Tolerance};
use crate::contender::{Claim, Contender, Klados, Memcpy, on_each_instruction_set};
use crate::setup::Setup;
use crate::timing;

/// A line of `rust.csv`, and of `python.csv`, which the Python contenders write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) engine: String,
    pub(crate) contender: String,
    pub(crate) series: String,
    pub(crate) hierarchy: String,
    pub(crate) order: String,
    pub(crate) dtype: String,
    pub(crate) batch: usize,
    pub(crate) classes: usize,
    pub(crate) nodes: usize,
    pub(crate) depth: usize,
    pub(crate) largest: f64,
    pub(crate) threads: usize,
    pub(crate) milliseconds: f64,
    pub(crate) times_memcpy: f64,
    pub(crate) rounds: usize,
}

/// Goes through the cases of a folder.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let mut writer = csv::Writer::from_path(folder.join("rust.csv"))?;
    let mut hierarchies: HashMap<(String, String), Arc<Hierarchy>> = HashMap::new();
    for case in cases::read(folder)? {
        let key = (case.hierarchy.clone(), case.order.clone());
        if !hierarchies.contains_key(&key) {
            let Some(hierarchy) = cases::in_order(&case.hierarchy, &case.order)? else { continue };
            hierarchies.insert(key.clone(), Arc::new(hierarchy));
        }
        let hierarchy = Arc::clone(&hierarchies[&key]);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(case.threads).build()?;
        let rows = pool.install(|| measured(&case, hierarchy)).with_context(|| format!("{case:?}"))?;
        for row in rows {
            let Row { hierarchy, order, dtype, contender, .. } = &row;
            let name = format!("{hierarchy} {order} {dtype} [{}, {}] x{}", row.batch, row.classes, row.threads);
            println!("{name:50} {contender:12} {:10.3} ms {:8.2} x memcpy", row.milliseconds, row.times_memcpy);
            writer.serialize(row)?;
        }
        writer.flush()?;
    }
    Ok(())
}

fn measured(case: &Case, hierarchy: Arc<Hierarchy>) -> Result<Vec<Row>> {
    match case.dtype.as_str() {
        "f32" if case.series == "instructions" => measure(case, &Setup::<f32>::new(case, hierarchy)?, of_instructions),
        "f32" => measure(case, &Setup::<f32>::new(case, hierarchy)?, of_any_type),
        "f64" => measure(case, &Setup::<f64>::new(case, hierarchy)?, of_any_type),
        "f16" => measure(case, &Setup::<f16>::new(case, hierarchy)?, of_any_type),
        "bf16" => measure(case, &Setup::<bf16>::new(case, hierarchy)?, of_any_type),
        other => bail!("there is no type \"{other}\""),
    }
}

/// The contenders on a batch.
type Contenders = Vec<Box<dyn Contender>>;

fn of_any_type<T: Element>(setup: &Setup<T>) -> Result<Contenders> {
    Ok(vec![Box::new(Memcpy::new(setup)), Box::new(Klados::new(setup))])
}

fn of_instructions(setup: &Setup<f32>) -> Result<Contenders> {
    let mut contenders: Contenders = vec![Box::new(Memcpy::new(setup))];
    contenders.extend(on_each_instruction_set(setup));
    Ok(contenders)
}

/// Checks a batch of the first, a middle and the last row, then those rows in the whole batch, then times that.
fn measure<T: Element>(
    case: &Case,
    setup: &Setup<T>,
    contenders: fn(&Setup<T>) -> Result<Contenders>,
) -> Result<Vec<Row>> {
    let mut rows = vec![0, case.batch / 2, case.batch - 1];
    rows.dedup();
    let few = setup.rows(&rows);
    let mut all = contenders(setup)?;
    for (small, whole) in contenders(&few)?.iter_mut().zip(&mut all) {
        let expected = check::expected(&few, whole.claim())?;
        let tolerance = match whole.claim() {
            Claim::Flat => Tolerance::of_operations(),
            Claim::Copy | Claim::AllLevels => Tolerance::of_kernel(&case.dtype),
        };
        small.step()?;
        whole.step()?;
        check::batch(&**small, &expected, tolerance).with_context(|| whole.name().to_owned())?;
        check::rows(&whole.outcome()?, &rows, &expected, tolerance).with_context(|| whole.name().to_owned())?;
    }
    let times = timing::time(&mut all)?;
    Ok(all.iter().zip(times).map(|(contender, times)| row(case, &**contender, &times)).collect())
}

fn row(case: &Case, contender: &dyn Contender, times: &timing::Times) -> Row {
    let Case { series, hierarchy, order, dtype, .. } = case.clone();
    Row {
        engine: "rust".to_owned(),
        contender: contender.name().to_owned(),
        series,
        hierarchy,
        order,
        dtype,
        batch: case.batch,
        classes: case.classes,
        nodes: case.nodes,
        depth: case.depth,
        largest: case.largest,
        threads: case.threads,
        milliseconds: times.milliseconds,
        times_memcpy: times.of_first,
        rounds: times.rounds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(dtype: &str, order: &str) -> Case {
        Case {
            series: "speed".to_owned(),
            hierarchy: "tree-100".to_owned(),
            order: order.to_owned(),
            dtype: dtype.to_owned(),
            batch: 8,
            classes: 100,
            nodes: 111,
            depth: 2,
            largest: 0.1,
            threads: 1,
            python: false,
            compiled: false,
        }
    }

    #[test]
    fn every_type_and_order_is_checked_and_timed() {
        for (dtype, order) in [("f32", "tree"), ("f32", "shuffled"), ("f64", "tree"), ("f16", "tree"), ("bf16", "tree")]
        {
            let case = case(dtype, order);
            let hierarchy = cases::in_order(&case.hierarchy, order).unwrap().unwrap();
            let rows = measured(&case, Arc::new(hierarchy)).unwrap();
            assert_eq!((rows[0].contender.as_str(), rows[0].times_memcpy), ("memcpy", 1.0));
            assert!(rows[1].contender == "klados" && rows[1].times_memcpy > 0.0, "{rows:?}");
        }
    }

    /// A contender that is wrong is not timed.
    #[test]
    fn a_wrong_gradient_is_an_error() {
        let case = case("f32", "tree");
        let hierarchy = cases::in_order("tree-100", "tree").unwrap().unwrap();
        let setup = Setup::<f32>::new(&case, Arc::new(hierarchy)).unwrap();
        /// Claims all levels, and copies.
        struct Liar(Memcpy<f32>);
        impl Contender for Liar {
            fn name(&self) -> &str {
                "liar"
            }
            fn claim(&self) -> Claim {
                Claim::AllLevels
            }
            fn step(&mut self) -> Result<()> {
                self.0.step()
            }
            fn outcome(&self) -> Result<crate::contender::Outcome> {
                self.0.outcome()
            }
        }
        let error = measure(&case, &setup, |setup| Ok(vec![Box::new(Liar(Memcpy::new(setup)))])).unwrap_err();
        assert!(format!("{error:#}").starts_with("liar: "), "{error:#}");
    }
}
