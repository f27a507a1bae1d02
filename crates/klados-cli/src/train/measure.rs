//! What early stopping follows: a metric of the validation rows, by its name.

use anyhow::{Result, bail};
use klados::metrics::{
    Accuracy, Auprc, AuprcValue, BalancedAccuracy, Brier, Calibration, DistanceAtK, Hierarchical, HierarchicalScores,
    JudgedLevel, LcaHeight, LcaHeights, LcaScores, LevelValue, LogLoss, Metric, OperatingCurve, PrecisionRecall,
    RiskCoverage, Truths, ValuedBy, Violations, Wasserstein,
};
use klados::{InputError, Label, NodeId};

use super::reading::{Read, Reading};

/// Bins of the calibration error.
const BINS: usize = 15;

/// A metric that can be followed.
struct Known {
    name: &'static str,
    kind: Kind,
    is_lower_better: bool,
}

/// How it is computed.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Accuracy,
    BalancedAccuracy,
    LogLoss,
    Brier,
    Ece,
    LcaHeight(fn(&LcaHeights) -> Option<f64>),
    Hierarchical(fn(&HierarchicalScores) -> Option<f64>),
    Lca(ValuedBy, fn(&PrecisionRecall) -> Option<f64>),
    Distance(usize),
    Aurc,
    AveragePrecision,
    Wasserstein,
    /// Of rows of which several nodes may hold, as the next one.
    Auprc(fn(&AuprcValue) -> Option<f64>),
    Violations,
}

const fn higher(name: &'static str, kind: Kind) -> Known {
    Known { name, kind, is_lower_better: false }
}

const fn lower(name: &'static str, kind: Kind) -> Known {
    Known { name, kind, is_lower_better: true }
}

const KNOWN: &[Known] = &[
    higher("accuracy", Kind::Accuracy),
    higher("balanced_accuracy", Kind::BalancedAccuracy),
    lower("log_loss", Kind::LogLoss),
    lower("brier", Kind::Brier),
    lower("ece", Kind::Ece),
    lower("lca_height", Kind::LcaHeight(|heights| heights.lca_height)),
    lower("mistake_severity", Kind::LcaHeight(|heights| heights.mistake_severity)),
    higher("hierarchical_precision_micro", Kind::Hierarchical(|scores| scores.micro.precision)),
    higher("hierarchical_recall_micro", Kind::Hierarchical(|scores| scores.micro.recall)),
    higher("hierarchical_f1_micro", Kind::Hierarchical(|scores| scores.micro.f1)),
    higher("hierarchical_precision_macro", Kind::Hierarchical(|scores| scores.macro_average.precision)),
    higher("hierarchical_recall_macro", Kind::Hierarchical(|scores| scores.macro_average.recall)),
    higher("hierarchical_f1_macro", Kind::Hierarchical(|scores| scores.macro_average.f1)),
    higher("lca_precision", Kind::Lca(ValuedBy::Depth, |scores| scores.precision)),
    higher("lca_recall", Kind::Lca(ValuedBy::Depth, |scores| scores.recall)),
    higher("lca_f1", Kind::Lca(ValuedBy::Depth, |scores| scores.f1)),
    higher("information_precision", Kind::Lca(ValuedBy::Information, |scores| scores.precision)),
    higher("information_recall", Kind::Lca(ValuedBy::Information, |scores| scores.recall)),
    higher("information_f1", Kind::Lca(ValuedBy::Information, |scores| scores.f1)),
    lower("distance_at_1", Kind::Distance(1)),
    lower("distance_at_5", Kind::Distance(5)),
    lower("distance_at_10", Kind::Distance(10)),
    lower("aurc", Kind::Aurc),
    higher("average_precision", Kind::AveragePrecision),
    lower("wasserstein", Kind::Wasserstein),
    higher("auprc_micro", Kind::Auprc(|value| value.micro)),
    higher("auprc_macro", Kind::Auprc(|value| value.macro_average)),
    lower("violations", Kind::Violations),
];

impl Known {
    fn of_level(&self) -> bool {
        use Kind::{Accuracy, Aurc, BalancedAccuracy, Brier, Ece, LogLoss};
        matches!(self.kind, Accuracy | BalancedAccuracy | LogLoss | Brier | Ece | Aurc)
    }

