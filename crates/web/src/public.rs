//! The public door: published pages first, from memory, then the few application pages.
//!
//! Nothing here trusts the request's host for more than choosing the site: absolute addresses come from configuration.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use bytes::Bytes;
use futures_core::BoxFuture;
use kernel::{Id, Refusal};
use platform::publish::{Address, Entry, Found, plain};
use serde::Deserialize;
use tower::Service;

use crate::app::App;
use crate::error::Failure;

/// What a page may load: its own site's files, nothing else; no script runs.
pub const CSP: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Name of the cookie that holds how the reader wants pages shown.
pub const MODE_COOKIE: &str = "gk_mode";

mod futures_core {
    /// A future in a box.
    pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
}

/// Published pages before the application's router.
#[derive(Clone)]
pub struct PublicService {
    app: App,
    router: Router,
}

impl PublicService {
    /// The public side: `pages` are the capabilities' application pages under reserved paths.
    pub fn new(app: App, pages: Router<App>) -> PublicService {
        let router = pages
            .route("/healthz", axum::routing::get(async || "ok\n"))
            .route("/readyz", axum::routing::get(ready))
            .route("/assets/{*rest}", axum::routing::get(asset))
            .route("/mode", axum::routing::get(mode))
            .route("/mode.css", axum::routing::get(mode_css))
            .route("/favicon.ico", axum::routing::get(favicon))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 10))
            .with_state(app.clone());
        PublicService { app, router }
    }
}

impl Service<Request<hyper::body::Incoming>> for PublicService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<hyper::body::Incoming>) -> Self::Future {
        if let Some(response) = published_now(&self.app, request.method(), request.uri().path(), request.headers()) {
            return Box::pin(std::future::ready(Ok(response)));
        }
        let this = self.clone();
        Box::pin(async move { Ok(this.slow(request.map(Body::new)).await) })
    }
}

impl Service<Request<Body>> for PublicService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            if let Some(r) = published_now(&this.app, request.method(), request.uri().path(), request.headers()) {
                return Ok(r);
            }
            Ok(this.slow(request).await)
        })
    }
}

impl PublicService {
    /// Whatever is not a published page in memory.
    async fn slow(self, request: Request<Body>) -> Response<Body> {
        let reading = matches!(*request.method(), Method::GET | Method::HEAD);
        let site = self.app.publisher.side().site_of(host(request.headers()));
        let path = decoded(request.uri().path());
        let headers = request.headers().clone();
        if reading
            && let (Some(site), Some(path)) = (site, path.as_deref())
            && let Some(response) = published(&self.app, site, path, &headers).await
        {
            return response;
        }
        let head = *request.method() == Method::HEAD;
        let query_path = request.uri().path().to_string();
        let mut router = self.router.clone();
        let mut response = match Service::<Request<Body>>::call(&mut router, request).await {
            Ok(r) => r,
            Err(e) => match e {},
        };
        let plain_404 = response.status() == StatusCode::NOT_FOUND
            && response.extensions().get::<crate::error::Carried>().is_none()
            && !response.headers().contains_key("x-gongkai-page");
        if plain_404 {
            response = self.not_found(site, &headers).await;
        } else if let Some(carried) = response.extensions().get::<crate::error::Carried>().cloned() {
            response = self.failed(site, &headers, &carried.0, &query_path).await;
        }
        response.headers_mut().remove("x-gongkai-page");
        secure(response.headers_mut());
        if head {
            let (parts, _) = response.into_parts();
            response = Response::from_parts(parts, Body::empty());
        }
        response
    }

    /// The site's own published 404 page.
    async fn not_found(&self, site: Option<Id>, headers: &HeaderMap) -> Response<Body> {
        if let Some(site) = site
            && let Some(page) = error_page(&self.app, site, "/_/404.html", headers, StatusCode::NOT_FOUND).await
        {
            return page;
        }
        (StatusCode::NOT_FOUND, "没有这个页面\n").into_response()
    }

