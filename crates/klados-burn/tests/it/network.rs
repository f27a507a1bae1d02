//! A small network trained on both paths: the curves are the same.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig, Relu};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Device, Tensor};
use klados::{Hierarchy, Label};
use klados_burn::{Implementation, MarginalCrossEntropyLossConfig, Reduction};

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

/// The loss before each step of training on samples whose labels are fine, coarse, unions, soft and ignored.
fn curve(hierarchy: &Hierarchy, implementation: Implementation) -> Vec<f64> {
    let device = Device::flex().autodiff();
    let mut network = Network::new(hierarchy.class_count(), &device);
    let mut optimizer = SgdConfig::new().init();
    let loss = MarginalCrossEntropyLossConfig::new().with_implementation(implementation).init(hierarchy).unwrap();
    let mut numbers = Numbers(21);
    let input = matrix(&numbers.values(BATCH * FEATURES, 1.0), [BATCH, FEATURES], DType::F32, &device);
    let labels: Vec<Label> = (0..BATCH).map(|_| label(&mut numbers, hierarchy)).collect();
    (0..STEPS)
        .map(|_| {
            let value = loss.forward(network.forward(input.clone()), &labels, Reduction::Mean);
            let gradients = GradientsParams::from_grads(value.backward(), &network);
            network = optimizer.step(0.05, network.clone(), gradients);
            values(value)[0]
        })
        .collect()
}

#[test]
fn a_network_learns_the_same_on_both_paths() {
    for classes in [6, 67, 1003] {
        let hierarchy = tree(classes);
        let fused = curve(&hierarchy, Implementation::Fused);
        let composed = curve(&hierarchy, Implementation::Composed);
        // A step's f32 rounding, some 1e-6 of the loss, goes into the next step; 20 steps of a smooth loss stay within
        // ten times that.
        assert_close(&composed, &fused, 1e-5);
        assert!(fused[STEPS - 1] < 0.95 * fused[0], "{classes} classes: {fused:?}");
    }
}
