//! Repeatable numbers, and tensors of them.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// A small generator (SplitMix64): the same numbers everywhere.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`.
    pub(crate) fn index(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    /// In `[-scale, scale]`, representable in `f32`.
    pub(crate) fn uniform(&mut self, scale: f64) -> f64 {
        let unit = (self.bits() >> 40) as f64 / (1_u64 << 23) as f64 - 1.0;
        f64::from((unit * scale) as f32)
    }

    pub(crate) fn values(&mut self, count: usize, scale: f64) -> Vec<f64> {
        (0..count).map(|_| self.uniform(scale)).collect()
    }
}

pub(crate) fn matrix(values: &[f64], shape: [usize; 2], dtype: DType, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (device, dtype))
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

/// Fails where `got` and `expected` differ by more than `tolerance` times the larger of 1 and the expected value.
#[track_caller]
pub(crate) fn assert_close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        let allowed = tolerance * expected.abs().max(1.0);
        // Written so that NaN fails.
        assert!((got - expected).abs() <= allowed, "entry {at} is {got}, expected {expected} within {allowed}");
    }
}
