//! Log-probabilities of nodes as a differentiable operation.

use std::sync::Arc;

use burn::tensor::Tensor;
use klados::{Hierarchy, HierarchyError, Level, NodeLogProbs};

use crate::loss::{narrow, widen};
use crate::{Implementation, composed, fused};

/// `log P(v)` for all nodes of a hierarchy, or for those of one level, from the logits of a class softmax:
/// `logsumexp` over the classes at or below `v` less `logsumexp` over all. To put a loss of one's own on top.
///
/// With `level`, the columns are [`Hierarchy::level_nodes`]; without, all nodes in hierarchy order, so that the column of
/// a node is its [index](klados::NodeId::index) (column 0 is the root, whose log-probability is 0).
///
/// On the CPU backend (Flex) this and its gradient come from the core's kernels, which take probabilities of `1e-30` and
/// `1 - 1e-30` exactly; elsewhere they are composed of tensor operations in plain floating point.
///
/// These are log-probabilities, not logits: a superclass's must not go into a second softmax or a
/// binary cross-entropy with logits.
///
/// # Shapes
///
/// - logits: `[batch, classes]`
/// - returns `[batch, nodes]`
///
/// # Errors
///
/// A level that the hierarchy does not have.
///
/// # Panics
///
/// If the logits do not have a column a class.
///
/// # Example
///
/// Plain cross-entropy at one level, written by hand: a loss that knows only whether an animal is a mammal or a bird.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::{Hierarchy, Level};
/// use klados_burn::node_log_probs;
///
/// let hierarchy = Hierarchy::from_edges([
///     ("mammal", "bat"), ("mammal", "bear"), ("bird", "crow"), ("mammal", "dog"), ("bird", "pigeon"), ("bird", "robin"),
/// ])?;
/// let device = Device::flex().autodiff();
/// let logits = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];
/// let logits = Tensor::<2>::from_floats([logits], &device).require_grad();
///
/// let log_probs = node_log_probs(logits.clone(), &hierarchy, Some(&Level::Depth(1)))?;    // [1, 2]: mammal, bird
/// let target = Tensor::<2, Int>::from_ints([[1]], &device);                               // bird
/// let loss = log_probs.gather(1, target).neg().mean();
/// assert!((loss.clone().into_scalar::<f32>() - 1.0047).abs() < 5e-5);
///
/// let gradient = logits.grad(&loss.backward()).unwrap();
/// assert!(gradient.sum().into_scalar::<f32>().abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn node_log_probs(
    logits: Tensor<2>,
    hierarchy: &Hierarchy,
    level: Option<&Level>,
) -> Result<Tensor<2>, HierarchyError> {
    let nodes = match level {
        Some(level) => NodeLogProbs::level(hierarchy, level)?,
        None => NodeLogProbs::new(hierarchy),
    };
    Ok(with_implementation(logits, hierarchy, nodes, Implementation::Auto))
}

