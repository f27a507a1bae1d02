//! The fused path: the core's kernels as Burn operations with a backward of their own, on the CPU backend (Flex).
//!
//! The gradient of a row's loss is written while its logits are in cache, and only if something tracks the logits; the
//! backward pass multiplies it with what comes from above. Nothing is computed twice.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Tensor};
use klados::{Criterion, Label, NodeLogProbs};

/// The unreduced losses of a batch.
///
/// # Shapes
///
/// - logits: `[batch, columns]`, `f32` or `f64`, on Flex
/// - labels: `[batch]`
/// - returns `[batch]`
pub(crate) fn losses(logits: Tensor<2>, criterion: &Criterion, labels: Arc<[Label]>) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::losses(logits.into_dispatch(), criterion.clone(), labels))
}

/// The log-probabilities of nodes.
///
/// # Shapes
///
/// - logits: `[batch, classes]`, `f32` or `f64`, on Flex
/// - returns `[batch, nodes]`
pub(crate) fn node_log_probs(logits: Tensor<2>, nodes: Arc<NodeLogProbs>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::node_log_probs(logits.into_dispatch(), nodes))
}

/// The operations, with their gradients as operations beside them. The macro routes a call to the backend of its tensors.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait LossOps: Backend {
    /// `[batch, columns]` to `[batch]`.
    fn losses(logits: FloatTensor<Self>, criterion: Criterion, labels: Arc<[Label]>) -> FloatTensor<Self>;

    /// The losses, and row by row their gradient `[batch, columns]`, in one pass.
    fn losses_and_grad(
        logits: FloatTensor<Self>,
        criterion: Criterion,
        labels: Arc<[Label]>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// `[batch, classes]` to `[batch, nodes]`.
    fn node_log_probs(logits: FloatTensor<Self>, nodes: Arc<NodeLogProbs>) -> FloatTensor<Self>;

    /// From the gradient of the log-probabilities, `[batch, nodes]`, to that of the logits, `[batch, classes]`.
    fn node_log_probs_grad(
        logits: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        nodes: Arc<NodeLogProbs>,
    ) -> FloatTensor<Self>;
}

/// Why a slice of a tensor cannot be missing.
const CONTIGUOUS: &str = "the tensor was made contiguous";

impl LossOps for Flex {
    fn losses(logits: FlexTensor, criterion: Criterion, labels: Arc<[Label]>) -> FlexTensor {
        let logits = logits.to_contiguous();
        let mut losses = FlexTensor::empty([labels.len()].into(), logits.dtype());
        let result = match logits.dtype() {
            DType::F32 => criterion.forward::<f32>(logits.as_slice().expect(CONTIGUOUS), &labels, losses.storage_mut()),
            DType::F64 => criterion.forward::<f64>(logits.as_slice().expect(CONTIGUOUS), &labels, losses.storage_mut()),
            other => unsupported(other),
        };
        result.unwrap_or_else(|error| panic!("{error}"));
        losses
    }

    fn losses_and_grad(logits: FlexTensor, criterion: Criterion, labels: Arc<[Label]>) -> (FlexTensor, FlexTensor) {
        let logits = logits.to_contiguous();
        let mut losses = FlexTensor::empty([labels.len()].into(), logits.dtype());
        let mut grad = FlexTensor::empty(logits.shape(), logits.dtype());
        let result = match logits.dtype() {
            DType::F32 => {
                let (losses, grad) = (losses.storage_mut(), grad.storage_mut());
                criterion.forward_backward::<f32>(logits.as_slice().expect(CONTIGUOUS), &labels, losses, grad)
            }
            DType::F64 => {
                let (losses, grad) = (losses.storage_mut(), grad.storage_mut());
                criterion.forward_backward::<f64>(logits.as_slice().expect(CONTIGUOUS), &labels, losses, grad)
            }
            other => unsupported(other),
        };
        result.unwrap_or_else(|error| panic!("{error}"));
        (losses, grad)
    }

