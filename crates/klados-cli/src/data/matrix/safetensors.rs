//! A matrix in a `.safetensors` file: a header in JSON, then the numbers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::block::Block;
use crate::data::values::Kind;

/// No header is longer, by the format.
const LONGEST_HEADER: u64 = 100_000_000;
/// The names of the tensor that is taken where there are several.
const USUAL: [&str; 3] = ["logits", "probabilities", "scores"];

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// The matrix of this name, else the only one, else the one that is named as logits are.
///
/// # Errors
///
/// When the file cannot be read or is cut off, or it is not clear which tensor is meant, or that is no matrix of floats.
pub(crate) fn open(path: &Path, name: Option<&str>) -> Result<Block> {
    let shown = path.display();
    let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let length = file.metadata().with_context(|| format!("cannot read {shown}"))?.len();
    let mut prefix = [0; 8];
    let is_read = file.read_exact(&mut prefix).is_ok();
    let header = u64::from_le_bytes(prefix);
    if !is_read || header > LONGEST_HEADER || header > length.saturating_sub(8) {
        bail!("{shown} is not a whole .safetensors file");
    }
    let mut text = vec![0; header as usize];
    file.read_exact(&mut text).with_context(|| format!("cannot read {shown}"))?;
    let mut tensors: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&text).with_context(|| format!("{shown} is not a whole .safetensors file"))?;
    tensors.remove("__metadata__");
    let mut read = Vec::new();
    for (name, tensor) in tensors {
        let tensor = Tensor::deserialize(tensor).with_context(|| format!("{shown}: the header of \"{name}\""))?;
        read.push((name, tensor));
    }
    let names = || read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let matrices: Vec<&(String, Tensor)> = read.iter().filter(|(_, tensor)| tensor.shape.len() == 2).collect();
    let chosen = match name {
        Some(name) => read.iter().find(|(found, _)| found == name),
        None => match matrices[..] {
            [only] => Some(only),
            _ => USUAL.iter().find_map(|usual| matrices.iter().find(|(name, _)| name == usual).copied()),
        },
    };
    let Some((name, tensor)) = chosen else {
        match name {
            Some(name) => bail!("{shown} has no tensor \"{name}\"; it has {}", names()),
            None if matrices.is_empty() => bail!("{shown} has no tensor of two dimensions; it has {}", names()),
            None => bail!("{shown} has several tensors: write {shown}:NAME for one of {}", names()),
        }
    };
    let &[rows, columns] = &tensor.shape[..] else {
        let shape = &tensor.shape;
        bail!("{shown}: \"{name}\" has shape {shape:?}, expected two dimensions: [rows, columns]");
    };
    let kind = match tensor.dtype.as_str() {
        "F16" => Kind::F16,
        "BF16" => Kind::Bf16,
        "F32" => Kind::F32,
        "F64" => Kind::F64,
        other => bail!("{shown}: \"{name}\" has dtype {other}, expected F16, BF16, F32 or F64"),
    };
    let [start, end] = tensor.data_offsets;
    let wanted = rows.checked_mul(columns).and_then(|values| values.checked_mul(kind.bytes()));
    // None where there is an overflow, or the end is before the start.
    let (offset, end_at, bytes) =
        ((8 + header).checked_add(start), (8 + header).checked_add(end), end.checked_sub(start));
    let is_whole = wanted.is_some_and(|wanted| bytes == Some(wanted as u64)) && end_at.is_some_and(|end| end <= length);
    let Some(offset) = offset.filter(|_| is_whole) else {
        bail!("{shown} is truncated: it does not hold the {rows} x {columns} values of \"{name}\"");
    };
    Ok(Block { file, offset, rows, columns, kind, is_big_endian: false, is_fortran: false })
}
