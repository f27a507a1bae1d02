//! What a linter found, for people and for programs.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use klados::check::{Change, Finding, Severity};
use klados::format::Draft;
use serde::Serialize;

/// So many findings of a rule are shown to people; programs get all.
const SHOWN: usize = 5;

/// The findings in a file, the worst first, those of a rule together.
pub(super) struct Findings<'a> {
    draft: &'a Draft,
    found: Vec<Finding>,
}

#[derive(Serialize)]
struct Json<'a> {
    findings: Vec<JsonFinding<'a>>,
    changes: Vec<JsonChange<'a>>,
    errors: usize,
    warnings: usize,
    notes: usize,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    code: &'a str,
    severity: Severity,
    file: Option<&'a Path>,
    line: Option<u64>,
    nodes: Vec<&'a str>,
    message: &'a str,
    why: &'a str,
    help: &'a str,
    /// Whether `--fix` puts it right.
    can_be_fixed: bool,
}

#[derive(Serialize)]
struct JsonChange<'a> {
    line: Option<u64>,
    before: &'a str,
    after: Option<&'a str>,
    why: &'a str,
}

impl<'a> Findings<'a> {
    /// Of a draft that was read from a file.
    pub(super) fn new(mut found: Vec<Finding>, draft: &'a Draft, file: &Path) -> Self {
        for finding in &mut found {
            finding.location.file.get_or_insert_with(|| file.to_owned());
        }
        found.sort_by_key(|finding| (finding.severity(), finding.rule));
        Self { draft, found }
    }

    /// How many errors, warnings and notes there are.
    pub(super) fn counts(&self) -> [usize; 3] {
        [Severity::Error, Severity::Warning, Severity::Note]
            .map(|severity| self.found.iter().filter(|finding| finding.severity() == severity).count())
    }

    /// `2 errors, 1 warning`.
    pub(super) fn summary(&self) -> String {
        let counts = self.counts().into_iter().zip(["error", "warning", "note"]).filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
        match counts.collect::<Vec<_>>() {
            counts if counts.is_empty() => "nothing to say".to_owned(),
            counts => counts.join(", "),
        }
    }

    /// As a compiler prints: the first findings of each rule, how many there are, why it matters and what to do.
    pub(super) fn write_text(&self, out: &mut dyn Write) -> Result<()> {
        for of_rule in self.found.chunk_by(|a, b| a.rule == b.rule) {
            for finding in of_rule.iter().take(SHOWN) {
                writeln!(out, "{finding}")?;
            }
            if of_rule.len() > SHOWN {
                writeln!(out, "  ... {} of these in all", of_rule.len())?;
            }
            let rule = of_rule[0].rule;
            writeln!(out, "   why: {}", rule.why())?;
            writeln!(out, "  help: {}", rule.help())?;
            if rule.can_be_fixed() {
                writeln!(out, "        --fix OUT does it")?;
            }
            writeln!(out)?;
        }
        Ok(writeln!(out, "{}", self.summary())?)
    }

    pub(super) fn write_json(&self, changes: &[Change], out: &mut dyn Write) -> Result<()> {
        let [errors, warnings, notes] = self.counts();
        let json = Json {
            findings: self.found.iter().map(|finding| self.json(finding)).collect(),
            changes: changes.iter().map(json_change).collect(),
            errors,
            warnings,
            notes,
        };
        serde_json::to_writer(&mut *out, &json)?;
        Ok(writeln!(out)?)
    }

    fn json<'f>(&'f self, finding: &'f Finding) -> JsonFinding<'f> {
        // What a label or another edge would write.
        let name = |&node: &usize| self.draft.id(node).unwrap_or(self.draft.name(node));
        JsonFinding {
            code: finding.rule.code(),
            severity: finding.severity(),
            file: finding.location.file.as_deref(),
            line: finding.location.line,
            nodes: finding.nodes.iter().map(name).collect(),
            message: &finding.message,
            why: finding.rule.why(),
            help: finding.rule.help(),
            can_be_fixed: finding.rule.can_be_fixed(),
        }
    }
}

fn json_change(change: &Change) -> JsonChange<'_> {
    JsonChange { line: change.location.line, before: &change.before, after: change.after.as_deref(), why: &change.why }
}
