//! Which of the two paths computes a loss.

use burn::backend::DispatchDevice;
use burn::config::Config;
use burn::tensor::Device;

/// How a loss is computed. Both ways give the same numbers, within the precision of the second.
#[derive(Config, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// [`Fused`](Self::Fused) for logits on the CPU backend (Flex), [`Composed`](Self::Composed) elsewhere.
    Auto,
    /// The core's kernels: loss and gradient in one pass over the logits, exact to the last digits also where a
    /// probability is `1e-30` or `1 - 1e-30`. Needs logits on Flex.
    Fused,
    /// Burn's tensor operations: any device, plain floating point. A loss is off by some units in the last place of the
    /// largest logit, so small losses lose their digits.
    ///
    /// Masked columns (`-inf` logits) are fine beside a label; but label smoothing, soft targets and soft labels give an
    /// infinite loss where any of their classes is masked. The fused path leaves masked classes out of those.
    Composed,
}

impl Implementation {
    /// Whether logits on a device take the fused path.
    ///
    /// # Panics
    ///
    /// With `Fused` on a device that is not Flex.
    pub(crate) fn is_fused(self, device: &Device) -> bool {
        let on_flex = matches!(device.clone().without_autodiff().as_dispatch(), DispatchDevice::Flex(_));
        match self {
            Self::Auto => on_flex,
            Self::Fused if on_flex => true,
            Self::Fused => panic!("the fused implementation needs logits on the Flex backend, these are on {device:?}"),
            Self::Composed => false,
        }
    }
}
