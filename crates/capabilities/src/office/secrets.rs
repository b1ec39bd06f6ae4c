//! Passwords and second factors: the arithmetic, without a database.

use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use kernel::id::Entropy;
use kernel::{Refusal, Result, Timestamp};
use tokio::sync::Semaphore;
use totp_rs::{Builder, Secret as TotpSecret, Totp};

/// 19 MiB, two passes, one lane: the smallest set that OWASP recommends for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many passwords are worked on at once. Each takes 19 MiB: a flood of sign-ins must queue, not fill the memory.
static TURNS: Semaphore = Semaphore::const_new(4);

fn argon() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| Refusal::internal("password.params", e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password with a new salt. Takes tens of milliseconds: call it where a thread may wait.
///
/// # Errors
/// `password.hash`.
pub fn hash_password(password: &str, entropy: &dyn Entropy) -> Result<String> {
    let mut salt = [0u8; 16];
    entropy.fill(&mut salt);
    hash_with(password, &salt)
}

fn hash_with(password: &str, salt: &[u8]) -> Result<String> {
    argon()?
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|h| h.to_string())
        .map_err(|e| Refusal::internal("password.hash", e))
}

fn verify(password: &str, hash: &str) -> bool {
    let Ok(argon) = argon() else { return false };
    PasswordHash::new(hash).is_ok_and(|h| argon.verify_password(password.as_bytes(), &h).is_ok())
}

/// What a password is checked against where there is no such account: the answer takes the same time.
fn dummy() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash_with("nobody has this password", &[7; 16]).unwrap_or_default())
}

/// Hashes a password off the threads that serve requests.
///
/// # Errors
/// `password.hash`.
pub async fn hash_off_thread(password: String, entropy: std::sync::Arc<dyn Entropy>) -> Result<String> {
    let _turn = TURNS.acquire().await.map_err(|e| Refusal::internal("password.turn", e))?;
    tokio::task::spawn_blocking(move || hash_password(&password, entropy.as_ref()))
        .await
        .map_err(|e| Refusal::internal("password.hash", e))?
}

/// Whether a password is the one of a hash; `None` stands for an account that does not exist and takes as long.
///
/// # Errors
/// `password.turn`.
pub async fn verify_off_thread(password: String, hash: Option<String>) -> Result<bool> {
    let _turn = TURNS.acquire().await.map_err(|e| Refusal::internal("password.turn", e))?;
    tokio::task::spawn_blocking(move || {
        // Made at the first sign-in of all, whoever it is.
        let nobody = dummy();
        match hash {
            Some(hash) => verify(&password, &hash),
            None => {
                verify(&password, nobody);
                false
            }
        }
    })
    .await
    .map_err(|e| Refusal::internal("password.hash", e))
}

/// A password for one use: 60 bits in three groups that can be read aloud (`k7mf-2hxq-09ct`).
pub fn new_password(entropy: &dyn Entropy) -> String {
    const ALPHABET: [char; 32] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n',
        'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'y', 'z',
    ];
    let mut bytes = [0u8; 12];
    entropy.fill(&mut bytes);
    let mut out = String::with_capacity(14);
    for (i, b) in bytes.iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('-');
        }
        out.extend(ALPHABET.get(usize::from(b & 31)));
    }
    out
}

/// A new secret of a second factor, 160 bits in base 32.
pub fn new_totp_secret(entropy: &dyn Entropy) -> String {
    let mut bytes = [0u8; 20];
    entropy.fill(&mut bytes);
    TotpSecret::from(bytes).to_base32()
}

/// The authenticator of a secret: SHA-1, 6 digits, 30 seconds, one step before and after; what every app understands.
fn totp(secret: &str) -> Result<Totp> {
    let secret = TotpSecret::try_from_base32(secret).map_err(|e| Refusal::internal("totp.secret", e))?;
    Builder::new().with_secret(secret).build().map_err(|e| Refusal::internal("totp.secret", e))
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.0 / 1000).unwrap_or_default()
}

