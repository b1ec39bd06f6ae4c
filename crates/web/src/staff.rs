//! The staff door.
//!
//! A [`Route`] stands beside the permission that it needs; nothing answers without one, save the sign-in pages, which
//! say [`Access::Open`]. A request passes, from outside in: same-origin check for everything that changes, session,
//! actor with its present roles, permission somewhere, handler. Whether the actor may do it to *this* object is asked by
//! the command; an object out of reach is answered like one that does not exist.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, MethodRouter};
use kernel::refusal::Kind;
use kernel::secret::Secret;
use kernel::{Actor, Permission, Refusal, Result};
use platform::session::{self, Session};
use platform::{Ctx, Read};
use records::account::{self, Account};
use records::{organ, site};
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::assets::Mode;
use crate::error::{Carried, Failure, status, words};
use crate::form::Fields;
use crate::upload::{self, Upload};

/// Name of the session cookie.
pub const COOKIE: &str = "gk_staff";
/// Name of the cookie that a sign-in form is checked against.
const PRE_COOKIE: &str = "gk_pre";
/// Name of the cookie that carries one message to the next page.
const FLASH_COOKIE: &str = "gk_flash";

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone: sign-in pages.
    Open,
    /// Whoever has given the password but not yet the second factor or a new password.
    Begun,
    /// Whoever holds this permission somewhere.
    Needs(Permission),
}

/// A route of the staff side with what it needs.
pub struct Route {
    /// GET or POST.
    pub method: Method,
    /// `/documents/{id}`
    pub path: &'static str,
    /// Who may come in.
    pub access: Access,
    /// What answers.
    pub handler: MethodRouter<App>,
}

impl Route {
    /// A page.
    pub fn get<H, T>(path: &'static str, needs: Permission, handler: H) -> Route
    where
        H: axum::handler::Handler<T, App>,
        T: 'static,
    {
        Route::new(Method::GET, path, Access::Needs(needs), handler)
    }

    /// A change.
    pub fn post<H, T>(path: &'static str, needs: Permission, handler: H) -> Route
    where
        H: axum::handler::Handler<T, App>,
        T: 'static,
    {
        Route::new(Method::POST, path, Access::Needs(needs), handler)
    }

    /// Any other.
    pub fn new<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Route
    where
        H: axum::handler::Handler<T, App>,
        T: 'static,
    {
        let filter = if method == Method::POST { MethodFilter::POST } else { MethodFilter::GET };
        Route { method, path, access, handler: axum::routing::on(filter, handler) }
    }
}

/// An entry of the menu.
#[derive(Clone, Debug)]
pub struct MenuItem {
    /// 我的, 业务, 监督, 管理
    pub group: &'static str,
    /// 待办
    pub name: &'static str,
    /// `/worklist`
    pub url: &'static str,
    /// An icon of `parts/icons.html`.
    pub icon: &'static str,
    /// Shown to whoever holds this somewhere.
    pub needs: Permission,
}

/// Order of the menu's groups.
const GROUPS: [&str; 4] = ["我的", "业务", "监督", "管理"];

/// What the staff side is made of.
#[derive(Clone)]
pub struct Desk {
    /// The menu.
    pub menu: Arc<Vec<MenuItem>>,
}

/// Builds the staff side's router.
pub fn router(app: App, routes: Vec<Route>, menu: Vec<MenuItem>) -> Router {
    let desk = Desk { menu: Arc::new(menu) };
    let mut router: Router<App> = Router::new();
    for r in routes {
        let access = r.access;
        let guarded = r
            .handler
            .layer(axum::middleware::from_fn_with_state(app.clone(), move |s, req, next| guard(access, s, req, next)));
        router = router.route(r.path, guarded);
    }
    router
        .route("/healthz", axum::routing::get(async || "ok\n"))
        .route("/readyz", axum::routing::get(ready))
        .route("/metrics", axum::routing::get(metrics))
        .route("/assets/{*rest}", axum::routing::get(crate::public::asset))
        .route("/mode", axum::routing::get(crate::public::mode))
        .route("/mode.css", axum::routing::get(crate::public::mode_css))
        .route("/favicon.ico", axum::routing::get(crate::public::favicon))
        .fallback(async |State(_): State<App>| {
            Failure(Refusal::not_found("page.unknown", "没有这个页面").mend("请从左侧菜单重新进入"))
        })
        .layer(axum::middleware::from_fn_with_state((app.clone(), desk.clone()), frame_errors))
        .layer(axum::Extension(desk))
        .layer(axum::extract::DefaultBodyLimit::max(8 << 20))
        .with_state(app)
}

async fn ready(State(app): State<App>) -> Response {
    if app.is_ready() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response()
    }
}

async fn metrics(State(app): State<App>) -> Response {
    let health = app.publisher.health();
    let routes = app.publisher.side().table().len();
    let (mut jobs, mut head) = (Vec::new(), 0);
    if let Ok(mut tx) = app.db.read().await {
        jobs = platform::jobs::counts(&mut tx).await.unwrap_or_default();
        head = platform::outbox::head(&mut tx).await.unwrap_or_default();
    }
    let mut out = String::from("# TYPE gongkai_jobs gauge\n");
    for (state, n) in jobs {
        out.push_str(&format!("gongkai_jobs{{state=\"{state}\"}} {n}\n"));
    }
    for (name, value) in [
        ("gongkai_outbox_head", head),
        ("gongkai_publisher_position", health.position),
        ("gongkai_index_position", app.index.position()),
        ("gongkai_published_addresses", routes as i64),
        ("gongkai_pages_healed", health.healed as i64),
        ("gongkai_publisher_failing", i64::from(health.last_error.is_some())),
    ] {
        out.push_str(&format!("# TYPE {name} gauge\n{name} {value}\n"));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], out).into_response()
}

