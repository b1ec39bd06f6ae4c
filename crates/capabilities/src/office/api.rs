//! What others may call: the command line founds a city with it, the demonstration fills one.
//!
//! These run with the actor of the transaction; `Actor::system` may do all of it.

pub use super::commands::{NewAccount, create_account, grant_role, set_totp};
pub use super::secrets::{hash_password, new_password, new_totp_secret, totp_code, totp_url};