    /// Whether it is of rows of which several nodes may hold.
    fn is_multi_label(&self) -> bool {
        matches!(self.kind, Kind::Auprc(_) | Kind::Violations)
    }

    fn shown(&self) -> String {
        if self.of_level() { format!("{}@LEVEL", self.name) } else { self.name.to_owned() }
    }

    /// By its name; averages are micro where nothing is said.
    fn is_named(&self, name: &str) -> bool {
        self.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == "_micro")
    }
}

/// A metric that is followed, on the levels of a hierarchy.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    kind: Kind,
    level: usize,
    is_lower_better: bool,
}

impl Measure {
    /// All names, in the lines of a help text.
    pub(crate) fn names() -> String {
        let mut text = String::from(" ");
        let mut width = 1;
        for (place, known) in KNOWN.iter().enumerate() {
            let rows = if known.is_multi_label() { " (multi-label)" } else { "" };
            let end = if place + 1 < KNOWN.len() { "," } else { "" };
            let name = format!(" {}{rows}{end}", known.shown());
            if width + name.len() > 78 {
                text += "\n ";
                width = 1;
            }
            width += name.len();
            text += &name;
        }
        text
    }

    /// The metric of this name, `NAME@LEVEL` for a level above the classes.
    ///
    /// # Errors
    ///
    /// A name or level that there is not, or a metric of other rows; the message lists what there is.
    pub(crate) fn new(name: &str, reading: &Reading) -> Result<Self> {
        let levels: Vec<&str> = reading.levels().all().iter().map(JudgedLevel::name).collect();
        let (metric, level) = match name.split_once('@') {
            Some((metric, level)) => (metric, Some(level)),
            None => (name, None),
        };
        let fits = |known: &&Known| known.is_multi_label() == reading.is_multi_label();
        let Some(known) = KNOWN.iter().filter(fits).find(|known| known.is_named(metric)) else {
            let names: Vec<String> = KNOWN.iter().filter(fits).map(Known::shown).collect();
            let rows = if reading.is_multi_label() { "multi-label rows" } else { "these rows" };
            bail!("there is no metric \"{metric}\" of {rows}: expected loss, {}", names.join(", "));
        };
        let finest = levels.len().saturating_sub(1);
        let level = match level {
            None => finest,
            Some(level) if !known.of_level() => bail!("{metric} has no levels, so there is no {metric}@{level}"),
            Some(level) => match levels.iter().position(|name| *name == level || name.replace(' ', "_") == level) {
                Some(place) => place,
                None => bail!("there is no level \"{level}\": expected {}", levels.join(", ")),
            },
        };
        Ok(Self { kind: known.kind, level, is_lower_better: known.is_lower_better })
    }

    /// Whether a number is better than the one before. What is not defined is never better.
    pub(crate) fn is_better(&self, now: Option<f64>, before: Option<f64>) -> bool {
        let defined = |value: Option<f64>| value.filter(|value| !value.is_nan());
        match (defined(now), defined(before)) {
            (Some(now), Some(before)) if self.is_lower_better => now < before,
            (Some(now), Some(before)) => now > before,
            (now, _) => now.is_some(),
        }
    }

