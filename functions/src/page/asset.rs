//! Stylesheet, script and icon, addressed by their content, so that browsers and the edge may keep them for ever.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

struct Asset {
    stem: &'static str,
    extension: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    hash: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    let asset = |stem, extension, content_type, bytes: &'static [u8]| {
        let hash = Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Asset { stem, extension, content_type, bytes, hash }
    };
    [
        asset("shop", "css", "text/css; charset=utf-8", include_bytes!("../../assets/shop.css")),
        asset("shop", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/shop.js")),
        asset("favicon", "svg", "image/svg+xml", include_bytes!("../../assets/favicon.svg")),
    ]
});

impl Asset {
    fn name(&self) -> String {
        format!("{}.{}", self.stem, self.extension)
    }

    fn hashed_name(&self) -> String {
        format!("{}-{}.{}", self.stem, self.hash, self.extension)
    }
}

/// Content type and bytes of an asset by the last part of its address, with or without the hash; a wrong hash finds
/// nothing, so that other content is never kept under it.
pub fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    let found = ASSETS.iter().find(|asset| asset.hashed_name() == name || asset.name() == name)?;
    Some((found.content_type, found.bytes))
}

/// The address of an asset, such as `/static/shop-1a2b3c4d.css`; it changes with the content.
pub fn asset_url(name: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.name() == name);
    format!("/static/{}", found.map_or_else(|| name.to_owned(), Asset::hashed_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_find_their_content() {
        for name in ["shop.css", "shop.js", "favicon.svg"] {
            let url = asset_url(name);
            let hashed = url.strip_prefix("/static/").unwrap();
            assert_ne!(hashed, name);
            assert_eq!(asset(hashed), asset(name));
            assert!(asset(hashed).is_some());
        }
        assert_eq!(asset("shop-00000000.css"), None);
    }
}