fn with_implementation(
    logits: Tensor<2>,
    hierarchy: &Hierarchy,
    nodes: NodeLogProbs,
    implementation: Implementation,
) -> Tensor<2> {
    let ([_, columns], dtype, classes) = (logits.dims(), logits.dtype(), hierarchy.class_count());
    assert!(columns == classes, "the logits have {columns} columns, expected {classes} (classes of the hierarchy)");
    let logits = widen(logits);
    let log_probs = if implementation.is_fused(&logits.device()) {
        fused::node_log_probs(logits, Arc::new(nodes))
    } else {
        composed::node_log_probs(&logits, hierarchy, nodes.nodes())
    };
    narrow(log_probs, dtype)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Distribution, TensorData};

    use super::*;

    fn hierarchies() -> [Hierarchy; 2] {
        let tree = [
            ("mammal", "bat"),
            ("mammal", "bear"),
            ("bird", "crow"),
            ("mammal", "dog"),
            ("bird", "pigeon"),
            ("raptor", "hawk"),
            ("bird", "raptor"),
        ];
        let dag = tree.into_iter().chain([("flying", "bat"), ("flying", "bird")]);
        [Hierarchy::from_edges(tree).unwrap(), Hierarchy::from_edges(dag).unwrap()]
    }

    /// Log-probabilities, and the gradient of their sum with a factor for each.
    fn evaluate(
        logits: &Tensor<2>,
        hierarchy: &Hierarchy,
        level: Option<&Level>,
        implementation: Implementation,
    ) -> [Tensor<2>; 2] {
        let nodes = match level {
            Some(level) => NodeLogProbs::level(hierarchy, level).unwrap(),
            None => NodeLogProbs::new(hierarchy),
        };
        let logits = logits.clone().require_grad();
        let log_probs = with_implementation(logits.clone(), hierarchy, nodes, implementation);
        let [rows, columns] = log_probs.dims();
        let factors: Vec<f32> = (0..rows * columns).map(|at| at as f32 - 3.5).collect();
        let options = (&logits.device(), logits.dtype());
        let factors = Tensor::from_data(TensorData::new(factors, [rows, columns]), options);
        let gradients = (log_probs.clone() * factors).sum().backward();
        [log_probs.without_autodiff(), logits.grad(&gradients).unwrap()]
    }

    #[test]
    fn both_paths_give_the_same_values_and_gradients() {
        let device = Device::flex().autodiff();
        for hierarchy in hierarchies() {
            for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-13)] {
                let logits = Tensor::<2>::random([5, 6], Distribution::Normal(0.0, 2.0), (&device, dtype));
                for level in [None, Some(&Level::Depth(1)), Some(&Level::Depth(2))] {
                    let fused = evaluate(&logits, &hierarchy, level, Implementation::Fused);
                    let composed = evaluate(&logits, &hierarchy, level, Implementation::Composed);
                    for (fused, composed) in fused.into_iter().zip(composed) {
                        assert_eq!(fused.dims(), composed.dims());
                        assert!(composed.all_close(fused, Some(tolerance), Some(tolerance)));
                    }
                }
            }
        }
    }

    #[test]
    fn columns_are_nodes_in_hierarchy_order() {
        let [tree, _] = hierarchies();
        let logits = Tensor::<2>::zeros([1, 6], &Device::flex());
        let log_probs = node_log_probs(logits.clone(), &tree, None).unwrap();
        assert_eq!(log_probs.dims(), [1, tree.node_count()]);
        let probability = log_probs.exp().into_data();
        let probability: Vec<f64> = probability.iter().collect();
        for node in tree.nodes() {
            let expected = tree.count_classes_below(node) as f64 / 6.0;
            assert!((probability[node.index()] - expected).abs() < 1e-6, "{}", tree.name(node));
        }
        assert!(node_log_probs(logits, &tree, Some(&Level::from("genus"))).is_err());
    }

    #[test]
    fn a_superclass_that_is_nearly_certain_keeps_its_digits() {
        let [tree, _] = hierarchies();
        let logits = Tensor::<2>::from_floats([[60.0, 60.0, 0.0, 60.0, 0.0, 0.0]], &Device::flex());
        let log_probs = node_log_probs(logits, &tree, Some(&Level::Depth(1))).unwrap().into_data();
        let mammal: f32 = log_probs.iter().next().unwrap();
        // log P(mammal) = -e^-60 to the first order: three birds against three mammals.
        assert!((mammal / -8.756_51e-27 - 1.0).abs() < 1e-5, "{mammal}");
    }

    #[test]
    fn an_empty_batch() {
        let [tree, _] = hierarchies();
        for implementation in [Implementation::Fused, Implementation::Composed] {
            let logits = Tensor::<2>::zeros([0, 6], &Device::flex());
            let log_probs = with_implementation(logits, &tree, NodeLogProbs::new(&tree), implementation);
            assert_eq!(log_probs.dims(), [0, tree.node_count()]);
        }
    }
}
