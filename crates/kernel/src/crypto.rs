//! Hashes, signatures and ciphertexts that name their algorithm.
//!
//! Every stored value of these kinds says how it was made, so that a city that must use 国密 algorithms, or a later
//! decade that must leave today's, can change the provider and still read what was stored. The provider stands behind
//! [`Provider`]; `platform::crypto` has the ordinary one.

use std::fmt;
use std::str::FromStr;

use crate::refusal::{Refusal, Result};
use crate::secret::Secret;

/// A hash with its algorithm, written `blake3:9f86…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    /// `blake3`, `sm3`, `sha256`.
    pub algorithm: String,
    /// Lower-case hexadecimal.
    pub hex: String,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl FromStr for Digest {
    type Err = Refusal;
    fn from_str(s: &str) -> Result<Digest> {
        match s.split_once(':') {
            Some((algorithm, hex))
                if !algorithm.is_empty() && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                Ok(Digest { algorithm: algorithm.into(), hex: hex.to_ascii_lowercase() })
            }
            _ => Err(Refusal::invalid("crypto.digest", "摘要值的格式不对").mend("应为“算法:十六进制”")),
        }
    }
}

/// A ciphertext with its algorithm and key, written `xchacha20poly1305:k1:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub String);

/// What makes and checks hashes and ciphertexts.
pub trait Provider: Send + Sync {
    /// Hashes bytes with the provider's present algorithm.
    fn hash(&self, bytes: &[u8]) -> Digest;

    /// Whether `bytes` have this digest, whichever known algorithm made it.
    ///
    /// # Errors
    /// `crypto.algorithm` where the provider does not know the algorithm.
    fn verify(&self, digest: &Digest, bytes: &[u8]) -> Result<bool>;

    /// Encrypts a secret for storage. `context` (table and id) is bound in, so that a ciphertext moved elsewhere does
    /// not open.
    ///
    /// # Errors
    /// `crypto.key` where no key is loaded.
    fn seal(&self, secret: &Secret, context: &str) -> Result<Sealed>;

    /// Decrypts what [`Provider::seal`] made.
    ///
    /// # Errors
    /// `crypto.open` where key, context or bytes do not fit.
    fn open(&self, sealed: &Sealed, context: &str) -> Result<Secret>;
}
