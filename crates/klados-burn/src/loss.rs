//! The module around a compiled criterion.

use burn::module::Module;
use burn::nn::loss::Reduction;
use burn::tensor::{DType, Tensor};
use klados::loss::ClassWeight;
use klados::{Criterion, CriterionError, Hierarchy, Label, Loss};

use crate::{Implementation, Targets, composed, fused};

/// Any of the losses, compiled for a hierarchy: what the named modules are made of, and what serves a loss whose name is
/// known at run time only.
///
/// It holds tables in host memory, no parameters and no tensors, so it is on no device and works with logits on any.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::{Hierarchy, Loss};
/// use klados_burn::{HierarchicalLoss, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss: Loss = r#"{"hierarchical_cross_entropy": {"alpha": 0.5}}"#.parse()?;
/// let loss = HierarchicalLoss::from_criterion(loss.compile(&hierarchy)?);
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([2, 3], &device);
/// let value = loss.forward(logits, Tensor::<1, Int>::from_ints([0, 2], &device), Reduction::Mean);
/// assert_eq!(value.dims(), [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct HierarchicalLoss {
    #[module(skip)]
    criterion: Criterion,
    ignore_index: i64,
    #[module(skip)]
    implementation: Implementation,
}

impl HierarchicalLoss {
    /// The index that leaves a sample out where it is not set: PyTorch's.
    pub const IGNORE_INDEX: i64 = -100;

    /// The module of a compiled loss. The criterion's own reduction is not used: `forward` is told one.
    pub fn from_criterion(criterion: Criterion) -> Self {
        Self { criterion, ignore_index: Self::IGNORE_INDEX, implementation: Implementation::Auto }
    }

    /// The module of a loss, with class weights where there are some.
    pub(crate) fn compile(
        loss: impl Into<Loss>,
        class_weight: Option<&[f64]>,
        hierarchy: &Hierarchy,
    ) -> Result<Self, CriterionError> {
        let mut loss = loss.into();
        if let Some(weight) = class_weight {
            loss = loss.with_class_weight(Some(ClassWeight::List(weight.to_vec())));
        }
        loss.compile(hierarchy).map(Self::from_criterion)
    }

    /// The same loss at a step of training, which only losses that draw at random look at: `random_cut`. Without it they
    /// draw the same at every step.
    #[must_use]
    pub fn at_step(&self, step: u64) -> Self {
        Self { criterion: self.criterion.at_step(step), ..*self }
    }

    /// The same loss with another index that leaves a sample out.
    #[must_use]
    pub fn with_ignore_index(mut self, ignore_index: i64) -> Self {
        self.ignore_index = ignore_index;
        self
    }

    /// The same loss, computed in another way.
    #[must_use]
    pub fn with_implementation(mut self, implementation: Implementation) -> Self {
        self.implementation = implementation;
        self
    }

    /// What the loss is compiled to.
    pub fn criterion(&self) -> &Criterion {
        &self.criterion
    }