/// Whoever is signed in: what a handler works with.
#[derive(Clone)]
pub struct Staff {
    /// The city.
    pub app: App,
    /// Actor, present, request number.
    pub ctx: Ctx,
    /// The account.
    pub account: Account,
    /// Its session.
    pub session: Session,
}

impl Staff {
    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.ctx.actor
    }
}

impl FromRequestParts<App> for Staff {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Staff, Failure> {
        parts.extensions.get::<Staff>().cloned().ok_or_else(|| Failure(unauthenticated()))
    }
}

fn unauthenticated() -> Refusal {
    Refusal::new(Kind::Unauthenticated, "session.none", "请先登录").mend("登录后会回到刚才的页面")
}

/// A cookie's value.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|p| p.trim().split_once('='))
        .find(|(k, _)| *k == name)
        .map(|(_, v)| v.to_string())
}

/// A `Set-Cookie` value; an empty value takes the cookie away.
pub fn set_cookie(app: &App, name: &str, value: &str, seconds: i64) -> HeaderValue {
    let secure = if app.place.secure { "; Secure" } else { "" };
    let age = if value.is_empty() { "; Max-Age=0".to_string() } else { format!("; Max-Age={seconds}") };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}"))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whether a request that changes something comes from a page of ours, as far as the browser tells.
fn same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok()) {
        return matches!(site, "same-origin" | "none");
    }
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match headers.get(header::ORIGIN).and_then(|v| v.to_str().ok()) {
        Some(origin) => origin.split_once("://").is_some_and(|(_, o)| o == host),
        // Neither header: an old browser; the form's own token still stands.
        None => true,
    }
}

