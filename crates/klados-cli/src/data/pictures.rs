//! Pictures into features: histograms of oriented gradients for shapes, a grid of mean colours for the rest.

use image::{GrayImage, RgbImage, imageops};
use imageproc::hog::{HogOptions, hog};

use super::emoji::TILE;

/// 9 orientations without sign, cells of 4 x 4 pixels, overlapping blocks of 2 x 2 cells.
const HOG: HogOptions = HogOptions { orientations: 9, signed: false, cell_side: 4, block_side: 2, block_stride: 1 };
/// Side of the grid of mean colours.
const GRID: u32 = 8;
/// 7 x 7 blocks of 2 x 2 histograms with 9 bins, and 8 x 8 colours.
pub(crate) const FEATURES: usize = 7 * 7 * 4 * 9 + (GRID * GRID * 3) as usize;

/// The features of one tile of 32 x 32 pixels.
///
/// # Errors
///
/// A picture of another size.
pub(crate) fn features(tile: &RgbImage) -> anyhow::Result<Vec<f32>> {
    let (width, height) = tile.dimensions();
    anyhow::ensure!((width, height) == (TILE, TILE), "expected {TILE} x {TILE} pixels, found {width} x {height}");
    let gray: GrayImage = imageops::grayscale(tile);
    let mut features = hog(&gray, HOG).map_err(anyhow::Error::msg)?;
    let cell = TILE / GRID;
    for (y, x) in (0..GRID).flat_map(|y| (0..GRID).map(move |x| (y, x))) {
        let mut sum = [0u32; 3];
        for (dy, dx) in (0..cell).flat_map(|dy| (0..cell).map(move |dx| (dy, dx))) {
            let pixel = tile.get_pixel(x * cell + dx, y * cell + dy).0;
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += u32::from(value);
            }
        }
        features.extend(sum.map(|sum| sum as f32 / (cell * cell * 255) as f32));
    }
    Ok(features)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_red_tile_has_red_means_and_no_gradients() {
        let tile = RgbImage::from_pixel(TILE, TILE, image::Rgb([255, 0, 0]));
        let features = features(&tile).expect("features");
        assert_eq!(features.len(), FEATURES);
        let (gradients, colours) = features.split_at(FEATURES - 192);
        assert!(gradients.iter().all(|&value| value == 0.0));
        assert!(colours.chunks(3).all(|colour| colour == [1.0, 0.0, 0.0]));
    }

    #[test]
    fn another_size_is_an_error() {
        assert!(features(&RgbImage::new(16, 32)).is_err());
    }
}
