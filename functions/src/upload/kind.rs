//! Types of files, told by their first bytes.

use image::ImageFormat;

/// A type that can be sent (spec rest-api 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture without loss.
    Png,
    /// A photograph.
    Jpeg,
    /// An old picture; of one that moves the first image counts.
    Gif,
    /// A document.
    Pdf,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::Gif, Self::Pdf];

    /// Its name in HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Pdf => "application/pdf",
        }
    }

    /// Reads [`Self::content_type`].
    pub fn parse(content_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.content_type().eq_ignore_ascii_case(content_type))
    }

    /// The names of all, for those who have sent something else.
    pub fn names() -> String {
        Self::ALL.map(Self::content_type).join(", ")
    }

    /// What names of such files end in.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Gif => &["gif"],
            Self::Pdf => &["pdf"],
        }
    }

    /// Whether buyers can be shown it.
    pub fn is_picture(self) -> bool {
        self != Self::Pdf
    }

    /// The type that bytes are of, whatever they are called.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match image::guess_format(bytes) {
            Ok(ImageFormat::Png) => Some(Self::Png),
            Ok(ImageFormat::Jpeg) => Some(Self::Jpeg),
            Ok(ImageFormat::Gif) => Some(Self::Gif),
            _ => bytes.starts_with(b"%PDF-").then_some(Self::Pdf),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_what_they_are() {
        assert_eq!(Kind::of(b"\x89PNG\r\n\x1a\n\0"), Some(Kind::Png));
        assert_eq!(Kind::of(b"\xff\xd8\xff\xe0\0\x10JFIF"), Some(Kind::Jpeg));
        assert_eq!(Kind::of(b"GIF89a\x01\0"), Some(Kind::Gif));
        assert_eq!(Kind::of(b"%PDF-1.7\n"), Some(Kind::Pdf));
        for other in [&b"<svg xmlns='http://www.w3.org/2000/svg'>"[..], b"RIFF\0\0\0\0WEBPVP8 ", b"MZ", b"", b"%PD"] {
            assert_eq!(Kind::of(other), None, "{other:?}");
        }
    }
}
