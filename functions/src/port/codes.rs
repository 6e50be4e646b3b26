//! Random codes and secrets, from a generator that tests can seed (spec domain 10.3, 10.4).

use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Letters of order codes: none that is easily misread (spec domain 10.3).
const ORDER_CODE: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ379";
/// Letters of ticket secrets (spec domain 10.4).
const TICKET_SECRET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
const URL_SECRET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const VOUCHER_CODE: &[u8] = b"ABCDEFGHKLMNPQRSTUVWXYZ23456789";
const PSEUDONYM: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ3789";

/// Codes that must not be read out at a door.
const UNFORTUNATE: [&str; 6] = ["ARSCH", "FUCK", "HURE", "NAZI", "SHIT", "SEX"];

/// Where the secrets of one order come from: whoever has it draws the same ones.
#[derive(Clone, Serialize, Deserialize)]
pub struct Seed(String);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A generator of codes: unpredictable from the system, or repeatable from a seed.
pub struct Codes {
    rng: Mutex<StdRng>,
}

impl Codes {
    /// Seeded by the system.
    pub fn random() -> Self {
        Self { rng: Mutex::new(rand::make_rng()) }
    }

    /// The same codes in the same order for the same seed, for tests.
    pub fn seeded(seed: u64) -> Self {
        Self { rng: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// The codes that come from a seed. Codes for different purposes say nothing about each other.
    pub fn of(seed: &Seed, purpose: &str) -> Self {
        let digest = Sha256::new().chain_update(&seed.0).chain_update(purpose).finalize();
        Self { rng: Mutex::new(StdRng::from_seed(digest.into())) }
    }

    /// A seed that nobody can guess.
    pub fn seed(&self) -> Seed {
        Seed(self.text(URL_SECRET, 50))
    }

    fn rng(&self) -> MutexGuard<'_, StdRng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self, alphabet: &[u8], length: usize) -> String {
        let mut rng = self.rng();
        (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
    }

    /// A time between three quarters and five quarters of `time`, so that those who wait do not all come at once.
    pub fn jitter(&self, time: std::time::Duration) -> std::time::Duration {
        time * self.rng().random_range(75..=125) / 100
    }

    /// An order code of `length` characters; in test mode the second one is `0`.
    pub fn order_code(&self, length: usize, testmode: bool) -> String {
        loop {
            let mut code = self.text(ORDER_CODE, length);
            if testmode {
                code.replace_range(1..2, "0");
            }
            if !UNFORTUNATE.iter().any(|word| code.contains(word)) {
                return code;
            }
        }
    }

    /// A random UUID (version 4).
    pub fn uuid(&self) -> String {
        let mut bytes: [u8; 16] = self.rng().random();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// The content of a ticket's QR code.
    pub fn ticket_secret(&self) -> String {
        self.text(TICKET_SECRET, 32)
    }

    /// A secret that is part of an address: order pages, attendee pages.
    pub fn url_secret(&self) -> String {
        self.text(URL_SECRET, 16)
    }

    /// A name for a position that says nothing about it.
    pub fn pseudonymization_id(&self) -> String {
        self.text(PSEUDONYM, 10)
    }

    /// What a question, or an answer to choose, is called where nobody has named it (spec domain 7.1).
    pub fn identifier(&self) -> String {
        self.text(PSEUDONYM, 8)
    }

    /// The code of a voucher that nobody has named (spec domain 6.1).
    pub fn voucher_code(&self) -> String {
        self.text(VOUCHER_CODE, 16)
    }

    /// The secret of a gift card that nobody has named (spec domain 20.1).
    pub fn gift_card_secret(&self) -> String {
        self.text(VOUCHER_CODE, 16)
    }

    /// The random part of a cart's identity.
    pub fn cart_id(&self) -> String {
        self.text(URL_SECRET, 48)
    }

    /// What a webhook's secret is derived from.
    pub fn webhook_nonce(&self) -> String {
        self.text(URL_SECRET, 48)
    }

    /// A token that makes one form act once.
    pub fn form_token(&self) -> String {
        self.text(URL_SECRET, 24)
    }
}
