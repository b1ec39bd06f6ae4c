//! Errors on their way to a page: a [`Failure`] carries the refusal outward, the door renders it in its own frame.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kernel::Refusal;

/// What a handler returns.
pub type Outcome = Result<Response, Failure>;

/// A refusal on its way to a page.
#[derive(Debug)]
pub struct Failure(pub Refusal);

impl From<Refusal> for Failure {
    fn from(r: Refusal) -> Failure {
        Failure(r)
    }
}

impl IntoResponse for Failure {
    /// A bare text, and the refusal beside it, from which the door makes a page.
    fn into_response(self) -> Response {
        let mut response = (status(&self.0), self.0.what().to_string()).into_response();
        response.extensions_mut().insert(Carried(self.0));
        response
    }
}

/// The refusal inside a response.
#[derive(Clone, Debug)]
pub struct Carried(pub Refusal);

/// The HTTP status of a refusal.
pub fn status(r: &Refusal) -> StatusCode {
    StatusCode::from_u16(r.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What an error page says beside the refusal: title, whose fault, what to do.
pub fn words(r: &Refusal) -> (&'static str, &'static str) {
    use kernel::refusal::Kind;
    match r.kind() {
        Kind::Invalid => ("提交的内容有误", "请按提示改正后重新提交，您填写的内容不会因此丢失。"),
        Kind::Unauthenticated => ("请先登录", "登录已经失效或还没有登录。"),
        Kind::Forbidden => ("没有权限", "这不是系统故障：您的账号没有做这件事的授权。"),
        Kind::NotFound => ("没有找到", "地址可能有误，或者这条记录不在您的管理范围内。"),
        Kind::Gone => ("已经撤回", "这个页面原来存在，后来由发布单位撤回了。"),
        Kind::Conflict => ("状态已经变化", "在您操作之前，情况已经发生变化，这次操作没有执行。"),
        Kind::TooLarge => ("内容太大", "超过了允许的大小，没有保存。"),
        Kind::TooMany => ("操作太频繁", "请稍候再试，您的资料没有受到影响。"),
        Kind::Internal => ("系统出错了", "这是我们的问题，不是您的操作有误。没有完成的操作不会留下一半的结果。"),
        Kind::Unavailable => ("系统正忙", "请稍后再试，没有完成的操作不会留下一半的结果。"),
    }
}
