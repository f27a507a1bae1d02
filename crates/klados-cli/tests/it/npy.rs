//! `.npy` files as NumPy writes them, in the dtypes and orders that matter here.

/// The bytes of a C-ordered `[rows, columns]` array of little-endian `f4`.
pub(crate) fn f4(rows: &[&[f64]]) -> Vec<u8> {
    let values = rows.iter().copied().flatten().flat_map(|&value| (value as f32).to_le_bytes()).collect();
    npy("<f4", false, rows.len(), rows[0].len(), values)
}

/// The bytes of a C-ordered array of little-endian `f8`.
pub(crate) fn f8(rows: &[&[f64]]) -> Vec<u8> {
    let values = rows.iter().copied().flatten().flat_map(|value| value.to_le_bytes()).collect();
    npy("<f8", false, rows.len(), rows[0].len(), values)
}

/// The bytes of a Fortran-ordered array of big-endian `f8`.
pub(crate) fn big_endian_fortran(rows: &[&[f64]]) -> Vec<u8> {
    let columns = 0..rows[0].len();
    let values = columns.flat_map(|column| rows.iter().flat_map(move |row| row[column].to_be_bytes())).collect();
    npy(">f8", true, rows.len(), rows[0].len(), values)
}

/// A file with this header and these bytes.
pub(crate) fn npy(descr: &str, fortran: bool, rows: usize, columns: usize, values: Vec<u8>) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({rows}, {columns}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}