    async fn failed(&self, site: Option<Id>, headers: &HeaderMap, r: &Refusal, path: &str) -> Response<Body> {
        let status = crate::error::status(r);
        if status == StatusCode::NOT_FOUND {
            return self.not_found(site, headers).await;
        }
        if r.kind() == kernel::refusal::Kind::Internal {
            tracing::error!(path = %path, error = %r, "a public request failed");
        }
        let page = match status.as_u16() {
            429 => "/_/429.html",
            503 => "/_/503.html",
            500 => "/_/500.html",
            _ => "",
        };
        if !page.is_empty()
            && let Some(site) = site
            && let Some(response) = error_page(&self.app, site, page, headers, status).await
        {
            return response;
        }
        (status, format!("{}\n", r.what())).into_response()
    }
}

fn secure(h: &mut HeaderMap) {
    h.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    h.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    h.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

async fn ready(State(app): State<App>) -> Response<Body> {
    if app.is_ready() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response()
    }
}

/// The host that was asked for.
pub fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// A path without percent-encoding; `None` where it is not text or tries to leave its folder.
fn decoded(path: &str) -> Option<String> {
    if !path.contains('%') {
        return Some(path.to_string());
    }
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let hex = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            out.push(b);
        }
    }
    let text = String::from_utf8(out).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// The answer to a request for a published page whose bytes are in memory.
fn published_now(app: &App, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    // Error pages are published under their own names and are not pages to ask for.
    if *method != Method::GET || path.contains('%') || path.starts_with("/_/") {
        return None;
    }
    let side = app.publisher.side();
    let site = side.site_of(host(headers))?;
    let Found::Page(entry) = side.find(site, path)? else { return None };
    if entry.status != 200 {
        return None;
    }
    let bytes = side.cached(&entry)?;
    Some(page_response(&entry, bytes, headers))
}

async fn published(app: &App, site: Id, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    // Error pages are published under their own names and are not pages to ask for.
    if path.starts_with("/_/") {
        return None;
    }
    match app.publisher.side().find(site, path)? {
        Found::Redirect { permanent, to } => {
            let status = if permanent { StatusCode::MOVED_PERMANENTLY } else { StatusCode::FOUND };
            let mut response = status.into_response();
            let to: String = to.as_ref().into();
            response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&encoded(&to)).ok()?);
            Some(response)
        }
        Found::Page(entry) => match app.publisher.bytes(&Address::new(site, path), &entry).await {
            Ok(bytes) => {
                // The table may have moved on while the bytes were made again: what is served must be what it says now.
                let entry = match app.publisher.side().find(site, path) {
                    Some(Found::Page(e)) => e,
                    _ => entry,
                };
                Some(page_response(&entry, bytes, headers))
            }
            Err(r) => Some(Failure(r).into_response()),
        },
        Found::File(entry) => {
            let (side, e) = (app.publisher.side().clone(), entry.clone());
            match tokio::task::spawn_blocking(move || side.original(&e)).await {
                Ok(Ok(bytes)) => Some(file_response(&entry, bytes)),
                Ok(Err(r)) => Some(Failure(r).into_response()),
                Err(e) => Some(Failure(Refusal::internal("original.read", e)).into_response()),
            }
        }
    }
}

fn encoded(path: &str) -> String {
    path.bytes()
        .map(|b| {
            if b.is_ascii_graphic() && b != b'"' && b != b'<' && b != b'>' {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).is_some_and(|v| {
        v.split(',').any(|p| {
            let mut parts = p.split(';');
            let name = parts.next().unwrap_or_default().trim();
            let refused = parts.any(|q| q.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32)));
            (name == "gzip" || name == "*") && !refused
        })
    })
}

