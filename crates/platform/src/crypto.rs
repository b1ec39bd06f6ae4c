//! The ordinary provider: BLAKE3 hashes, XChaCha20-Poly1305 ciphertexts. See [`kernel::crypto`].

use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kernel::crypto::{Digest, Provider, Sealed};
use kernel::id::Entropy;
use kernel::secret::Secret;
use kernel::{Refusal, Result};
use sha2::Digest as _;

/// Name of the ciphertext's algorithm.
const CIPHER: &str = "xchacha20poly1305";

/// The ordinary provider. Without a key it still hashes; sealing and opening are then refused.
pub struct Standard {
    key: Option<(String, [u8; 32])>,
    entropy: Arc<dyn Entropy>,
}

impl Standard {
    /// A provider with a key.
    pub fn with_key(key: [u8; 32], entropy: Arc<dyn Entropy>) -> Standard {
        // The key's name tells keys apart and tells nothing of the key.
        let name = blake3::derive_key("gongkai 2026 key name", &key);
        Standard { key: Some((hex::encode(&name[..4]), key)), entropy }
    }

    /// A provider without a key, for commands that only check hashes.
    pub fn without_key(entropy: Arc<dyn Entropy>) -> Standard {
        Standard { key: None, entropy }
    }
}

impl Provider for Standard {
    fn hash(&self, bytes: &[u8]) -> Digest {
        Digest { algorithm: "blake3".into(), hex: blake3::hash(bytes).to_hex().to_string() }
    }

    fn verify(&self, digest: &Digest, bytes: &[u8]) -> Result<bool> {
        match digest.algorithm.as_str() {
            "blake3" => Ok(blake3::hash(bytes).to_hex().as_str() == digest.hex),
            "sha256" => Ok(hex::encode(sha2::Sha256::digest(bytes)) == digest.hex),
            other => Err(Refusal::internal("crypto.algorithm", format_args!("unknown algorithm {other}"))),
        }
    }

    fn seal(&self, secret: &Secret, context: &str) -> Result<Sealed> {
        let Some((name, key)) = &self.key else {
            return Err(Refusal::internal("crypto.key", "no key is loaded"));
        };
        let mut nonce = [0u8; 24];
        self.entropy.fill(&mut nonce);
        let bytes = XChaCha20Poly1305::new(&(*key).into())
            .encrypt(&XNonce::from(nonce), Payload { msg: secret.reveal().as_bytes(), aad: context.as_bytes() })
            .map_err(|_| Refusal::internal("crypto.seal", "encryption failed"))?;
        Ok(Sealed(format!("{CIPHER}:{name}:{}{}", hex::encode(nonce), hex::encode(bytes))))
    }

    fn open(&self, sealed: &Sealed, context: &str) -> Result<Secret> {
        let bad = |why: &'static str| Refusal::internal("crypto.open", why);
        let Some((name, key)) = &self.key else {
            return Err(Refusal::internal("crypto.key", "no key is loaded"));
        };
        let mut parts = sealed.0.splitn(3, ':');
        let (Some(algorithm), Some(made_with), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("not a ciphertext of ours"));
        };
        if algorithm != CIPHER {
            return Err(Refusal::internal("crypto.algorithm", format_args!("unknown algorithm {algorithm}")));
        }
        if made_with != name {
            return Err(bad("sealed with another key").mend("请使用当时的密钥文件"));
        }
        let body = hex::decode(body).map_err(|_| bad("not hexadecimal"))?;
        let (nonce, cipher) = body.split_at_checked(24).ok_or_else(|| bad("too short"))?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| bad("too short"))?;
        let plain = XChaCha20Poly1305::new(&(*key).into())
            .decrypt(&XNonce::from(nonce), Payload { msg: cipher, aad: context.as_bytes() })
            .map_err(|_| bad("the ciphertext was changed or moved"))?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| bad("not text"))
    }
}

/// Reads the city's key from its file; makes it, readable by its owner only, where there is none.
///
/// # Errors
/// `key.file` where the file cannot be read or written or holds no key.
pub fn load_or_create_key(file: &Path, entropy: &dyn Entropy) -> Result<[u8; 32]> {
    let place = file.display().to_string();
    let fault = |e: std::io::Error| {
        Refusal::internal("key.file", e)
            .at(place.clone())
            .mend("请检查密钥文件的路径和权限（应为 0600），或用 --key-file 指定")
    };
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
            bytes.ok_or_else(|| {
                Refusal::invalid("key.file", "密钥文件的内容不是密钥")
                    .at(file.display().to_string())
                    .mend("请恢复原来的密钥文件；它应当只有 64 个十六进制字符")
            })
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0u8; 32];
            entropy.fill(&mut key);
            if let Some(dir) = file.parent() {
                std::fs::create_dir_all(dir).map_err(fault)?;
            }
            use std::io::Write;
            use std::os::unix::fs::OpenOptionsExt;
            let mut f =
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(fault)?;
            f.write_all(hex::encode(key).as_bytes()).and_then(|()| f.sync_all()).map_err(fault)?;
            Ok(key)
        }
        Err(e) => Err(fault(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Seeded;

    fn provider(seed: u8) -> Standard {
        let entropy = Arc::new(Seeded::new([seed; 32]));
        Standard::with_key([seed; 32], entropy)
    }

    #[test]
    fn sealed_opens_only_with_its_key_and_context() {
        let p = provider(1);
        let sealed = p.seal(&Secret::new("JBSWY3DP"), "account:7").expect("seal");
        assert!(!sealed.0.contains("JBSWY3DP"));
        assert_eq!(p.open(&sealed, "account:7").expect("open").reveal(), "JBSWY3DP");
        assert_eq!(p.open(&sealed, "account:8").expect_err("context").code(), "crypto.open");
        assert_eq!(provider(2).open(&sealed, "account:7").expect_err("key").code(), "crypto.open");
        let mut cut = sealed.0.clone();
        cut.truncate(40);
        assert_eq!(p.open(&Sealed(cut), "account:7").expect_err("cut").code(), "crypto.open");
    }

    #[test]
    fn digests_name_their_algorithm() {
        let p = provider(1);
        let d = p.hash(b"abc");
        assert!(d.to_string().starts_with("blake3:"));
        assert!(p.verify(&d, b"abc").expect("known"));
        assert!(!p.verify(&d, b"abd").expect("known"));
        let sha = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".parse().expect("digest");
        assert!(p.verify(&sha, b"abc").expect("known"));
        let unknown = "md9:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".parse().expect("digest");
        assert_eq!(p.verify(&unknown, b"abc").expect_err("unknown").code(), "crypto.algorithm");
    }
}
