//! Arrays of other libraries, read and written where they lie: the only `unsafe` of the project.
//!
//! The Python side has checked what a pointer cannot show: that the array is on the CPU, contiguous, of the stated type
//! and length, and alive for the call (`klados/torch/_fused.py`, `klados/arrays.py`).

use half::{bf16, f16};
use pyo3::PyResult;

use crate::error;

/// An address of an array's first element, from Python.
pub(crate) type Address = usize;

/// The elements of an array.
///
/// # Safety
///
/// `address` is that of `length` initialised elements of `T` that nothing writes while the slice lives, or `length` is 0.
///
/// # Errors
///
/// The array has no memory, as that of a tensor without data, or is not aligned, as a view of a file's bytes may be.
pub(crate) unsafe fn read<'a, T>(address: Address, length: usize) -> PyResult<&'a [T]> {
    if length == 0 {
        return Ok(&[]); // an empty tensor has no address
    }
    check::<T>(address)?;
    // SAFETY: by the function's contract, and aligned.
    Ok(unsafe { std::slice::from_raw_parts(address as *const T, length) })
}

/// The elements of an array, to be written.
///
/// # Safety
///
/// As [`read`], and nothing else reads them either while the slice lives.
///
/// # Errors
///
/// As [`read`].
pub(crate) unsafe fn write<'a, T>(address: Address, length: usize) -> PyResult<&'a mut [T]> {
    if length == 0 {
        return Ok(&mut []);
    }
    check::<T>(address)?;
    // SAFETY: by the function's contract, and aligned.
    Ok(unsafe { std::slice::from_raw_parts_mut(address as *mut T, length) })
}

fn check<T>(address: Address) -> PyResult<()> {
    if address == 0 {
        return Err(error::value("an array has no memory: its storage was freed, or it stands for one elsewhere"));
    }
    if !address.is_multiple_of(align_of::<T>()) {
        return Err(error::value("an array is not aligned in memory; a copy of it is"));
    }
    Ok(())
}

/// The types of logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// By NumPy's and PyTorch's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "float16" => Some(Self::F16),
            "bfloat16" => Some(Self::Bf16),
            "float32" => Some(Self::F32),
            "float64" => Some(Self::F64),
            _ => None,
        }
    }
}

/// Calls a generic function with the element type that a [`Float`] names.
macro_rules! with_float {
    ($dtype:expr, $type:ident => $body:expr) => {
        match $dtype {
            $crate::memory::Float::F16 => {
                type $type = $crate::memory::F16;
                $body
            }
            $crate::memory::Float::Bf16 => {
                type $type = $crate::memory::Bf16;
                $body
            }
            $crate::memory::Float::F32 => {
                type $type = f32;
                $body
            }
            $crate::memory::Float::F64 => {
                type $type = f64;
                $body
            }
        }
    };
}
pub(crate) use with_float;

pub(crate) type F16 = f16;
pub(crate) type Bf16 = bf16;
