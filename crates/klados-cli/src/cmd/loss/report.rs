//! What `klados loss` prints.

use std::collections::HashMap;
use std::io::Write;

use anyhow::Result;
use klados::loss::Reduction;
use klados::{Criterion, Level, NodeId, TermSet};
use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::terms::NodeTerm;
use crate::cmd::format::{Number, rounded};
use crate::data::hierarchy::lookup_name;
use crate::data::values::Values;

/// So many samples, and so many nodes a level, are shown to people; programs get all.
const SHOWN: usize = 20;

/// The loss of a batch.
pub(crate) struct Report<'a> {
    pub(crate) criterion: &'a Criterion,
    pub(crate) reduction: Reduction,
    /// None where the reduction is none.
    pub(crate) loss: Option<f64>,
    pub(crate) per_sample: Values,
    /// How many samples take part.
    pub(crate) count: usize,
    /// How many terms, where the mean divides by those.
    pub(crate) mean_terms: Option<f64>,
    pub(crate) terms: Vec<NodeTerm>,
    /// By row, the label as it was written.
    pub(crate) labels: Vec<&'a str>,
}

#[derive(Serialize)]
struct Json<'a> {
    loss: Option<Number<f64>>,
    per_sample: PerSample<'a>,
    count: usize,
    terms: Vec<JsonTerm>,
}

#[derive(Serialize)]
struct JsonTerm {
    node: String,
    level: Option<JsonLevel>,
    mean: Number<f64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum JsonLevel {
    Rank(String),
    Depth(usize),
}

/// The losses in the precision of the logits.
struct PerSample<'a>(&'a Values);

impl Serialize for PerSample<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        match self.0 {
            Values::F32(values) => values.iter().try_for_each(|value| list.serialize_element(&Number(*value)))?,
            values => values.to_f64().into_iter().try_for_each(|value| list.serialize_element(&Number(value)))?,
        }
        list.end()
    }
}

