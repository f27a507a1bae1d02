//! `e^d` of a non-positive argument, written so that the compiler turns a loop over it into vector code on any target:
//! no branch, no table, no fused multiply-add.

/// `e^(d + error)` for `d <= 0` in `f32`, where `error` is the rounding error of `d`: a difference of two logits of 1e4
/// is rounded by up to 5e-4, which the exponential would turn into a relative error of the same size.
///
/// Relative error below 1.7e-7 (1.4 ULP) for `d >= -87`; 0 below that, also for `-inf`; NaN stays NaN.
/// Range reduction to `|r| <= ln 2 / 2` in two parts and the polynomial of Cephes (Moshier 1992) for `e^r`.
#[inline(always)]
pub(super) fn exp_f32(d: f32, error: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = d * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = d - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_2e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let exp_r = p * (r * r) + r + 1.0;
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    let value = exp_r * power;
    if d < -87.0 { 0.0 } else { value + value * error }
}

/// `e^d` for `d <= 0` in `f64`. Relative error below 4e-16 for `d >= -708`; 0 below that, also for `-inf`; NaN stays
/// NaN. Two-part range reduction (the constants of fdlibm) and the Taylor series to degree 13, whose remainder on
/// `|r| <= ln 2 / 2` is below 5e-18.
#[inline(always)]
pub(super) fn exp_f64(d: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    const TAYLOR: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        1.0 / 2.0,
    ];
    let shifted = d * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = d - n * 6.931_471_803_691_238e-1 - n * 1.908_214_929_270_587_7e-10;
    let mut p = TAYLOR[0];
    let mut i = 1;
    while i < TAYLOR.len() {
        p = p * r + TAYLOR[i];
        i += 1;
    }
    let exp_r = p * (r * r) + r + 1.0;
    let power = f64::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(1023) << 52);
    if d < -708.0 { 0.0 } else { exp_r * power }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the platform's functions are the reference here")]
mod tests {
    use super::*;

    #[test]
    fn exp_f32_is_within_its_bound() {
        let mut worst: f64 = 0.0;
        for step in 0..=870_000u32 {
            let d = -(step as f32) * 1e-4;
            let exact = f64::from(d).exp();
            worst = worst.max((f64::from(exp_f32(d, 0.0)) / exact - 1.0).abs());
        }
        assert!(worst < 1.7e-7, "{worst:e}");
        assert_eq!(exp_f32(0.0, 0.0), 1.0);
    }

    #[test]
    #[ignore = "every f32 in [-87, 0]: a minute in release"]
    fn exp_f32_is_within_its_bound_everywhere() {
        let mut worst: f64 = 0.0;
        for bits in 0..=87f32.to_bits() {
            let d = -f32::from_bits(bits);
            worst = worst.max((f64::from(exp_f32(d, 0.0)) / f64::from(d).exp() - 1.0).abs());
        }
        assert!(worst < 1.7e-7, "{worst:e}");
    }

    #[test]
    fn exp_f32_carries_the_rounding_error_of_its_argument() {
        let exact = (-20.0f64 + 4e-7).exp();
        assert!((f64::from(exp_f32(-20.0, 4e-7)) / exact - 1.0).abs() < 1.7e-7);
    }

    #[test]
    fn exp_f64_is_within_its_bound() {
        let mut worst: f64 = 0.0;
        for step in 0..=708_000u32 {
            let d = -f64::from(step) * 0.000_999_999;
            worst = worst.max((exp_f64(d) / d.exp() - 1.0).abs());
        }
        assert!(worst < 4e-16, "{worst:e}");
    }

    #[test]
    fn limits() {
        assert_eq!(exp_f32(f32::NEG_INFINITY, f32::NAN), 0.0);
        assert_eq!(exp_f64(f64::NEG_INFINITY), 0.0);
        assert!(exp_f32(f32::NAN, 0.0).is_nan());
        assert!(exp_f64(f64::NAN).is_nan());
        assert_eq!(exp_f64(0.0), 1.0);
    }
}
