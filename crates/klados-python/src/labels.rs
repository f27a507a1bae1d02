//! From arrays of targets to the core's labels.
//!
//! A target by index is one number: `k` in `0..classes` is a class, `classes + v` the node of index `v`, and beyond the
//! nodes come the superclasses of a weighted loss. So one array mixes labels of any level.

use half::{bf16, f16};
use klados::{Hierarchy, Label, NodeId};
use pyo3::prelude::*;

use crate::memory::{self, Address};
use crate::{error, names};

/// What an array of targets holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `[rows]`: one index a row.
    Index,
    /// `[rows, classes]`: a distribution a row.
    Probabilities,
    /// `[rows, classes]`: one of the classes that are marked.
    Candidates,
    /// `[rows, classes]` or `[rows, nodes]`: all of what is marked holds.
    MultiHot,
}

impl Kind {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "index" => Some(Self::Index),
            "probabilities" => Some(Self::Probabilities),
            "candidates" => Some(Self::Candidates),
            "multi_hot" => Some(Self::MultiHot),
            _ => None,
        }
    }
}

/// Why a multi-hot target is refused whose columns [may be either](may_be_either).
pub(crate) const MAY_BE_EITHER: &str = "the columns of the target may be the classes or the nodes, which are as many and \
     in another order; hierarchy.with_node_columns(hierarchy.classes) gives them one order";

/// Whether as many columns as there are classes may be those of the nodes but the root: in a hierarchy of one level.
pub(crate) fn may_be_either(hierarchy: &Hierarchy) -> bool {
    let nodes = hierarchy.node_columns();
    nodes.len() == hierarchy.class_count()
        && nodes.iter().enumerate().any(|(class, node)| hierarchy.class_node(class) != *node)
}

/// An array of targets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets<'a> {
    pub(crate) kind: Kind,
    pub(crate) address: Address,
    pub(crate) dtype: &'a str,
    pub(crate) rows: usize,
    /// Columns of a row; 1 for indices.
    pub(crate) columns: usize,
    pub(crate) ignore_index: i64,
    /// Whether the logits have a column a node.
    pub(crate) has_node_columns: bool,
}

impl Targets<'_> {
    /// The labels of the rows. `superclasses` are those of the loss's own map.
    ///
    /// # Safety
    ///
    /// `address` is that of `rows * columns` elements of `dtype` that nothing writes meanwhile.
    pub(crate) unsafe fn labels(&self, hierarchy: &Hierarchy, superclasses: usize) -> Result<Vec<Label>, PyErr> {
        let length = self.rows * self.columns;
        macro_rules! with_type {
            ($($name:literal => $type:ty),*) => {
                match self.dtype {
                    // SAFETY: by the function's contract.
                    $($name => self.read(hierarchy, superclasses, unsafe { memory::read::<$type>(self.address, length) }?),)*
                    other => Err(error::value(format!("targets of dtype {other} are not read"))),
                }
            };
        }
        with_type!("int64" => i64, "int32" => i32, "int16" => i16, "int8" => i8, "uint8" => u8, "bool" => u8,
                   "float32" => f32, "float64" => f64, "float16" => f16, "bfloat16" => bf16)
    }

    fn read<T: Number>(&self, hierarchy: &Hierarchy, superclasses: usize, values: &[T]) -> Result<Vec<Label>, PyErr> {
        if self.kind == Kind::Index {
            let classes = hierarchy.class_count() as u64;
            let mut labels = Vec::with_capacity(values.len());
            for (row, value) in values.iter().enumerate() {
                let target = value.integer();
                labels.push(match target {
                    // Most targets: a negative one is no small unsigned one.
                    Some(class) if (class as u64) < classes && class != self.ignore_index => {
                        Label::Class(class as usize)
                    }
                    _ => self.index(hierarchy, superclasses, row, target)?,
                });
            }
            return Ok(labels);
        }
        let classes: Vec<NodeId> = (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect();
        let nodes = match self.kind {
            Kind::MultiHot => self.multi_hot_columns(hierarchy, classes)?,
            _ => classes,
        };
        if self.columns != nodes.len() {
            let (classes, columns) = (hierarchy.class_count(), hierarchy.node_count() - 1);
            let expected = match self.kind {
                Kind::MultiHot => format!("{classes} (classes) or {columns} (nodes but the root)"),
                _ => format!("{classes} (classes)"),
            };
            return Err(error::value(format!("the target has {} columns, expected {expected}", self.columns)));
        }
        (0..self.rows)
            .map(|row| self.row(hierarchy, &nodes, row, &values[row * self.columns..][..self.columns]))
            .collect()
    }

    /// What the columns of a multi-hot target are: the classes, or the nodes but the root.
    fn multi_hot_columns(&self, hierarchy: &Hierarchy, classes: Vec<NodeId>) -> Result<Vec<NodeId>, PyErr> {
        let may_be_either = may_be_either(hierarchy);
        if self.columns != classes.len() || (may_be_either && self.has_node_columns) {
            return Ok(hierarchy.node_columns());
        }
        if may_be_either {
            return Err(error::value(MAY_BE_EITHER.to_owned()));
        }
        Ok(classes)
    }

    fn index(
        &self,
        hierarchy: &Hierarchy,
        superclasses: usize,
        row: usize,
        target: Option<i64>,
    ) -> Result<Label, PyErr> {
        if target == Some(self.ignore_index) {
            return Ok(Label::Ignored);
        }
        let (classes, nodes) = (hierarchy.class_count(), hierarchy.node_count());
        let at = target.and_then(|target| usize::try_from(target).ok());
        let label = at.and_then(|at| match at {
            _ if at < classes => Some(Label::Class(at)),
            _ if at < classes + nodes => hierarchy.node_at(at - classes).map(Label::Node),
            _ if at < classes + nodes + superclasses => Some(Label::Superclass(at - classes - nodes)),
            _ => None,
        });
        label.ok_or_else(|| {
            let last = classes + nodes - 1;
            let beyond = match superclasses {
                0 => String::new(),
                _ => format!(", a superclass of the map ({} to {})", last + 1, last + superclasses),
            };
            error::value(format!(
                "row {row}: the target is {}, expected a class (0 to {}), {classes} + the index of a node \
                 ({classes} to {last}){beyond}, or {} (ignored)",
                target.map_or_else(|| "not an integer".to_owned(), |target| target.to_string()),
                classes - 1,
                self.ignore_index
            ))
        })
    }

    fn row<T: Number>(
        &self,
        hierarchy: &Hierarchy,
        nodes: &[NodeId],
        row: usize,
        values: &[T],
    ) -> Result<Label, PyErr> {
        if self.kind == Kind::Probabilities {
            return Ok(Label::Soft(distribution(values)));
        }
        let (mut marked, mut masked) = (Vec::new(), Vec::new());
        for (column, value) in values.iter().enumerate() {
            match value.integer() {
                Some(0) => {}
                Some(1) => marked.push(nodes[column]),
                Some(value) if value == self.ignore_index && self.kind == Kind::MultiHot => masked.push(nodes[column]),
                _ => {
                    let value = value.float();
                    let or = if self.kind == Kind::MultiHot {
                        format!(", 1, or {} (ignored)", self.ignore_index)
                    } else {
                        " or 1".to_owned()
                    };
                    return Err(error::value(format!(
                        "row {row}, column {column}: the target is {value}, expected 0{or}"
                    )));
                }
            }
        }
        Ok(match self.kind {
            Kind::MultiHot => Label::set(hierarchy, marked, masked),
            // A row that marks nothing says nothing.
            _ if marked.is_empty() => Label::Ignored,
            _ => Label::Union(marked),
        })
    }
}