    /// Measures rows that come in parts.
    pub(crate) fn measuring<'a>(&self, reading: &'a Reading) -> Result<Measuring<'a>> {
        let levels = reading.levels();
        let level = self.level;
        let at = move |levels: &[LevelValue]| levels.get(level).and_then(|level| level.value);
        let sums = match self.kind {
            Kind::Accuracy => of(
                Accuracy::new(levels),
                |sums, rows| sums.update_by_level(&rows.truths, &rows.by_level, None),
                move |sums| at(&sums.compute()),
            ),
            Kind::BalancedAccuracy => of(
                BalancedAccuracy::new(levels),
                |sums, rows| sums.update(&rows.truths, &rows.classes, None),
                move |sums| sums.compute().get(level).and_then(|level| level.balanced_accuracy),
            ),
            Kind::LogLoss => of(
                LogLoss::new(levels),
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                move |sums| at(&sums.compute()),
            ),
            Kind::Brier => of(
                Brier::new(levels),
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                move |sums| at(&sums.compute()),
            ),
            Kind::Ece => of(
                Calibration::new(levels, BINS)?,
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                move |sums| sums.compute().get(level).and_then(|level| level.ece),
            ),
            Kind::LcaHeight(pick) => of(
                LcaHeight::new(levels),
                |sums, rows| sums.update(&rows.truths, &rows.classes, None),
                move |sums| pick(&sums.compute()),
            ),
            Kind::Hierarchical(pick) => of(
                Hierarchical::new(levels),
                |sums, rows| sums.update(&rows.truths, &rows.classes, None),
                move |sums| pick(&sums.compute()),
            ),
            Kind::Lca(valued_by, pick) => of(
                LcaScores::new(levels, valued_by),
                |sums, rows| sums.update(&rows.truths, &rows.classes, None),
                move |sums| pick(&sums.compute().scores),
            ),
            Kind::Distance(k) => of(
                DistanceAtK::new(levels, &[k])?,
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                |sums| sums.compute().first().and_then(|distance| distance.value),
            ),
            Kind::Aurc => of(
                RiskCoverage::new(levels),
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                move |sums| sums.compute().get(level).and_then(|level| level.aurc),
            ),
            Kind::AveragePrecision => of(
                OperatingCurve::new(levels, ValuedBy::Information),
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                |sums| sums.compute().average_precision,
            ),
            Kind::Wasserstein => of(
                Wasserstein::new(levels)?,
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                Wasserstein::compute,
            ),
            Kind::Auprc(pick) => of(
                Auprc::new(levels),
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                move |sums| pick(&sums.compute()),
            ),
            Kind::Violations => of(
                Violations::new(levels),
                |sums, rows| sums.update(&rows.truths, rows.read.log_probs(), None),
                Violations::compute,
            ),
        };
        Ok(Measuring { reading, sums, has_nan: false })
    }
}

/// A metric being measured.
pub(crate) struct Measuring<'a> {
    reading: &'a Reading,
    sums: Box<dyn Sums>,
    has_nan: bool,
}

/// Rows with their predictions.
struct Rows<'a> {
    read: &'a Read,
    truths: Truths<'a>,
    /// The most probable node of each level.
    by_level: Vec<NodeId>,
    /// The most probable class.
    classes: Vec<NodeId>,
}

/// An accumulator of any metric.
trait Sums {
    fn add(&mut self, rows: &Rows<'_>) -> Result<(), InputError>;
    fn value(&self) -> Option<f64>;
}

/// An accumulator, how it takes rows, and the number that is followed.
struct Of<A, Add, Value> {
    sums: A,
    add: Add,
    value: Value,
}

fn of<A: 'static>(
    sums: A,
    add: impl Fn(&mut A, &Rows<'_>) -> Result<(), InputError> + 'static,
    value: impl Fn(&A) -> Option<f64> + 'static,
) -> Box<dyn Sums> {
    Box::new(Of { sums, add, value })
}

impl<A, Add, Value> Sums for Of<A, Add, Value>
where
    Add: Fn(&mut A, &Rows<'_>) -> Result<(), InputError>,
    Value: Fn(&A) -> Option<f64>,
{
    fn add(&mut self, rows: &Rows<'_>) -> Result<(), InputError> {
        (self.add)(&mut self.sums, rows)
    }

    fn value(&self) -> Option<f64> {
        (self.value)(&self.sums)
    }
}

impl Measuring<'_> {
    /// Adds rows.
    ///
    /// # Errors
    ///
    /// Labels that are distributions.
    pub(crate) fn add(&mut self, read: &Read, labels: &[Label]) -> Result<()> {
        if read.has_nan() {
            self.has_nan = true;
            return Ok(());
        }
        let (levels, hierarchy) = (self.reading.levels(), self.reading.hierarchy());
        let labels = self.reading.judged(labels);
        let truths = levels.truths(&labels)?;
        let mut by_level = vec![NodeId::ROOT; read.rows() * levels.all().len()];
        levels.most_probable(read.rank(), &mut by_level)?;
        let classes = (0..read.rows()).map(|row| hierarchy.class_node(read.class(row))).collect();
        Ok(self.sums.add(&Rows { read, truths, by_level, classes })?)
    }

    /// The metric of all rows; none where it is not defined, or a row has NaN.
    pub(crate) fn finish(self) -> Option<f64> {
        self.sums.value().filter(|_| !self.has_nan)
    }
}

#[cfg(test)]
mod tests {
    use klados::Hierarchy;

