//! Pictures in the sizes that pages and tickets need.
//!
//! Every size is drawn anew, so that nothing of the original but its pixels is published: no place where a photograph was
//! taken, nothing behind its end.

use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageReader, Limits, codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Kind;

/// Most pixels.
const PIXELS_MAX: u64 = 25_000_000;
/// Most bytes of all pixels: the smallest function that decodes has 512 MB, and turning a picture takes as much again.
const DECODED_MAX: u64 = 4 * PIXELS_MAX;
/// Longest side.
const SIDE_MAX: u32 = 12_000;
/// Memory for a decoder, besides the pixels.
const ALLOC_MAX: u64 = 128 << 20;
/// Longest side of what pages show as a whole.
const LARGE: u32 = 1170;
/// Longest side of what stands beside a product: 60 pixels on a fine screen.
const THUMBNAIL: u32 = 180;
/// Of photographs.
const JPEG_QUALITY: u8 = 85;

/// A picture that is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// What its sender called it.
    pub file_name: String,
    /// Where the large size lies.
    pub large: String,
    /// Where the small one does.
    pub thumbnail: String,
    /// Width of the large size in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl Picture {
    /// The address of an object of the public part.
    pub fn url(key: &str) -> String {
        format!("/{key}")
    }

    /// Where its files lie.
    pub fn keys(&self) -> [&str; 2] {
        [&self.large, &self.thumbnail]
    }
}

/// Why a file is no picture that can be shown.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// More pixels than a function can hold.
    #[error("The picture has {width} × {height} pixels; {} million are the limit for one of its kind.", most / 1_000_000)]
    TooLarge {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// How many it may have.
        most: u64,
    },
    /// A side is too long, or its parts are larger than they may be.
    #[error("The picture is too large: a side may have {SIDE_MAX} pixels, and all of it {} million.", PIXELS_MAX / 1_000_000)]
    BeyondLimits,
    /// Something else.
    #[error("The picture cannot be read: {0}.")]
    Unreadable(#[source] ImageError),
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::BeyondLimits,
            other => Self::Unreadable(other),
        }
    }
}

/// The pixels of a picture, the right way up.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, PictureError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(ImageError::IoError)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(ALLOC_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let most = PIXELS_MAX.min(DECODED_MAX / u64::from(decoder.color_type().bytes_per_pixel()));
    if u64::from(width) * u64::from(height) > most {
        return Err(PictureError::TooLarge { width, height, most });
    }
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// One size, ready to be published.
pub struct Size {
    /// Where it belongs: the key changes with the content, so it may be kept for ever.
    pub key: String,
    /// Its type.
    pub kind: Kind,
    /// The file.
    pub bytes: Vec<u8>,
}

/// All sizes of a picture. `place` begins their keys.
pub fn sizes(bytes: &[u8], file_name: &str, place: &str) -> Result<(Picture, [Size; 2]), PictureError> {
    let image = decode(bytes)?;
    let (large, shown) = size(&image, LARGE, place)?;
    let (thumbnail, _) = size(&shown, THUMBNAIL, place)?;
    let picture = Picture {
        file_name: file_name.to_owned(),
        large: large.key.clone(),
        thumbnail: thumbnail.key.clone(),
        width: shown.width(),
        height: shown.height(),
    };
    Ok((picture, [large, thumbnail]))
}

/// Never larger than the original.
fn size(image: &DynamicImage, side_max: u32, place: &str) -> Result<(Size, DynamicImage), PictureError> {
    let drawn = shrunk(image, side_max, side_max);
    let mut bytes = Vec::new();
    let (kind, ending) = if drawn.color().has_alpha() {
        DynamicImage::from(drawn.to_rgba8()).write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)?;
        (Kind::Png, "png")
    } else {
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&drawn.to_rgb8())?;
        (Kind::Jpeg, "jpg")
    };
    let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]);
    Ok((Size { key: format!("{place}-{hash}.{ending}"), kind, bytes }, drawn))
}

fn shrunk(image: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    if image.width() <= width && image.height() <= height {
        return image.clone();
    }
    image.resize(width, height, FilterType::CatmullRom)
}

/// Plain pixels, for a document that embeds them.
#[derive(Clone)]
pub struct Pixels {
    /// Red, green, blue and opacity of each.
    pub rgba: Vec<u8>,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The pixels of a picture, shrunk into a rectangle.
pub fn pixels(bytes: &[u8], width_max: u32, height_max: u32) -> Result<Pixels, PictureError> {
    let drawn = shrunk(&decode(bytes)?, width_max, height_max).into_rgba8();
    Ok(Pixels { width: drawn.width(), height: drawn.height(), rgba: drawn.into_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.into().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("a PNG");
        bytes
    }

    #[test]
    fn sizes_keep_the_shape_and_never_grow() {
        let photo = png(RgbImage::from_pixel(2000, 500, Rgb([200, 30, 30])));
        let (picture, [large, thumbnail]) = sizes(&photo, "a.png", "pub/org/gig/logo").expect("a picture");
        assert_eq!((picture.width, picture.height), (1170, 293));
        assert!(picture.large.starts_with("pub/org/gig/logo-") && picture.large.ends_with(".jpg"), "{picture:?}");
        let small = decode(&thumbnail.bytes).expect("a picture");
        assert_eq!((small.width(), small.height()), (180, 45));
        assert_eq!((large.kind, Kind::of(&large.bytes)), (Kind::Jpeg, Some(Kind::Jpeg)));
        let seal = png(RgbaImage::from_pixel(40, 40, Rgba([0, 0, 0, 0])));
        let (picture, [large, thumbnail]) = sizes(&seal, "b.png", "x").expect("a picture");
        assert_eq!((picture.width, large.kind), (40, Kind::Png));
        assert_eq!(large.key, thumbnail.key, "the same bytes are one file");
        assert_eq!(pixels(&photo, 100, 100).map(|drawn| (drawn.width, drawn.height)).ok(), Some((100, 25)));
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let mut broken = png(RgbImage::new(50, 50));
        broken.truncate(60);
        assert!(matches!(decode(&broken), Err(PictureError::Unreadable(_))));
    }

    /// A PNG of 16 bits for each of four colours that says how large it is, and holds nothing of it.
    fn promising(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = png(image::ImageBuffer::from_pixel(1, 1, Rgba([0_u16, 0, 0, 0])));
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
        bytes
    }

    #[test]
    fn no_picture_takes_more_memory_than_there_is() {
        let said = |bytes: &[u8]| decode(bytes).map(|image| image.width()).map_err(|error| error.to_string());
        let limit = |text: &str| Err(format!("The picture {text}."));
        let wide = promising(10_000, 10_000);
        assert_eq!(said(&wide), limit("has 10000 × 10000 pixels; 12 million are the limit for one of its kind"));
        // 25 million pixels of 8 bytes are twice as many as of 4.
        let deep = promising(5000, 5000);
        assert_eq!(said(&deep), limit("has 5000 × 5000 pixels; 12 million are the limit for one of its kind"));
        for (width, height) in [(60_000, 60_000), (1, 100_000), (u32::MAX >> 1, 1)] {
            let reason = "is too large: a side may have 12000 pixels, and all of it 25 million";
            assert_eq!(said(&promising(width, height)), limit(reason), "{width} × {height}");
        }
        // Half a megabyte that is what it says.
        let bomb = png(image::GrayImage::new(10_000, 10_000));
        assert!(bomb.len() < 600_000, "{} bytes", bomb.len());
        assert_eq!(said(&bomb), limit("has 10000 × 10000 pixels; 25 million are the limit for one of its kind"));
    }
}