fn etag(entry: &Entry) -> HeaderValue {
    let mut out = [0u8; 22];
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out[0] = b'"';
    out[21] = b'"';
    for (i, b) in entry.hash.iter().take(10).enumerate() {
        out[1 + i * 2] = HEX[usize::from(b >> 4)];
        out[2 + i * 2] = HEX[usize::from(b & 15)];
    }
    HeaderValue::from_bytes(&out).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

fn page_response(entry: &Arc<Entry>, stored: Bytes, headers: &HeaderMap) -> Response<Body> {
    let tag = etag(entry);
    let fresh = entry.status == 200
        && headers.get(header::IF_NONE_MATCH).is_some_and(|v| {
            v.to_str().is_ok_and(|v| {
                v.split(',').any(|t| t.trim().trim_start_matches("W/") == tag.to_str().unwrap_or_default())
            })
        });
    let mut response = if fresh {
        Response::new(Body::empty())
    } else if accepts_gzip(headers) {
        let mut r = Response::new(Body::from(stored));
        r.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        r
    } else {
        match plain(&stored) {
            Ok(body) => Response::new(Body::from(body)),
            Err(r) => return Failure(r).into_response(),
        }
    };
    *response.status_mut() =
        if fresh { StatusCode::NOT_MODIFIED } else { StatusCode::from_u16(entry.status).unwrap_or(StatusCode::OK) };
    let h = response.headers_mut();
    h.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(&entry.media).unwrap_or_else(|_| HeaderValue::from_static("text/html; charset=utf-8")),
    );
    h.insert(header::ETAG, tag);
    h.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // Asked again each time: a withdrawn page must stop at once, also in caches on the way.
    h.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    secure(h);
    response
}

fn file_response(entry: &Arc<Entry>, bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    let h = response.headers_mut();
    h.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(&entry.media).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream")),
    );
    // Whatever it is, the browser saves it and does not run it.
    h.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    h.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    secure(h);
    response
}

async fn error_page(
    app: &App,
    site: Id,
    path: &str,
    headers: &HeaderMap,
    status: StatusCode,
) -> Option<Response<Body>> {
    let Found::Page(entry) = app.publisher.side().find(site, path)? else { return None };
    let bytes = app.publisher.bytes(&Address::new(site, path), &entry).await.ok()?;
    let mut plain_headers = headers.clone();
    plain_headers.remove(header::IF_NONE_MATCH);
    let mut response = page_response(&entry, bytes, &plain_headers);
    *response.status_mut() = status;
    response.headers_mut().remove(header::ETAG);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status.as_u16() == 429 || status.as_u16() == 503 {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    Some(response)
}

/// A style sheet or picture, for ever.
pub async fn asset(State(app): State<App>, Path(rest): Path<String>) -> Response<Body> {
    match app.assets.get(&format!("/assets/{rest}")) {
        Some(a) => (
            [
                (header::CONTENT_TYPE, HeaderValue::from_static(a.media)),
                (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
            ],
            a.bytes.clone(),
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The city's mark, for browsers that ask for it by this name.
pub async fn favicon(State(app): State<App>) -> Response<Body> {
    match app.assets.get(app.assets.image("favicon.svg")) {
        Some(a) => {
            ([(header::CONTENT_TYPE, a.media), (header::CACHE_CONTROL, "public, max-age=86400")], a.bytes.clone())
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What a mode link asks for.
#[derive(Debug, Deserialize)]
pub struct ModeQuery {
    text: Option<String>,
    contrast: Option<String>,
}

/// Sets how pages are shown and returns to where the reader came from.
pub async fn mode(State(app): State<App>, Query(q): Query<ModeQuery>, headers: HeaderMap) -> Response<Body> {
    let mut mode = crate::staff::mode_of(&headers);
    if let Some(v) = &q.text {
        mode = mode.with("text", v);
    }
    if let Some(v) = &q.contrast {
        mode = mode.with("contrast", v);
    }
    // Only back to this very host, and only to a path of it.
    let own = host(&headers);
    let back = headers
        .get(header::REFERER)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once("://"))
        .and_then(|(_, rest)| rest.strip_prefix(own))
        .filter(|p| p.starts_with('/') && !p.starts_with("//") && !p.contains('\\') && !p.starts_with("/mode?"))
        .unwrap_or("/");
    let mut response = Redirect::to(back).into_response();
    let secure = if app.place.secure { "; Secure" } else { "" };
    let cookie = format!("{MODE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", mode.value());
    if let Ok(v) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, v);
    }
    response
}

/// The few rules of the reader's mode.
pub async fn mode_css(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    let css = app.assets.mode_css(crate::staff::mode_of(&headers));
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            (header::CACHE_CONTROL, "private, no-cache"),
            (header::VARY, "cookie"),
        ],
        css,
    )
        .into_response()
}