    use super::*;

    fn reading(loss: &str) -> Reading {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        Reading::new(&hierarchy, &loss.parse().expect("a loss")).expect("a reading")
    }

    /// Of logits for bat, dog, crow and robin.
    fn measured(name: &str, rows: &[([f32; 4], &str)]) -> Option<f64> {
        let reading = reading("marginal_cross_entropy");
        let mut measuring = Measure::new(name, &reading).expect("a metric").measuring(&reading).expect("it begins");
        for (logits, label) in rows {
            let label = reading.hierarchy().parse_label(label).expect("a label");
            measuring.add(&reading.read(logits).expect("a row"), &[label]).expect("it is added");
        }
        measuring.finish()
    }

    #[test]
    fn every_metric_is_measured_and_says_what_is_better() {
        let rows = [([2.0, 0.0, 0.0, 0.0], "dog"), ([0.0, 0.0, 3.0, 0.0], "crow"), ([0.0, 4.0, 0.0, 0.0], "bird")];
        for known in KNOWN.iter().filter(|known| !known.is_multi_label()) {
            if let Kind::Distance(5 | 10) = known.kind {
                continue; // of more classes than there are
            }
            let value = measured(known.name, &rows).expect("a number");
            let all_right = measured(known.name, &[rows[1]]);
            let reading = reading("marginal_cross_entropy");
            let measure = Measure::new(known.name, &reading).expect("a metric");
            match known.name {
                // There is none without a mistake.
                "mistake_severity" => assert_eq!((all_right, Some(value)), (None, Some(1.5))),
                _ => assert!(measure.is_better(all_right, Some(value)), "{}: {value} {all_right:?}", known.name),
            }
        }
        // The dog is taken for a bat, the bird for a dog; "bird" is no species.
        assert_eq!(measured("accuracy", &rows), Some(0.5));
        assert_eq!(measured("accuracy@depth 1", &rows), measured("accuracy@depth_1", &rows));
        assert_eq!(measured("accuracy@depth 1", &rows), Some(2.0 / 3.0));
        assert_eq!(measured("lca_height", &rows), Some(1.0));
    }

    #[test]
    fn what_is_not_defined_is_never_better() {
        let severity = Measure::new("mistake_severity", &reading("marginal_cross_entropy")).expect("a metric");
        assert!(severity.is_better(Some(1.0), None) && severity.is_better(Some(1.0), Some(f64::NAN)));
        assert!(!severity.is_better(None, Some(2.0)) && !severity.is_better(Some(f64::NAN), None));
        // Equal is not better: the first epoch is kept.
        assert!(!severity.is_better(Some(2.0), Some(2.0)) && severity.is_better(Some(1.0), Some(2.0)));
        assert_eq!(measured("accuracy", &[([f32::NAN, 0.0, 0.0, 0.0], "dog")]), None);
    }

    #[test]
    fn names_that_are_not_there_are_listed() {
        let error = |name: &str, loss: &str, sets: bool| {
            let reading = reading(loss).for_multi_label(sets);
            Measure::new(name, &reading).expect_err("an error").to_string()
        };
        let unknown = error("acuracy", "marginal_cross_entropy", false);
        assert!(unknown.starts_with("there is no metric \"acuracy\" of these rows: expected loss, accuracy@LEVEL, "));
        assert_eq!(error("ece@genus", "soft_labels", false), "there is no level \"genus\": expected depth 1, class");
        assert_eq!(
            error("lca_height@class", "soft_labels", false),
            "lca_height has no levels, so there is no lca_height@class"
        );
        let sets = error("accuracy", "binary_cross_entropy", true);
        assert_eq!(
            sets,
            "there is no metric \"accuracy\" of multi-label rows: expected loss, auprc_micro, auprc_macro, violations"
        );
    }
}