impl Report<'_> {
    /// As one line of JSON.
    pub(crate) fn write_json(&self, out: &mut dyn Write) -> Result<()> {
        let terms = self.terms.iter().map(|term| JsonTerm {
            node: self.name_of(&term.of),
            level: self.level_of(&term.of).map(|level| match level {
                Level::Rank(rank) => JsonLevel::Rank(rank),
                Level::Depth(depth) => JsonLevel::Depth(depth),
            }),
            mean: Number(term.mean),
        });
        let json = Json {
            loss: self.loss.map(Number),
            per_sample: PerSample(&self.per_sample),
            count: self.count,
            terms: terms.collect(),
        };
        serde_json::to_writer(&mut *out, &json)?;
        Ok(writeln!(out)?)
    }

    /// As tables.
    pub(crate) fn write_text(&self, out: &mut dyn Write) -> Result<()> {
        let name = self.criterion.loss().name();
        let samples = if self.count == 1 { "1 sample".to_owned() } else { format!("{} samples", self.count) };
        let mean = match self.mean_terms {
            Some(terms) => format!("{terms} terms of {samples}"),
            None => samples.clone(),
        };
        match (self.loss, self.reduction) {
            (Some(loss), Reduction::Sum) => writeln!(out, "{name}: {} (sum over {samples})", rounded(loss))?,
            (Some(loss), _) => writeln!(out, "{name}: {} (mean over {mean})", rounded(loss))?,
            (None, _) => writeln!(out, "{name}: {samples}, not reduced")?,
        }
        self.write_terms(out)?;
        self.write_samples(out)
    }

    /// The terms by level, the levels from the top, the largest terms first.
    fn write_terms(&self, out: &mut dyn Write) -> Result<()> {
        let levels: Vec<Level> = self.criterion.hierarchy().levels();
        let place: HashMap<&Level, usize> = levels.iter().enumerate().map(|(place, level)| (level, place)).collect();
        let mut groups: Vec<Vec<&NodeTerm>> = vec![Vec::new(); levels.len() + 1];
        for term in &self.terms {
            let level = self.level_of(&term.of);
            groups[level.and_then(|level| place.get(&level).copied()).unwrap_or(levels.len())].push(term);
        }
        let mut lines = vec![(format!("{} by level and node", self.share_title()), String::new())];
        for (index, mut group) in groups.into_iter().enumerate().filter(|(_, group)| !group.is_empty()) {
            let title = match levels.get(index) {
                Some(Level::Rank(rank)) => rank.clone(),
                Some(Level::Depth(depth)) => format!("depth {depth}"),
                None => "no level".to_owned(),
            };
            let total = group.iter().map(|term| term.mean).sum();
            lines.push((title, rounded(total)));
            // NaN first: it is what one looks for.
            group.sort_by(|a, b| b.mean.abs().total_cmp(&a.mean.abs()));
            for term in group.iter().take(SHOWN) {
                lines.push((format!("  {}", self.name_of(&term.of)), rounded(term.mean)));
            }
            if group.len() > SHOWN {
                let rest = group[SHOWN..].iter().map(|term| term.mean).sum();
                lines.push((format!("  {} more nodes", group.len() - SHOWN), rounded(rest)));
            }
        }
        if lines.len() == 1 {
            return Ok(());
        }
        writeln!(out)?;
        let width = lines[1..].iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let right = lines.iter().map(|(_, number)| number.len()).max().unwrap_or(0);
        for (name, number) in lines {
            writeln!(out, "{}", format!("{name:width$}  {number:>right$}").trim_end())?;
        }
        Ok(())
    }

    fn share_title(&self) -> &'static str {
        match self.reduction {
            Reduction::Mean => "terms,",
            _ => "terms of the mean,",
        }
    }

    fn write_samples(&self, out: &mut dyn Write) -> Result<()> {
        if self.labels.len() > SHOWN {
            return Ok(writeln!(out, "\n--format json has the losses of all {} rows", self.labels.len())?);
        }
        let number = |row: usize| match &self.per_sample {
            Values::F32(values) => rounded(values[row].into()),
            values => rounded(values.to_f64()[row]),
        };
        let shown: Vec<(&str, String)> = self
            .labels
            .iter()
            .enumerate()
            .map(|(row, label)| if label.is_empty() { ("(ignored)", number(row)) } else { (*label, number(row)) })
            .collect();
        if shown.is_empty() {
            return Ok(());
        }
        let width = shown.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0).max("label".len());
        let right = shown.iter().map(|(_, loss)| loss.len()).max().unwrap_or(0).max("loss".len());
        writeln!(out, "\nrow  {:width$}  {:>right$}", "label", "loss")?;
        for (row, (label, loss)) in shown.into_iter().enumerate() {
            writeln!(out, "{row:3}  {label:width$}  {loss:>right$}")?;
        }
        Ok(())
    }

    /// A name by which it can be looked up, as in a label.
    fn name_of(&self, of: &TermSet) -> String {
        if let TermSet::Superclass(superclass) = of {
            return self.criterion.superclass_name(*superclass).unwrap_or_default().to_owned();
        }
        let hierarchy = self.criterion.hierarchy();
        let names = nodes(of).iter().map(|node| lookup_name(hierarchy, *node, hierarchy.name(*node)));
        names.collect::<Vec<_>>().join("|")
    }

    /// The level that all the nodes are on.
    fn level_of(&self, of: &TermSet) -> Option<Level> {
        let mut levels = nodes(of).iter().map(|node| self.criterion.hierarchy().level(*node));
        let first = levels.next()??;
        levels.all(|level| level.as_ref() == Some(&first)).then_some(first)
    }
}

fn nodes(of: &TermSet) -> &[NodeId] {
    match of {
        TermSet::Node(node) => std::slice::from_ref(node),
        TermSet::Union(nodes) => nodes,
        TermSet::Superclass(_) => &[],
    }
}
