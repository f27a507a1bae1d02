"""The losses by their serialized names."""

from . import class_softmax, node_softmax, sigmoid

LOSSES = {
    "marginal_cross_entropy": class_softmax.MarginalCrossEntropy,
    "hierarchical_cross_entropy": class_softmax.HierarchicalCrossEntropy,
    "soft_labels": class_softmax.SoftLabels,
    "weighted_cross_entropy": class_softmax.WeightedCrossEntropy,
    "parameter_sharing_softmax": class_softmax.ParameterSharingSoftmax,
    "sibling_softmax": node_softmax.SiblingSoftmax,
    "levelwise_softmax": node_softmax.LevelwiseSoftmax,
    "descendant_softmax": node_softmax.DescendantSoftmax,
    "softmax_margin": node_softmax.SoftmaxMargin,
    "random_cut": node_softmax.RandomCut,
    "conditional_sigmoid": sigmoid.ConditionalSigmoid,
    "binary_cross_entropy": sigmoid.BinaryCrossEntropy,
    "tree_min": sigmoid.TreeMin,
}