/// An array of targets without its rows: kind, address, dtype, columns.
type Given<'a> = (&'a str, Address, &'a str, usize);

/// The labels of rows that Python gives as a list of names, or as an array.
///
/// # Safety
///
/// The address is that of `rows * columns` elements of the dtype that nothing writes meanwhile.
pub(crate) unsafe fn given(
    py: Python<'_>,
    hierarchy: &Hierarchy,
    target: &Bound<'_, PyAny>,
    rows: usize,
    ignore_index: i64,
) -> PyResult<Vec<Label>> {
    let Ok((kind, address, dtype, columns)) = target.extract::<Given<'_>>() else {
        return names::labels(hierarchy, target);
    };
    let kind = Kind::named(kind).ok_or_else(|| error::key(kind))?;
    let targets = Targets { kind, address, dtype, rows, columns, ignore_index, has_node_columns: false };
    // SAFETY: by the function's contract.
    py.detach(|| unsafe { targets.labels(hierarchy, 0) })
}

/// The probabilities of a row. Where they sum to 1 as far as their type can tell, they are divided by their sum; what is
/// further off is left for the core to refuse.
fn distribution<T: Number>(values: &[T]) -> Vec<f64> {
    let mut row: Vec<f64> = values.iter().map(|value| value.float()).collect();
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() <= T::ROUNDING {
        row.iter_mut().for_each(|value| *value /= sum);
    }
    row
}

/// A number of an array of targets.
trait Number: Copy {
    /// How far from 1 a softmax of the type may sum.
    const ROUNDING: f64;
    /// As an integer, where it is one.
    fn integer(self) -> Option<i64>;
    fn float(self) -> f64;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const ROUNDING: f64 = 0.0;

            fn integer(self) -> Option<i64> {
                Some(self.into())
            }

            fn float(self) -> f64 {
                self as f64
            }
        }
    )*};
}
integers!(i64, i32, i16, i8, u8);

macro_rules! floats {
    ($($type:ty: $rounding:literal),*) => {$(
        impl Number for $type {
            const ROUNDING: f64 = $rounding;

            fn integer(self) -> Option<i64> {
                let value = self.float();
                (value.fract() == 0.0).then_some(value as i64)
            }

            fn float(self) -> f64 {
                self.into()
            }
        }
    )*};
}
// Half a unit in the last place of each probability; in `f32` rather what adding up many thousands of exponentials costs.
floats!(f32: 1e-5, f64: 0.0, f16: 2e-3, bf16: 1e-2);
