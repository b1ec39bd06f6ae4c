//! Public application pages of documents.

/// The public side's own routes of this capability.
pub fn public_pages() -> axum::Router<web::App> {
    axum::Router::new()
}