    /// The loss of a batch.
    ///
    /// `Mean` and `Auto` divide the sum by the class weights of the samples that take part, as PyTorch's cross-entropy
    /// does, or in `binary_cross_entropy` by the number of terms; if none takes part that is 0 with a zero gradient (PyTorch: NaN). `BatchMean` divides by the number of all
    /// samples, ignored ones too. `Sum` does not divide.
    ///
    /// `f16` and `bf16` logits are computed in `f32`; the loss has the logits' type. Gradients of gradients are not
    /// available: the fused path's gradient is a constant to Burn.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch, columns]`; a class or a node each, see [`Criterion`]
    /// - targets: `[batch]`; `[batch, classes]` for distributions, `[batch, nodes]` for multi-label; see [`Targets`]
    /// - returns `[1]`
    ///
    /// # Panics
    ///
    /// As Burn's own losses do where shapes differ; if a target is not one of the hierarchy, or not one that the loss is
    /// defined for (a union in soft labels, a set in a softmax loss); and with [`Implementation::Fused`] off the CPU backend.
    /// The message names the row.
    #[expect(clippy::needless_pass_by_value, reason = "a reduction is given as Burn's own losses take it")]
    pub fn forward<'a>(&self, logits: Tensor<2>, targets: impl Into<Targets<'a>>, reduction: Reduction) -> Tensor<1> {
        let (dtype, labels) = (logits.dtype(), self.labels(targets.into()));
        let batch = labels.len();
        // What reduction "mean" divides by depends on the labels alone. A sum over nothing is not divided: it is 0.
        let divisor = match reduction {
            Reduction::Sum => 1.0,
            Reduction::BatchMean => batch as f64,
            Reduction::Mean | Reduction::Auto => {
                self.criterion.normalizer(&labels).unwrap_or_else(|error| panic!("{error}"))
            }
        };
        let sum = self.losses(logits, labels).sum();
        let reduced = if divisor == 0.0 || divisor == 1.0 { sum } else { sum.div_scalar(divisor) };
        narrow(reduced, dtype)
    }

    /// The loss of each sample; 0 where it is ignored.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch, columns]`; a class or a node each, see [`Criterion`]
    /// - targets: `[batch]`; `[batch, classes]` for distributions, `[batch, nodes]` for multi-label; see [`Targets`]
    /// - returns `[batch]`
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_no_reduction<'a>(&self, logits: Tensor<2>, targets: impl Into<Targets<'a>>) -> Tensor<1> {
        let (dtype, labels) = (logits.dtype(), self.labels(targets.into()));
        narrow(self.losses(logits, labels), dtype)
    }

    fn labels(&self, targets: Targets<'_>) -> Vec<Label> {
        targets.into_labels(self.criterion.hierarchy(), self.ignore_index)
    }

    fn losses(&self, logits: Tensor<2>, labels: Vec<Label>) -> Tensor<1> {
        let [rows, columns] = logits.dims();
        let expected = self.criterion.columns();
        let what = if self.criterion.has_node_columns() { "nodes but the root" } else { "classes of the hierarchy" };
        assert!(columns == expected, "the logits have {columns} columns, expected {expected} ({what})");
        assert!(rows == labels.len(), "the logits have {rows} rows, but there are {} targets", labels.len());
        let logits = widen(logits);
        if self.implementation.is_fused(&logits.device()) {
            fused::losses(logits, &self.criterion, labels.into())
        } else {
            composed::losses(logits, &self.criterion, &labels).unwrap_or_else(|error| panic!("{error}"))
        }
    }
}

/// `f32` for the types that are too narrow to compute in.
pub(crate) fn widen(logits: Tensor<2>) -> Tensor<2> {
    match logits.dtype() {
        DType::F32 | DType::F64 => logits,
        _ => logits.cast(DType::F32),
    }
}

/// Back from [`widen`].
pub(crate) fn narrow<const D: usize>(tensor: Tensor<D>, dtype: DType) -> Tensor<D> {
    if tensor.dtype() == dtype { tensor } else { tensor.cast(dtype) }
}

/// The methods that every loss of its own name hands on to the [`HierarchicalLoss`] in it.
macro_rules! forward_to_loss {
    ($module:ident) => {
        impl $module {
            /// The loss of a batch; see [`HierarchicalLoss::forward`](crate::HierarchicalLoss::forward).
            ///
            /// # Shapes
            ///
            /// - logits: `[batch, columns]`; a class or a node each, see [`Criterion`](klados::Criterion)
            /// - targets: `[batch]`; `[batch, classes]` for distributions, `[batch, nodes]` for multi-label; see [`Targets`](crate::Targets)
            /// - returns `[1]`
            ///
            /// # Panics
            ///
            /// If shapes differ, a target is not one of the hierarchy, or the loss has no meaning for it.
            pub fn forward<'a>(
                &self,
                logits: burn::tensor::Tensor<2>,
                targets: impl Into<$crate::Targets<'a>>,
                reduction: burn::nn::loss::Reduction,
            ) -> burn::tensor::Tensor<1> {
                self.loss.forward(logits, targets, reduction)
            }

            /// The loss of each sample; 0 where it is ignored.
            ///
            /// # Shapes
            ///
            /// - logits: `[batch, columns]`; a class or a node each, see [`Criterion`](klados::Criterion)
            /// - targets: `[batch]`; `[batch, classes]` for distributions, `[batch, nodes]` for multi-label; see [`Targets`](crate::Targets)
            /// - returns `[batch]`
            ///
            /// # Panics
            ///
            /// As [`forward`](Self::forward).
            pub fn forward_no_reduction<'a>(
                &self,
                logits: burn::tensor::Tensor<2>,
                targets: impl Into<$crate::Targets<'a>>,
            ) -> burn::tensor::Tensor<1> {
                self.loss.forward_no_reduction(logits, targets)
            }

            /// What the loss is compiled to.
            pub fn criterion(&self) -> &klados::Criterion {
                self.loss.criterion()
            }
        }
    };
}
pub(crate) use forward_to_loss;
