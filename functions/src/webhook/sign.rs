//! Secrets and signatures of webhooks, as Standard Webhooks describes them.
//!
//! Each secret is derived from the shop's key and a random text that is stored: a copy of the database signs nothing.
//! A new key of the shop is a new secret for every webhook.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::Sha256;

use crate::config::Secret;

/// One secret of a webhook, in both forms: shared (HMAC-SHA256) and public (Ed25519).
pub struct SigningKey {
    shared: [u8; 32],
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// The secret that belongs to a stored text.
    pub fn derive(key: &Secret, nonce: &str) -> Self {
        let seed = derive(key, "webhook-ed25519", nonce);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed has 32 bytes");
        Self { shared: derive(key, "webhook-hmac", nonce), pair }
    }

    /// What the receiver checks `v1` signatures with. Whoever knows it can sign.
    pub fn secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.shared))
    }

    /// What the receiver checks `v1a` signatures with. No secret.
    pub fn public_key(&self) -> String {
        format!("whpk_{}", STANDARD.encode(self.pair.public_key()))
    }

    /// Both signatures of a message.
    fn signatures(&self, signed: &str) -> [String; 2] {
        let mac = mac(&self.shared, &[signed.as_bytes()]);
        let pair = self.pair.sign(signed.as_bytes());
        [format!("v1,{}", STANDARD.encode(mac)), format!("v1a,{}", STANDARD.encode(pair))]
    }
}

/// Value of `webhook-signature`: signatures by every key, so that a receiver may change keys when it likes.
pub fn header(keys: &[SigningKey], id: &str, timestamp_seconds: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp_seconds}.{body}");
    let signatures: Vec<String> = keys.iter().flat_map(|key| key.signatures(&signed)).collect();
    signatures.join(" ")
}

fn derive(key: &Secret, purpose: &str, nonce: &str) -> [u8; 32] {
    mac(key.reveal().as_bytes(), &[purpose.as_bytes(), b":", nonce.as_bytes()])
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    fn key(nonce: &str) -> SigningKey {
        SigningKey::derive(&Secret::new("a key for tests only, long enough"), nonce)
    }

    #[test]
    fn secrets_differ_and_are_found_again() {
        assert_eq!(key("one").secret(), key("one").secret());
        assert_ne!(key("one").secret(), key("two").secret());
        assert_ne!(key("one").public_key(), key("two").public_key());
        let other = SigningKey::derive(&Secret::new("another key for tests, long enough"), "one");
        assert_ne!(key("one").secret(), other.secret());
        assert_eq!(STANDARD.decode(&key("one").secret()["whsec_".len()..]).map(|bytes| bytes.len()), Ok(32));
    }

    #[test]
    fn everybody_with_the_public_key_can_check() {
        let (old, new) = (key("old"), key("new"));
        let header = header(&[key("new"), key("old")], "msg_1", 1_700_000_000, "{}");
        let words: Vec<&str> = header.split(' ').collect();
        assert_eq!(words.len(), 4);
        let bytes = |text: &str| STANDARD.decode(text).unwrap();
        for (word, key) in [(words[1], &new), (words[3], &old)] {
            let public = UnparsedPublicKey::new(&ED25519, bytes(&key.public_key()["whpk_".len()..]));
            let signature = bytes(word.strip_prefix("v1a,").unwrap());
            assert!(public.verify(b"msg_1.1700000000.{}", &signature).is_ok());
            assert!(public.verify(b"msg_2.1700000000.{}", &signature).is_err());
        }
    }
}
