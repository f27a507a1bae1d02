//! Numbers in the precision of their file.

use half::{bf16, f16};

/// Numbers in the precision of their file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// `float16`.
    F16(Vec<f16>),
    /// `bfloat16`.
    Bf16(Vec<bf16>),
    /// `float32`.
    F32(Vec<f32>),
    /// `float64`.
    F64(Vec<f64>),
}

/// The type of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F16,
    Bf16,
    F32,
    F64,
}

impl Kind {
    /// How many bytes a number has.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

impl Values {
    /// The numbers that these bytes are.
    pub(crate) fn from_bytes(kind: Kind, is_big_endian: bool, bytes: &[u8]) -> Self {
        match kind {
            Kind::F16 => Self::F16(decoded(bytes, is_big_endian, f16::from_le_bytes, f16::from_be_bytes)),
            Kind::Bf16 => Self::Bf16(decoded(bytes, is_big_endian, bf16::from_le_bytes, bf16::from_be_bytes)),
            Kind::F32 => Self::F32(decoded(bytes, is_big_endian, f32::from_le_bytes, f32::from_be_bytes)),
            Kind::F64 => Self::F64(decoded(bytes, is_big_endian, f64::from_le_bytes, f64::from_be_bytes)),
        }
    }

    /// In `f64`, which holds them all.
    pub(crate) fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F16(values) => values.iter().map(|value| value.to_f64()).collect(),
            Self::Bf16(values) => values.iter().map(|value| value.to_f64()).collect(),
            Self::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            Self::F64(values) => values.clone(),
        }
    }

    /// Adds more numbers of the same type.
    pub(crate) fn append(&mut self, more: Self) {
        match (self, more) {
            (Self::F16(values), Self::F16(mut more)) => values.append(&mut more),
            (Self::Bf16(values), Self::Bf16(mut more)) => values.append(&mut more),
            (Self::F32(values), Self::F32(mut more)) => values.append(&mut more),
            (values, more) => {
                let mut wide = values.to_f64();
                wide.append(&mut more.to_f64());
                *values = Self::F64(wide);
            }
        }
    }

    /// The numbers from `at` on, which are taken away.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::F16(values) => Self::F16(values.split_off(at)),
            Self::Bf16(values) => Self::Bf16(values.split_off(at)),
            Self::F32(values) => Self::F32(values.split_off(at)),
            Self::F64(values) => Self::F64(values.split_off(at)),
        }
    }

    /// In `f32`, which holds the half types.
    pub(crate) fn into_f32(self) -> Vec<f32> {
        match self {
            Self::F16(values) => values.into_iter().map(f32::from).collect(),
            Self::Bf16(values) => values.into_iter().map(f32::from).collect(),
            Self::F32(values) => values,
            Self::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        }
    }

    /// The type of the numbers.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::F16(_) => Kind::F16,
            Self::Bf16(_) => Kind::Bf16,
            Self::F32(_) => Kind::F32,
            Self::F64(_) => Kind::F64,
        }
    }

    /// Rounded to a half type, where `kind` is one; else as they are.
    pub(crate) fn rounded(self, kind: Kind) -> Self {
        match kind {
            Kind::F16 => Self::F16(self.into_f32().into_iter().map(f16::from_f32).collect()),
            Kind::Bf16 => Self::Bf16(self.into_f32().into_iter().map(bf16::from_f32).collect()),
            Kind::F32 | Kind::F64 => self,
        }
    }
}

fn decoded<T, const N: usize>(
    bytes: &[u8],
    is_big_endian: bool,
    little: impl Fn([u8; N]) -> T,
    big: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let (numbers, _) = bytes.as_chunks::<N>();
    match is_big_endian {
        false => numbers.iter().map(|number| little(*number)).collect(),
        true => numbers.iter().map(|number| big(*number)).collect(),
    }
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Self::F64(values)
    }
}