/// The code that an authenticator shows now; empty for a text that is no secret.
pub fn totp_code(secret: &str, now: Timestamp) -> String {
    totp(secret).map(|t| t.generate(seconds(now)).to_string()).unwrap_or_default()
}

/// The step whose code was given, or none. A step may be used once: see `records::account::use_totp_step`.
///
/// # Errors
/// `totp.secret` where what was stored is no secret.
pub fn check_totp(secret: &str, code: &str, now: Timestamp) -> Result<Option<i64>> {
    let code: String = kernel::text::to_half_width(code).chars().filter(char::is_ascii_digit).collect();
    if code.len() != 6 {
        return Ok(None);
    }
    Ok(totp(secret)?.check(&code, seconds(now)).and_then(|step| i64::try_from(step).ok()))
}

/// The address that an authenticator on the same device opens.
pub fn totp_url(secret: &str, issuer: &str, username: &str) -> String {
    let part = |s: &str| -> String {
        url::form_urlencoded::byte_serialize(s.replace(':', " ").as_bytes()).collect::<String>().replace('+', "%20")
    };
    format!("otpauth://totp/{i}:{}?secret={secret}&issuer={i}", part(username), i = part(issuer))
}

/// A secret in groups of four, as people copy it.
pub fn grouped(secret: &str) -> String {
    let mut out = String::new();
    for (i, c) in secret.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn serial(&self) -> u32 {
            11
        }
        fn fill(&self, bytes: &mut [u8]) {
            for (i, b) in bytes.iter_mut().enumerate() {
                *b = (i * 37 + 11) as u8;
            }
        }
    }

    #[test]
    fn a_password_opens_its_hash_only() {
        let hash = hash_password("合格的密码 2026", &Counting).expect("hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("合格的密码 2026", &hash));
        assert!(!verify("合格的密码 2025", &hash));
        assert!(!verify("x", "not a hash"));
        assert!(dummy().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn a_code_holds_for_its_step_and_the_neighbours() {
        let secret = new_totp_secret(&Counting);
        assert_eq!(secret.len(), 32);
        let now = Timestamp(1_770_000_000_000);
        let code = totp_code(&secret, now);
        assert_eq!(code.len(), 6);
        let step = check_totp(&secret, &code, now).expect("secret").expect("right");
        assert_eq!(step, 1_770_000_000 / 30);
        assert_eq!(check_totp(&secret, &code, now.plus_seconds(30)).expect("secret"), Some(step));
        assert_eq!(check_totp(&secret, &code, now.plus_seconds(-30)).expect("secret"), Some(step));
        assert_eq!(check_totp(&secret, &code, now.plus_seconds(90)).expect("secret"), None);
        let spaced: String = code.chars().flat_map(|c| [c, ' ']).collect();
        assert_eq!(check_totp(&secret, &spaced, now).expect("secret"), Some(step));
        for bad in ["", "12345", "1234567", "abcdef"] {
            assert_eq!(check_totp(&secret, bad, now).expect("secret"), None);
        }
        assert!(check_totp("not base 32!", "123456", now).is_err());
        assert_eq!(totp_code("not base 32!", now), "");
    }

    #[test]
    fn the_published_test_vector() {
        // RFC 6238 appendix B, SHA-1, 1970-01-01 00:00:59, last six digits.
        assert_eq!(totp_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Timestamp(59_000)), "287082");
    }

    #[test]
    fn one_time_passwords_pass_the_rules() {
        let p = new_password(&Counting);
        assert_eq!(p.len(), 14);
        assert!(super::super::rules::password_faults(&p, "someone", "").is_empty(), "{p}");
    }

    #[test]
    fn links_and_groups() {
        assert_eq!(
            totp_url("ABCD", "云川 A:B", "shen"),
            "otpauth://totp/%E4%BA%91%E5%B7%9D%20A%20B:shen?secret=ABCD&issuer=%E4%BA%91%E5%B7%9D%20A%20B"
        );
        assert_eq!(grouped("ABCDEFGHI"), "ABCD EFGH I");
    }
}
