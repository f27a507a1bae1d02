//! Numbers in JSON, which has no NaN: it is written as `null`, and has to be read back where training diverged.

use serde::{Deserialize, Deserializer};

/// Reads a number, or NaN where there is `null`.
pub(crate) fn or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use crate::train::fit::Epoch;

    #[test]
    fn an_epoch_without_finite_losses_is_read_back() {
        let nan = Epoch {
            epoch: 1,
            train_loss: f64::NAN,
            validation_loss: Some(f64::NAN),
            validation: None,
            stop_on: None,
            seconds: 0.0,
        };
        let read = |epoch: &Epoch| -> Epoch {
            serde_json::from_slice(&serde_json::to_vec(epoch).expect("written")).expect("read")
        };
        let back = read(&nan);
        assert!(back.train_loss.is_nan() && back.validation_loss.is_none());
        let without = Epoch { train_loss: 1.5, validation_loss: None, ..nan };
        assert_eq!(read(&without), without);
    }
}