    fn node_log_probs(logits: FlexTensor, nodes: Arc<NodeLogProbs>) -> FlexTensor {
        let logits = logits.to_contiguous();
        let shape = [logits.shape()[0], nodes.nodes().len()];
        let mut out = FlexTensor::empty(shape.into(), logits.dtype());
        let result = match logits.dtype() {
            DType::F32 => nodes.forward::<f32>(logits.as_slice().expect(CONTIGUOUS), out.storage_mut()),
            DType::F64 => nodes.forward::<f64>(logits.as_slice().expect(CONTIGUOUS), out.storage_mut()),
            other => unsupported(other),
        };
        result.unwrap_or_else(|error| panic!("{error}"));
        out
    }

    fn node_log_probs_grad(logits: FlexTensor, upstream: FlexTensor, nodes: Arc<NodeLogProbs>) -> FlexTensor {
        let (logits, upstream) = (logits.to_contiguous(), upstream.to_contiguous());
        let mut grad = FlexTensor::empty(logits.shape(), logits.dtype());
        let result = match logits.dtype() {
            DType::F32 => nodes.backward::<f32>(
                logits.as_slice().expect(CONTIGUOUS),
                upstream.as_slice().expect(CONTIGUOUS),
                grad.storage_mut(),
            ),
            DType::F64 => nodes.backward::<f64>(
                logits.as_slice().expect(CONTIGUOUS),
                upstream.as_slice().expect(CONTIGUOUS),
                grad.storage_mut(),
            ),
            other => unsupported(other),
        };
        result.unwrap_or_else(|error| panic!("{error}"));
        grad
    }
}

fn unsupported(dtype: DType) -> ! {
    panic!("the fused operations take f32 or f64 logits, not {dtype:?}")
}

impl<B: LossOps, C: CheckpointStrategy> LossOps for Autodiff<B, C> {
    fn losses(logits: FloatTensor<Self>, criterion: Criterion, labels: Arc<[Label]>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LossesBackward;

        impl<B: LossOps> Backward<B, 1> for LossesBackward {
            /// The gradient of each row's loss, from the forward pass.
            type State = FloatTensor<B>;

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let upstream = grads.consume::<B>(&ops.node);
                if let [Some(logits)] = ops.parents {
                    let column = [upstream.shape()[0], 1];
                    let upstream = B::float_reshape(upstream, column.into());
                    grads.register::<B>(logits.id, B::float_mul(ops.state, upstream));
                }
            }
        }

        match LossesBackward.prepare::<C>([logits.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (losses, grad) = B::losses_and_grad(logits.into_primitive(), criterion, labels);
                prep.finish(grad, losses)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::losses(logits.into_primitive(), criterion, labels)),
        }
    }

    fn losses_and_grad(
        logits: FloatTensor<Self>,
        criterion: Criterion,
        labels: Arc<[Label]>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (losses, grad) = B::losses_and_grad(logits.into_primitive(), criterion, labels);
        (<Self as AutodiffBackend>::from_inner(losses), <Self as AutodiffBackend>::from_inner(grad))
    }

    fn node_log_probs(logits: FloatTensor<Self>, nodes: Arc<NodeLogProbs>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct NodeLogProbsBackward;

        impl<B: LossOps> Backward<B, 1> for NodeLogProbsBackward {
            /// The logits. A saved gradient would be nodes times as large.
            type State = (FloatTensor<B>, Arc<NodeLogProbs>);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let upstream = grads.consume::<B>(&ops.node);
                if let [Some(node)] = ops.parents {
                    let (logits, nodes) = ops.state;
                    grads.register::<B>(node.id, B::node_log_probs_grad(logits, upstream, nodes));
                }
            }
        }

        match NodeLogProbsBackward.prepare::<C>([logits.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let logits = logits.into_primitive();
                let out = B::node_log_probs(logits.clone(), nodes.clone());
                prep.finish((logits, nodes), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::node_log_probs(logits.into_primitive(), nodes)),
        }
    }

    fn node_log_probs_grad(
        logits: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        nodes: Arc<NodeLogProbs>,
    ) -> FloatTensor<Self> {
        let grad = B::node_log_probs_grad(logits.into_primitive(), upstream.into_primitive(), nodes);
        <Self as AutodiffBackend>::from_inner(grad)
    }
}
