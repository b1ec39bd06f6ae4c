//! What people do to accounts, roles and organs.

mod account;
mod delegation;
mod grant;
pub mod organ;
pub mod sign_in;

pub use account::{
    NewAccount, clear_totp, create_account, end_own_sessions, end_sessions, may_list, per_organ, reset_password,
    set_disabled, set_totp, unlock,
};
pub use delegation::{delegate, end_delegation};
pub use grant::{grant_role, revoke_role};
