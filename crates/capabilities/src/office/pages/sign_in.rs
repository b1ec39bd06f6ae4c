//! Sign-in, second factor, sign-out.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kernel::refusal::Kind;
use kernel::{Permission, Refusal};
use platform::session;
use records::{account, site};
use serde_json::{Value, json};
use web::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{self, Access, Posted, PostedOpen, Route, Staff, redirect_with, set_cookie};

use super::super::commands::sign_in::{self, Second};
use super::super::{rules, secrets};
use super::{gather, open_get, open_post};

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    vec![
        open_get("/login", Access::Open, show),
        open_post("/login", Access::Open, enter),
        open_get("/login/second", Access::Begun, show_second),
        open_post("/login/second", Access::Begun, second),
        open_get("/account/second", Access::Begun, show_setup),
        open_post("/account/second", Access::Begun, setup),
        open_get("/account/password", Access::Begun, show_password),
        open_post("/account/password", Access::Begun, password),
        open_post("/logout", Access::Begun, leave),
    ]
}

/// The session cookie.
pub(super) fn signed(app: &App, mut response: Response, token: &str) -> Response {
    let cookie = set_cookie(app, staff::COOKIE, token, session::ABSOLUTE_HOURS * 3600);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

async fn city(app: &App) -> Result<Value, Refusal> {
    let mut tx = app.db.read().await?;
    let city = site::city(&mut tx).await?;
    Ok(json!({ "name": city.name, "demo": city.demo }))
}

/// A page without a frame, in the name of the city.
async fn bare(app: &App, headers: &HeaderMap, status: u16, template: &str, mut context: Value) -> Outcome {
    let city = city(app).await?;
    if let Some(o) = context.as_object_mut() {
        o.insert("demo".into(), city.get("demo").cloned().unwrap_or(Value::Null));
        o.insert("city".into(), city);
    }
    let mut response = staff::bare(app, template, &context, headers);
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    }
    Ok(response)
}

fn next_of(fields: &Fields) -> String {
    rules::local_path(fields.raw("next")).unwrap_or("/").to_string()
}

fn go_on(path: &str, next: &str) -> String {
    if next == "/" {
        return path.to_string();
    }
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{path}?next={next}")
}

fn query(raw: Option<String>) -> Fields {
    Fields::parse(raw.unwrap_or_default().as_bytes())
}

