//! Health: what holds and what does not.

use axum::extract::State;
use kernel::Permission;
use kernel::permission::Target;
use platform::{jobs, outbox};
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::staff::{Pages, Staff};

use super::super::{queries, rules};
use super::{grouped, moment};

fn check(tone: &str, title: impl Into<String>, text: Option<String>, link: Option<(&str, &str)>) -> Value {
    json!({ "tone": tone, "title": title.into(), "text": text, "url": link.map(|l| l.0), "label": link.map(|l| l.1) })
}

pub(super) async fn show(State(app): State<App>, staff: Staff, pages: Pages) -> Outcome {
    staff.actor().check(Permission::Jobs, &Target::City)?;
    let mut tx = app.db.read().await?;
    let head = outbox::head(&mut tx).await?;
    let jobs = jobs::counts(&mut tx).await?;
    let size = queries::database_size(&mut tx, &app.db).await.ok();
    let calendar = crate::calendar::current(&mut tx).await?;
    drop(tx);
    let health = app.publisher.health();
    let indexed = app.index.position();
    let routes = app.publisher.side().table().len();
    let count = |s: &str| jobs.iter().find(|(c, _)| c == s).map_or(0, |(_, n)| *n);
    let year = staff.ctx.now.day().year();

    let mut public = Vec::new();
    public.push(match (&health.last_error, head - health.position) {
        (Some(e), _) => check("bad", "发布出错，公众看到的是出错以前的页面", Some(e.clone()), None),
        (None, n) if n > 0 => check(
            "warn",
            format!("发布落后 {} 个事件", grouped(n)),
            Some("通常几秒内跟上；一直不变请查看日志。".into()),
            None,
        ),
        _ => check("ok", "发布跟上了", Some(format!("发布到第 {} 号事件，没有等待。", grouped(health.position))), None),
    });
    public.push(match head - indexed {
        n if n > 0 => check(
            "warn",
            format!("搜索落后 {} 个事件", grouped(n)),
            Some("通常几秒内跟上；一直不变请查看日志。".into()),
            None,
        ),
        _ => check("ok", "搜索跟上了", Some(format!("索引到第 {} 号事件。", grouped(indexed))), None),
    });
    public.push(if health.healed == 0 {
        check("ok", "启动以来没有发现被改动或损坏的页面", None, None)
    } else {
        check(
            "warn",
            format!("启动以来有 {} 个页面文件损坏或被改动，已自动恢复", health.healed),
            Some("请检查磁盘，并查明谁能写数据目录。".into()),
            None,
        )
    });
    let mut work = Vec::new();
    work.push(match count("failed") {
        0 => check("ok", "没有失败的后台任务", None, None),
        n => check("bad", format!("{n} 个后台任务失败"), None, Some(("/jobs?state=failed", "去处理"))),
    });
    let mut days = Vec::new();
    let last = calendar.last_published_year();
    // The notice for the next year comes in November.
    let november = u8::from(staff.ctx.now.day().month()) >= 11;
    days.push(if last < year {
        check(
            "bad",
            format!("{year} 年的放假通知还没有载入"),
            Some("所有期限都是“暂定”。".into()),
            Some(("/calendar", "去载入")),
        )
    } else if last == year && november {
        check(
            "warn",
            format!("{} 年的放假通知还没有载入", year + 1),
            Some("通知一般在 11 月公布；在此之前，下一年的期限标为“暂定”。".into()),
            Some(("/calendar", "去载入")),
        )
    } else {
        check("ok", format!("工作日历到 {last} 年"), None, Some(("/calendar", "看日历")))
    });
    let groups = [("公开一侧", &public), ("后台任务", &work), ("工作日历", &days)];
    let tone = |t: &str| {
        groups.iter().flat_map(|(_, c)| c.iter()).filter(|c| c.get("tone").and_then(Value::as_str) == Some(t)).count()
    };
    let (bad, warn) = (tone("bad"), tone("warn"));
    let overall = match (bad, warn) {
        (0, 0) => json!({ "tone": "ok", "title": "一切正常", "text": null }),
        (0, w) => json!({ "tone": "warn", "title": format!("正常提供服务，{w} 处请留意"), "text": null }),
        (b, _) => json!({ "tone": "bad", "title": format!("{b} 处要处理"), "text": null }),
    };
    let fact = |label: &str, value: String| json!({ "label": label, "value": value, "url": null });
    let engine = match app.db.engine_name() {
        "sqlite" => "SQLite",
        _ => "PostgreSQL",
    };
    let context = json!({
        "title": "系统健康", "crumbs": [], "seen": moment(Some(staff.ctx.now)), "refresh_url": "/system", "overall": overall,
        "groups": [
            { "title": "公开一侧", "checks": public, "facts": [
                fact("公开地址", grouped(routes as i64)), fact("可搜索的信息", grouped(app.index.count() as i64)),
                fact("最后一个事件", grouped(head)),
            ] },
            { "title": "后台任务", "checks": work, "facts": [
                fact("等待", grouped(count("queued"))), fact("正在运行", grouped(count("running"))), fact("完成", grouped(count("done"))),
            ] },
            { "title": "工作日历", "checks": days, "facts": [] },
            { "title": "程序和数据库", "checks": [], "facts": [
                fact("版本", env!("CARGO_PKG_VERSION").to_string()), fact("数据库", engine.to_string()),
                fact("数据库大小", size.map_or_else(|| "不详".to_string(), rules::size)),
            ] },
        ],
    });
    Ok(pages.page("system/staff/health.html", context).await)
}