async fn guard(access: Access, State(app): State<App>, mut request: Request, next: Next) -> Response {
    if request.method() != Method::GET && !same_origin(request.headers()) {
        return Failure(
            Refusal::forbidden("form.origin", "这次提交不是从本系统的页面发出的").mend("请回到工作台重新操作"),
        )
        .into_response();
    }
    if access == Access::Open {
        return next.run(request).await;
    }
    let staff = match signed_in(&app, request.headers()).await {
        Ok(Some(staff)) => staff,
        Ok(None) => {
            // Come back after sign-in, if it is a page.
            let back = request.uri().path_and_query().map_or("/", |p| p.as_str());
            if request.method() == Method::GET {
                let to: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
                return Redirect::to(&format!("/login?next={to}")).into_response();
            }
            return Failure(
                Refusal::new(Kind::Unauthenticated, "session.ended", "登录已经失效，这次提交没有保存")
                    .mend("请在另一个窗口登录后返回本页，再点一次提交；您填写的内容还在上一页"),
            )
            .into_response();
        }
        Err(r) => return Failure(r).into_response(),
    };
    match access {
        Access::Open | Access::Begun => {}
        Access::Needs(permission) => {
            if !staff.session.complete {
                return Redirect::to("/login/second").into_response();
            }
            if staff.account.must_change {
                return Redirect::to("/account/password").into_response();
            }
            if !staff.ctx.actor.may_somewhere(permission) {
                request.extensions_mut().insert(staff.clone());
                let mut response = Failure(kernel::permission::denied(permission)).into_response();
                response.extensions_mut().insert(staff);
                return response;
            }
        }
    }
    request.extensions_mut().insert(staff.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(staff);
    response
}

async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<Staff>> {
    let Some(token) = cookie(headers, COOKIE) else { return Ok(None) };
    let now = app.env.now();
    let mut tx = app.db.read().await?;
    let Some(session) = session::find(&mut tx, &token, now).await? else { return Ok(None) };
    let account = account::get(&mut tx, session.account).await?;
    let actor = match account::actor(&mut tx, session.account, now).await {
        Ok(actor) => actor,
        Err(e) if e.code() == "account.disabled" => return Ok(None),
        Err(e) => return Err(e),
    };
    drop(tx);
    let ctx = app.env.ctx(actor);
    session::touch(&app.db, &ctx, &session).await?;
    Ok(Some(Staff { app: app.clone(), ctx, account, session }))
}

/// Makes a page of a refusal, in the frame of whoever is signed in.
async fn frame_errors(State((app, desk)): State<(App, Desk)>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let path = request.uri().path().to_string();
    let wants_page =
        request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_none_or(|a| !a.contains("json"));
    let mut response = next.run(request).await;
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && response.extensions().get::<Carried>().is_none() {
        response = Failure(
            Refusal::new(Kind::TooLarge, "request.size", "提交的内容超过了允许的大小")
                .mend(format!("单个文件不超过 {} MB，正文不超过 8 MB", upload::MAX_FILE >> 20)),
        )
        .into_response();
    }
    if let Some(Carried(refusal)) = response.extensions().get::<Carried>().cloned() {
        let staff = response.extensions().get::<Staff>().cloned();
        let number = staff.as_ref().map_or_else(|| app.env.ctx(Actor::system("")).request, |s| s.ctx.request.clone());
        if refusal.kind() == Kind::Internal {
            tracing::error!(request = %number, path = %path, error = %refusal, "a staff request failed");
        }
        let status = status(&refusal);
        response = if wants_page {
            let (title, explanation) = words(&refusal);
            let body = json!({
                "title": title,
                "crumbs": [],
                "error": {
                    "status": refusal.status(), "title": title, "explanation": explanation,
                    "what": refusal.what(), "mend": refusal.how(), "code": refusal.code(), "request": number,
                    "citation": refusal.citation(),
                },
            });
            match staff {
                Some(s) if s.session.complete => {
                    render(&s, &desk, &headers, &path, "system/staff/error.html", body).await
                }
                _ => bare(&app, "system/staff/error-bare.html", &body, &headers),
            }
        } else {
            axum::Json(
                json!({ "code": refusal.code(), "what": refusal.what(), "mend": refusal.how(), "request": number }),
            )
            .into_response()
        };
        *response.status_mut() = status;
    }
    secure_headers(response.headers_mut());
    response
}

/// Headers of every answer of the staff side.
fn secure_headers(h: &mut HeaderMap) {
    h.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(crate::public::CSP));
    h.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    h.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    h.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if !h.contains_key(header::CACHE_CONTROL) {
        h.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Renders pages in the staff frame; an extractor.
pub struct Pages {
    staff: Staff,
    desk: Desk,
    headers: HeaderMap,
    path: String,
}

impl FromRequestParts<App> for Pages {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Pages, Failure> {
        let staff = Staff::from_request_parts(parts, app).await?;
        let desk =
            parts.extensions.get::<Desk>().cloned().ok_or_else(|| Failure(Refusal::internal("web.desk", "no desk")))?;
        Ok(Pages { staff, desk, headers: parts.headers.clone(), path: parts.uri.path().to_string() })
    }
}

impl Pages {
    /// A page: `context` is an object with `title`, `crumbs` and what the template wants; the frame is added here.
    pub async fn page(&self, template: &str, context: Value) -> Response {
        render(&self.staff, &self.desk, &self.headers, &self.path, template, context).await
    }

    /// A page with another status: a form that was refused (422), a conflict (409).
    pub async fn page_with(&self, status: u16, template: &str, context: Value) -> Response {
        let mut response = self.page(template, context).await;
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        response
    }
}

async fn render(
    staff: &Staff,
    desk: &Desk,
    headers: &HeaderMap,
    path: &str,
    template: &str,
    mut context: Value,
) -> Response {
    match frame(staff, desk, headers, path).await {
        Ok(frame) => {
            if let (Some(into), Some(from)) = (context.as_object_mut(), frame.as_object()) {
                for (k, v) in from {
                    into.entry(k.clone()).or_insert_with(|| v.clone());
                }
            }
        }
        Err(r) => return Failure(r).into_response(),
    }
    match staff.app.templates.render(template, &context) {
        Ok(html) => {
            let mut response = html_response(html);
            if cookie(headers, FLASH_COOKIE).is_some() {
                response.headers_mut().append(header::SET_COOKIE, set_cookie(&staff.app, FLASH_COOKIE, "", 0));
            }
            response
        }
        Err(r) => {
            tracing::error!(template, error = %r, "a staff page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "系统出错：页面无法显示，请把编号告诉管理员\n").into_response()
        }
    }
}

fn html_response(html: String) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// What the frame of every page shows.
async fn frame(staff: &Staff, desk: &Desk, headers: &HeaderMap, path: &str) -> Result<Value> {
    let app = &staff.app;
    let actor = &staff.ctx.actor;
    let mut tx = app.db.read().await?;
    let city = site::city(&mut tx).await?;
    let organ = organ::get(&mut tx, staff.account.organ).await?;
    let mut roles: Vec<&'static str> = Vec::new();
    for g in &actor.grants {
        if !roles.contains(&g.role.label()) {
            roles.push(g.role.label());
        }
    }
    let mut menu = Vec::new();
    for group in GROUPS {
        let items: Vec<Value> = desk
            .menu
            .iter()
            .filter(|m| m.group == group && actor.may_somewhere(m.needs))
            .map(|m| {
                let current = path == m.url || (m.url != "/" && path.starts_with(&format!("{}/", m.url)));
                json!({ "name": m.name, "url": m.url, "icon": m.icon, "current": current, "count": null, "tone": "" })
            })
            .collect();
        if !items.is_empty() {
            menu.push(json!({ "title": group, "items": items }));
        }
    }
    let mode = mode_of(headers);
    let flash = cookie(headers, FLASH_COOKIE)
        .and_then(|v| serde_json::from_str::<Value>(&percent_decode(&v)).ok())
        .filter(|v| v.get("title").is_some_and(Value::is_string))
        .map_or(Value::Null, |v| json!({ "tone": v.get("tone"), "title": v.get("title"), "text": v.get("text") }));
    let search = actor.may_somewhere(Permission::DocumentRead).then(|| json!({ "action": "/documents", "value": "" }));
    let last = staff.account.signed_in_at.map(|t| t.minute_text());
    Ok(json!({
        "assets": { "css": app.assets.css, "staff_css": app.assets.staff_css },
        "city": { "name": city.name },
        "demo": city.demo,
        "me": {
            "name": staff.account.name, "organ": organ.short_name, "roles": roles.join("、"),
            "url": "/account", "logout": "/logout",
        },
        "csrf": staff.session.csrf,
        "menu": menu,
        "search": search,
        "mode": mode_value(mode),
        "flash": flash,
        "now_text": staff.ctx.now.minute_text(),
        "last_login_text": last,
    }))
}

/// How the reader wants pages shown.
pub fn mode_of(headers: &HeaderMap) -> Mode {
    cookie(headers, crate::public::MODE_COOKIE).map(|v| Mode::parse(&v)).unwrap_or_default()
}

fn mode_value(mode: Mode) -> Value {
    json!({
        "text": if mode.elder { "elder" } else { "normal" },
        "contrast": if mode.contrast { "high" } else { "normal" },
        "text_url": if mode.elder { "/mode?text=normal" } else { "/mode?text=elder" },
        "contrast_url": if mode.contrast { "/mode?contrast=normal" } else { "/mode?contrast=high" },
    })
}

fn percent_decode(v: &str) -> String {
    url::form_urlencoded::parse(format!("v={v}").as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

/// A page without a frame: sign-in.
pub fn bare(app: &App, template: &str, context: &impl Serialize, headers: &HeaderMap) -> Response {
    let mut value = serde_json::to_value(context).unwrap_or_else(|_| json!({}));
    if let Some(o) = value.as_object_mut() {
        let mut add = |k: &str, v: Value| {
            o.entry(k.to_string()).or_insert(v);
        };
        add("assets", json!({ "css": app.assets.css, "staff_css": app.assets.staff_css }));
        add("city", json!({ "name": "" }));
        add("demo", json!(false));
        add("csrf", json!(""));
        add("flash", Value::Null);
        add("crumbs", json!([]));
        add("me", Value::Null);
        add("menu", json!([]));
        add("search", Value::Null);
        add("now_text", Value::Null);
        add("last_login_text", Value::Null);
        add("mode", mode_value(mode_of(headers)));
    }
    match app.templates.render(template, &value) {
        Ok(html) => html_response(html),
        Err(r) => {
            tracing::error!(template, error = %r, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "系统出错：页面无法显示\n").into_response()
        }
    }
}

/// Goes to a page with one message, which is shown once.
pub fn redirect_with(app: &App, to: &str, tone: &str, title: &str, text: &str) -> Response {
    let message = json!({ "tone": tone, "title": title, "text": text }).to_string();
    let value: String = url::form_urlencoded::byte_serialize(message.as_bytes()).collect();
    let mut response = Redirect::to(to).into_response();
    response.headers_mut().append(header::SET_COOKIE, set_cookie(app, FLASH_COOKIE, &value, 60));
    response
}

/// What was posted by whoever is signed in, token checked.
pub struct Posted {
    /// The fields.
    pub fields: Fields,
    /// The files, judged; a refused one stands as its refusal.
    pub files: Vec<Result<Upload>>,
}

fn wrong_token() -> Failure {
    Failure(
        Refusal::forbidden("form.token", "这个页面停留太久，已经过期，这次提交没有保存")
            .mend("请返回上一页（填写的内容还在），刷新后再提交"),
    )
}

impl FromRequest<App> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Posted, Failure> {
        let staff = request.extensions().get::<Staff>().cloned().ok_or_else(|| Failure(unauthenticated()))?;
        let posted = read_body(request, app).await?;
        let given = Secret::new(posted.fields.raw("_csrf"));
        if !given.matches(&Secret::new(staff.session.csrf.clone())) {
            return Err(wrong_token());
        }
        Ok(posted)
    }
}

/// What was posted by a sign-in form, token checked against its own cookie.
pub struct PostedOpen(pub Fields);

impl FromRequest<App> for PostedOpen {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<PostedOpen, Failure> {
        let expected = cookie(request.headers(), PRE_COOKIE).unwrap_or_default();
        let posted = read_body(request, app).await?;
        let given = Secret::new(posted.fields.raw("_csrf"));
        if expected.is_empty() || !given.matches(&Secret::new(expected)) {
            return Err(wrong_token());
        }
        Ok(PostedOpen(posted.fields))
    }
}

/// The token of a sign-in form and the cookie that it is checked against.
pub fn pre_token(app: &App, headers: &HeaderMap) -> (String, HeaderValue) {
    let token = cookie(headers, PRE_COOKIE)
        .filter(|t| t.len() == 32 && t.bytes().all(|b| b.is_ascii_hexdigit()))
        .unwrap_or_else(|| kernel::id::token::<16>(app.env.entropy.as_ref()));
    let header = set_cookie(app, PRE_COOKIE, &token, 3600);
    (token, header)
}

async fn read_body(request: Request, app: &App) -> Result<Posted, Failure> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
    let broken = |_| Failure(Refusal::invalid("form.broken", "提交的内容没有完整送达").mend("请检查网络后重新提交"));
    if kind.starts_with("multipart/form-data") {
        let mut multipart = Multipart::from_request(request, app)
            .await
            .map_err(|_| Failure(Refusal::invalid("form.broken", "提交的内容无法读取").mend("请返回上一页重新提交")))?;
        let mut posted = Posted { fields: Fields::default(), files: Vec::new() };
        while let Some(mut field) = multipart.next_field().await.map_err(multipart_failure)? {
            let name = field.name().unwrap_or_default().to_string();
            match field.file_name().map(str::to_string) {
                None => {
                    let text = field.text().await.map_err(multipart_failure)?;
                    posted.fields.push(&name, text);
                }
                Some(file) => {
                    let mut bytes = Vec::new();
                    let mut over = false;
                    while let Some(chunk) = field.chunk().await.map_err(multipart_failure)? {
                        if bytes.len() + chunk.len() > upload::MAX_FILE {
                            over = true;
                            bytes.clear();
                            break;
                        }
                        bytes.extend_from_slice(&chunk);
                    }
                    if over {
                        return Err(Failure(upload::too_large(&file)));
                    }
                    // An empty file field that was left alone.
                    if !(file.is_empty() && bytes.is_empty()) {
                        posted.files.push(upload::judge(&file, bytes));
                    }
                }
            }
        }
        return Ok(posted);
    }
    let bytes = axum::body::Bytes::from_request(request, app).await.map_err(|r| {
        if r.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Failure(Refusal::new(Kind::TooLarge, "request.size", "提交的内容超过了允许的大小").mend("正文不超过 8 MB"))
        } else {
            broken(())
        }
    })?;
    Ok(Posted { fields: Fields::parse(&bytes), files: Vec::new() })
}

fn multipart_failure(e: axum::extract::multipart::MultipartError) -> Failure {
    if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Failure(
            Refusal::new(Kind::TooLarge, "upload.size", "上传的文件超过了允许的大小")
                .at("files")
                .mend(format!("单个文件不超过 {} MB，请压缩、拆分后重新选择", upload::MAX_FILE >> 20)),
        )
    } else {
        Failure(Refusal::invalid("form.broken", "提交的内容没有完整送达").mend("请检查网络后重新提交"))
    }
}

/// Sites that whoever is signed in may see or work in, for choosers and filters.
///
/// # Errors
/// `db.fault`.
pub async fn sites_for(tx: &mut impl Read, staff: &Staff, what: Permission) -> Result<Vec<site::Site>> {
    site::allowed(tx, staff.actor(), what).await
}