async fn login_page(
    app: &App,
    headers: &HeaderMap,
    status: u16,
    fields: &Fields,
    errors: &FormErrors,
    flash: Value,
) -> Outcome {
    let (csrf, cookie) = staff::pre_token(app, headers);
    let context = json!({
        "title": "登录",
        "csrf": csrf,
        "flash": flash,
        "form": {
            "action": "/login",
            "errors": errors.0,
            "fields": {
                "account": { "value": fields.raw("account"), "error": null },
                "password": { "error": errors.of("password") },
            },
        },
        "next": next_of(fields),
        "lock_rule": format!("连续 {} 次不对，账号锁定 {} 分钟，再错时间加倍。", rules::MAX_FAILURES, rules::LOCK_MINUTES),
    });
    let mut response = bare(app, headers, status, "office/staff/login.html", context).await?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

async fn show(State(app): State<App>, RawQuery(raw): RawQuery, headers: HeaderMap) -> Outcome {
    let fields = query(raw);
    let mut flash = Value::Null;
    let mut forget = false;
    if let Some(token) = staff::cookie(&headers, staff::COOKIE) {
        let mut tx = app.db.read().await?;
        match session::find(&mut tx, &token, app.env.now()).await? {
            // A disabled account's session is no session: the door would send it back here for ever.
            Some(s) if account::get(&mut tx, s.account).await?.disabled_at.is_none() => {
                let to = if s.complete { next_of(&fields) } else { go_on("/login/second", &next_of(&fields)) };
                return Ok(Redirect::to(&to).into_response());
            }
            _ => {
                forget = true;
                flash = json!({
                    "tone": "info", "title": "登录已经结束，请重新登录",
                    "text": format!("{} 分钟没有操作会自动退出；登录后回到刚才的页面。", session::IDLE_MINUTES),
                });
            }
        }
    }
    match fields.raw("state") {
        "out" => flash = json!({ "tone": "ok", "title": "您已退出", "text": null }),
        "locked" => {
            flash = json!({
                "tone": "bad", "title": "动态口令连续不对，登录已结束",
                "text": "账号暂时锁定，请过一会儿再试，或者联系本单位的安全保密管理员。",
            });
        }
        _ => {}
    }
    let mut response = login_page(&app, &headers, 200, &fields, &FormErrors::default(), flash).await?;
    if forget {
        response.headers_mut().append(header::SET_COOKIE, set_cookie(&app, staff::COOKIE, "", 0));
    }
    Ok(response)
}

async fn enter(State(app): State<App>, headers: HeaderMap, PostedOpen(fields): PostedOpen) -> Outcome {
    let (username, password) = (fields.get("account"), fields.raw("password"));
    let mut errors = FormErrors::default();
    if username.is_empty() || password.is_empty() {
        let missing = Refusal::invalid("session.empty", "请填写账号和密码").at("password");
        gather(&mut errors, &[("password", "密码")], vec![missing])?;
        return login_page(&app, &headers, 422, &fields, &errors, Value::Null).await;
    }
    // Nobody's name or password is longer: do not hash a megabyte.
    let known = username.len() <= 64 && password.chars().count() <= rules::MAX_PASSWORD;
    let tried = if known { sign_in::enter(&app, username, password).await } else { Err(sign_in::neutral()) };
    let entered = match tried {
        Ok(entered) => entered,
        Err(r) => {
            gather(&mut errors, &[("password", "密码")], vec![r])?;
            return login_page(&app, &headers, 422, &fields, &errors, Value::Null).await;
        }
    };
    // Whatever session this browser had before is over.
    if let Some(token) = staff::cookie(&headers, staff::COOKIE) {
        let ctx = app.env.ctx(kernel::Actor::system("登录页"));
        let mut tx = app.db.read().await?;
        let old = session::find(&mut tx, &token, ctx.now).await?;
        drop(tx);
        if let Some(old) = old {
            session::end(&app.db, &ctx, &old.key).await?;
        }
    }
    let next = next_of(&fields);
    let response = if entered.wants_second {
        Redirect::to(&go_on("/login/second", &next)).into_response()
    } else if entered.account.must_change {
        Redirect::to("/account/password").into_response()
    } else {
        redirect_with(
            &app,
            &next,
            "info",
            "建议绑定验证器",
            "绑定后登录要用两样东西，别人只有密码进不来：点右上角的姓名，选“绑定验证器”。",
        )
    };
    Ok(signed(&app, response, &entered.token))
}

fn second_context(staff: &Staff, next: &str, errors: &FormErrors) -> Value {
    json!({
        "title": "动态口令",
        "csrf": staff.session.csrf,
        "form": { "action": "/login/second", "errors": errors.0, "fields": { "code": { "error": errors.of("code") } } },
        "next": next,
        "account": staff.account.username,
        "cancel_url": "/logout",
    })
}

async fn show_second(State(app): State<App>, staff: Staff, RawQuery(raw): RawQuery, headers: HeaderMap) -> Outcome {
    let next = next_of(&query(raw));
    if staff.session.complete {
        return Ok(Redirect::to(&next).into_response());
    }
    if !staff.account.has_totp {
        return Ok(Redirect::to(&go_on("/account/second", &next)).into_response());
    }
    let context = second_context(&staff, &next, &FormErrors::default());
    bare(&app, &headers, 200, "office/staff/totp.html", context).await
}

async fn second(State(app): State<App>, staff: Staff, headers: HeaderMap, posted: Posted) -> Outcome {
    let next = next_of(&posted.fields);
    if staff.session.complete {
        return Ok(Redirect::to(&next).into_response());
    }
    match sign_in::second(&app, &staff.ctx, &staff.session, posted.fields.raw("code")).await? {
        Second::Entered(token) => Ok(signed(&app, Redirect::to(&next).into_response(), &token)),
        Second::Locked => {
            let mut response = Redirect::to("/login?state=locked").into_response();
            response.headers_mut().append(header::SET_COOKIE, set_cookie(&app, staff::COOKIE, "", 0));
            Ok(response)
        }
        Second::Wrong => {
            let mut errors = FormErrors::default();
            errors.add("code", "动态口令", "不对或已经用过", Some("请等验证器换出下一个数字"));
            let context = second_context(&staff, &next, &errors);
            bare(&app, &headers, 422, "office/staff/totp.html", context).await
        }
    }
}

/// What an unfinished binding's secret is sealed for: it travels in the form and is stored only when a code proves it.
fn setup_context(staff: &Staff) -> String {
    format!("setup:{}:{}", staff.account.id, staff.session.key)
}

async fn setup_page(
    app: &App,
    staff: &Staff,
    headers: &HeaderMap,
    status: u16,
    secret: &str,
    next: &str,
    errors: &FormErrors,
) -> Outcome {
    let sealed = app.db.crypto().seal(&kernel::secret::Secret::new(secret), &setup_context(staff))?;
    let city = city(app).await?;
    let issuer = format!("{}公开工作台", city.get("name").and_then(Value::as_str).unwrap_or_default());
    let bound = staff.account.has_totp;
    let context = json!({
        "title": "绑定验证器",
        "csrf": staff.session.csrf,
        "form": {
            "action": "/account/second",
            "errors": errors.0,
            "fields": {
                "code": { "error": errors.of("code") },
                "password": bound.then(|| json!({ "error": errors.of("password") })),
            },
        },
        "account": staff.account.username,
        "otpauth_url": secrets::totp_url(secret, &issuer, &staff.account.username),
        "issuer": issuer,
        "secret": secrets::grouped(secret),
        "sealed": sealed.0,
        "next": next,
        "cancel_url": staff.session.complete.then_some("/account"),
    });
    bare(app, headers, status, "office/staff/totp-setup.html", context).await
}

/// A session with the password alone may bind a first authenticator and never replace one.
fn may_bind(staff: &Staff) -> bool {
    staff.session.complete || !staff.account.has_totp
}

async fn show_setup(State(app): State<App>, staff: Staff, RawQuery(raw): RawQuery, headers: HeaderMap) -> Outcome {
    if !may_bind(&staff) {
        return Ok(Redirect::to("/login/second").into_response());
    }
    let secret = secrets::new_totp_secret(app.env.entropy.as_ref());
    setup_page(&app, &staff, &headers, 200, &secret, &next_of(&query(raw)), &FormErrors::default()).await
}

async fn setup(State(app): State<App>, staff: Staff, headers: HeaderMap, posted: Posted) -> Outcome {
    if !may_bind(&staff) {
        return Ok(Redirect::to("/login/second").into_response());
    }
    let fields = &posted.fields;
    let next = next_of(fields);
    let sealed = kernel::crypto::Sealed(fields.raw("sealed").to_string());
    let Ok(secret) = app.db.crypto().open(&sealed, &setup_context(&staff)) else {
        // The page is from another session: show a new secret.
        return Ok(Redirect::to(&go_on("/account/second", &next)).into_response());
    };
    let id = staff.account.id;
    let confirmed = if staff.account.has_totp {
        sign_in::confirm(&app, &staff.ctx, id, fields.raw("password"), "password").await
    } else {
        Ok(())
    };
    let bound = match confirmed {
        Ok(()) => sign_in::bind(&app, &staff.ctx, id, secret.reveal(), fields.raw("code")).await,
        Err(r) => Err(r),
    };
    match bound {
        Ok(token) => {
            let to = if staff.session.complete { "/account" } else { next.as_str() };
            let text = "下次登录时，先输密码，再输验证器上的数字。";
            Ok(signed(&app, redirect_with(&app, to, "ok", "已绑定验证器", text), &token))
        }
        Err(r) => {
            let mut errors = FormErrors::default();
            gather(&mut errors, &[("code", "验证器上的数字"), ("password", "现在的密码")], vec![r])?;
            setup_page(&app, &staff, &headers, 422, secret.reveal(), &next, &errors).await
        }
    }
}

async fn password_page(app: &App, staff: &Staff, headers: &HeaderMap, status: u16, errors: &FormErrors) -> Outcome {
    let forced = staff.account.must_change.then(|| {
        json!({ "tone": "warn", "title": "请先换掉一次性密码", "text": "换好才能继续使用工作台。", "url": null, "label": null })
    });
    let context = json!({
        "title": "修改密码",
        "csrf": staff.session.csrf,
        "form": {
            "action": "/account/password",
            "errors": errors.0,
            "fields": {
                "old": { "error": errors.of("old") },
                "new": { "error": errors.of("new") },
                "again": { "error": errors.of("again") },
            },
        },
        "account": staff.account.username,
        "rules": rules::PASSWORD_RULES,
        "forced": forced,
        "cancel_url": (!staff.account.must_change).then_some("/account"),
    });
    bare(app, headers, status, "office/staff/password.html", context).await
}

async fn show_password(State(app): State<App>, staff: Staff, headers: HeaderMap) -> Outcome {
    if !staff.session.complete {
        return Ok(Redirect::to("/login/second").into_response());
    }
    password_page(&app, &staff, &headers, 200, &FormErrors::default()).await
}

async fn password(State(app): State<App>, staff: Staff, headers: HeaderMap, posted: Posted) -> Outcome {
    if !staff.session.complete {
        return Ok(Redirect::to("/login/second").into_response());
    }
    let fields = &posted.fields;
    let (old, new) = (fields.raw("old"), fields.raw("new"));
    let mut refusals = rules::password_faults(new, &staff.account.username, old);
    if fields.raw("again") != new {
        refusals.push(Refusal::invalid("password.again", "两遍不一样").at("again").mend("请把新密码再输一遍"));
    }
    if refusals.is_empty()
        && let Err(r) = sign_in::confirm(&app, &staff.ctx, staff.account.id, old, "old").await
    {
        refusals.push(r);
    }
    if !refusals.is_empty() {
        let mut errors = FormErrors::default();
        let labels = [("old", "现在的密码"), ("new", "新密码"), ("again", "再输一遍新密码")];
        gather(&mut errors, &labels, refusals)?;
        return password_page(&app, &staff, &headers, 422, &errors).await;
    }
    let token = sign_in::change_password(&app, &staff.ctx, &staff.account, new).await?;
    let to = if staff.account.must_change && staff.actor().may_somewhere(Permission::Work) { "/" } else { "/account" };
    Ok(signed(&app, redirect_with(&app, to, "ok", "密码已修改", "其他设备上的登录已全部退出。"), &token))
}

async fn leave(State(app): State<App>, staff: Staff, _posted: Posted) -> Outcome {
    match sign_in::leave(&app, &staff.ctx, &staff.session).await {
        Ok(()) => {}
        Err(r) if r.kind() == Kind::NotFound => {}
        Err(r) => return Err(r.into()),
    }
    let mut response = Redirect::to("/login?state=out").into_response();
    response.headers_mut().append(header::SET_COOKIE, set_cookie(&app, staff::COOKIE, "", 0));
    Ok(response)
}
