//! Small networks trained on both paths: the curves are the same.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig, Relu};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Device, Int, Tensor};
use klados::loss::{BinaryCrossEntropy, MarginalCrossEntropy};
use klados::{Criterion, Label};
use klados_burn::{HierarchicalLoss, Implementation, Reduction, Targets};

use crate::numbers::{Numbers, assert_close, matrix, values};
use crate::taxonomy::{label, tree};

const FEATURES: usize = 16;
const HIDDEN: usize = 24;
const BATCH: usize = 32;
const STEPS: usize = 20;

#[derive(Module, Debug)]
struct Network {
    hidden: Linear,
    relu: Relu,
    out: Linear,
}

impl Network {
    /// The same weights every time.
    fn new(classes: usize, device: &Device) -> Self {
        let mut numbers = Numbers(20);
        let mut linear = |inputs: usize, outputs: usize| {
            let mut linear = LinearConfig::new(inputs, outputs).init(device);
            let weight = numbers.values(inputs * outputs, 0.5);
            linear.weight = Param::from_tensor(matrix(&weight, [inputs, outputs], DType::F32, device));
            linear.bias = Some(Param::from_tensor(Tensor::zeros([outputs], device)));
            linear
        };
        Self { hidden: linear(FEATURES, HIDDEN), relu: Relu::new(), out: linear(HIDDEN, classes) }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.out.forward(self.relu.forward(self.hidden.forward(input)))
    }
}

/// The loss before each step of training.
fn curve(criterion: &Criterion, targets: &Targets<'_>, rate: f64, implementation: Implementation) -> Vec<f64> {
    let device = Device::flex().autodiff();
    let mut network = Network::new(criterion.columns(), &device);
    let mut optimizer = SgdConfig::new().init();
    let loss = HierarchicalLoss::from_criterion(criterion.clone()).with_implementation(implementation);
    let input = matrix(&Numbers(21).values(BATCH * FEATURES, 1.0), [BATCH, FEATURES], DType::F32, &device);
    (0..STEPS)
        .map(|_| {
            let value = loss.forward(network.forward(input.clone()), targets.clone(), Reduction::Mean);
            let gradients = GradientsParams::from_grads(value.backward(), &network);
            network = optimizer.step(rate, network.clone(), gradients);
            values(value)[0]
        })
        .collect()
}

fn learns(criterion: &Criterion, targets: &Targets<'_>, rate: f64) {
    let fused = curve(criterion, targets, rate, Implementation::Fused);
    let composed = curve(criterion, targets, rate, Implementation::Composed);
    // A step's f32 rounding, some 1e-6 of the loss, goes into the next step; 20 steps of a smooth loss stay within
    // ten times that.
    assert_close(&composed, &fused, 1e-5);
    assert!(fused[STEPS - 1] < 0.95 * fused[0], "{criterion:?}: {fused:?}");
}

#[test]
fn a_network_learns_the_same_on_both_paths() {
    for classes in [6, 67, 1003] {
        // Samples whose labels are fine, coarse, unions, soft and ignored.
        let hierarchy = tree(classes);
        let mut numbers = Numbers(22);
        let labels: Vec<Label> = (0..BATCH).map(|_| label(&mut numbers, &hierarchy)).collect();
        learns(&MarginalCrossEntropy::new().compile(&hierarchy).unwrap(), &labels.as_slice().into(), 0.05);
    }
}

#[test]
fn a_multi_label_network_learns_the_same_on_both_paths() {
    for classes in [6, 67] {
        let hierarchy = tree(classes);
        let nodes = hierarchy.node_count() - 1;
        let mut numbers = Numbers(23);
        // One node in eight holds, one in eight is not known.
        let entries: Vec<i64> = (0..BATCH * nodes)
            .map(|_| match numbers.index(8) {
                0 => 1,
                1 => HierarchicalLoss::IGNORE_INDEX,
                _ => 0,
            })
            .collect();
        let several = Tensor::<1, Int>::from_ints(entries.as_slice(), &Device::flex()).reshape([BATCH, nodes]);
        let criterion = BinaryCrossEntropy::new().pos_weight(4.0).compile(&hierarchy).unwrap();
        // The mean is over the terms, a node each, so a step has to be that much longer.
        learns(&criterion, &several.into(), 0.01 * nodes as f64);
    }
}
