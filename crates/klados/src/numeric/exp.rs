//! `e^d` of a non-positive argument in `f64`, written so that the compiler turns a loop over it into vector code on any target:
//! no branch, no table, no fused multiply-add.

/// The coefficients of the Taylor series of `e^r` from degree 13 to 2.
pub(super) const TAYLOR: [f64; 12] = [
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

/// `e^d` for `d <= 0` in `f64`. Relative error below 4e-16 for `d >= -708`; 0 below that, also for `-inf`; NaN stays
/// NaN. Two-part range reduction (the constants of fdlibm) and the Taylor series to degree 13, whose remainder on
/// `|r| <= ln 2 / 2` is below 5e-18.
#[inline(always)]
pub(super) fn exp_f64(d: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
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
        assert_eq!(exp_f64(f64::NEG_INFINITY), 0.0);
        assert!(exp_f64(f64::NAN).is_nan());
        assert_eq!(exp_f64(0.0), 1.0);
    }
}
