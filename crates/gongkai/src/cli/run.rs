//! What each command does.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use kernel::{Refusal, Result};
use platform::audit;
use platform::config::Config;
use platform::publish::Exporter;
use records::site;
use serde_json::json;
use tokio::sync::watch;

use super::args::{Audit, City, Cli, Command, Export, Import, Listen, Publish};
use super::{Ended, Progress};
use crate::house::{self, Hold, House, Which};
use crate::{demo, importing, init, serve, system};

/// Runs a command.
pub(super) async fn run(cli: Cli) -> Result<Ended> {
    match cli.command {
        Command::Demo { city, listen, scale, build_only, allow_remote } => {
            run_demo(&city, &listen, scale, build_only, allow_remote).await
        }
        Command::Init { city, name } => run_init(&city, &name).await,
        Command::Serve { city, listen, allow_remote } => run_serve(&city, &listen, allow_remote).await,
        Command::Doctor { city } => doctor(&city).await,
        Command::Import(Import::Documents { file, city, site, column, limit, create }) => {
            let order = importing::Order { file: &file, site: &site, column: &column, limit, create };
            import_documents(&city, &order).await
        }
        Command::Publish(Publish::Rebuild { city, site, full }) => rebuild(&city, site.as_deref(), full).await,
        Command::Publish(Publish::Verify { city, repair }) => verify(&city, repair).await,
        Command::Export(Export::Site { city, site, out }) => export(&city, &site, &out).await,
        Command::Indicators { city, organ, year, code, records } => {
            indicators(&city, &organ, year, code.as_deref(), records).await
        }
        Command::Audit(Audit::Verify { city }) => audit_verify(&city).await,
        Command::Corpus { city, total } => {
            let h = open(&city, Hold::Alone).await?;
            let progress = Progress::new("生成");
            crate::corpus::fill(&h, total, &|a, b| progress.show(a, b)).await?;
            h.settle(&|_, _| {}).await?;
            h.close().await;
            Ok(Ended::Done)
        }
    }
}

fn which(city: &City) -> Result<(Which, Option<Config>)> {
    let (mut which, config) = match (&city.data, &city.config) {
        (_, Some(file)) => {
            let c = Config::read(file)?;
            (Which::config(&c), Some(c))
        }
        (Some(data), None) => (Which::folder(data), None),
        (None, None) => {
            return Err(Refusal::invalid("cli.city", "没有指定数据目录").mend("请加上 --data DIR 或 --config FILE"));
        }
    };
    if city.key_file.is_some() {
        which.key_file.clone_from(&city.key_file);
    }
    Ok((which, config))
}

async fn open(city: &City, hold: Hold) -> Result<House> {
    let (which, _) = which(city)?;
    house::open(&which, system::env()?, hold, false).await
}

fn addresses(listen: &Listen, config: Option<&Config>) -> (String, String) {
    let defaults = config.map(|c| c.listen.clone()).unwrap_or_default();
    (listen.listen.clone().unwrap_or(defaults.public), listen.staff_listen.clone().unwrap_or(defaults.staff))
}

/// A demonstration has sample sign-ins: it listens to this machine only, unless somebody says otherwise.
fn only_here(address: &str, allowed: bool) -> Result<()> {
    let here = address
        .parse::<SocketAddr>()
        .map(|a| match a.ip() {
            IpAddr::V4(v) => v.is_loopback(),
            IpAddr::V6(v) => v.is_loopback(),
        })
        .unwrap_or_else(|_| address.starts_with("localhost:"));
    if here || allowed {
        Ok(())
    } else {
        Err(Refusal::forbidden("demo.remote", "演示城市有公开的样例账号，只在本机运行")
            .at(address.to_string())
            .mend("确实需要时加上 --allow-remote"))
    }
}

fn print_json(value: &serde_json::Value) {
    println!("{value}");
}

async fn run_demo(city: &City, listen: &Listen, scale: demo::Scale, build_only: bool, remote: bool) -> Result<Ended> {
    let (mut which, config) = which(city)?;
    let (public, staff) = addresses(listen, config.as_ref());
    only_here(&public, remote)?;
    only_here(&staff, remote)?;
    let doors = if build_only { None } else { Some(serve::bind(&public, &staff).await?) };
    set_ports(&mut which, doors.as_ref(), &public, &staff);
    let house = house::open(&which, system::env()?, Hold::Alone, true).await?;
    if !demo::exists(&house).await? {
        let quiet = city.json;
        demo::build(&house, scale, &|what| {
            if !quiet {
                eprintln!("{what}……");
            }
        })
        .await?;
    }
    let logins = demo::logins(&house).await?;
    let (public_url, staff_url) = urls(&which);
    if city.json {
        print_json(&json!({ "public": public_url, "staff": staff_url, "logins": logins }));
    } else {
        print_logins(&public_url, &staff_url, &logins);
    }
    match doors {
        None => {
            house.close().await;
            Ok(Ended::Done)
        }
        Some(doors) => {
            serve::run(house, doors, until_told()).await?;
            Ok(Ended::Done)
        }
    }
}

fn set_ports(which: &mut Which, doors: Option<&serve::Doors>, public: &str, staff: &str) {
    let port = |listener: Option<&tokio::net::TcpListener>, text: &str, usual: u16| {
        listener
            .and_then(|l| l.local_addr().ok())
            .map(|a| a.port())
            .or_else(|| text.rsplit_once(':').and_then(|(_, p)| p.parse().ok()))
            .unwrap_or(usual)
    };
    which.place.public_port = port(doors.map(|d| &d.public), public, 8080);
    which.place.staff_port = port(doors.map(|d| &d.staff), staff, 8081);
}

fn urls(which: &Which) -> (String, String) {
    (format!("http://127.0.0.1:{}", which.place.public_port), format!("http://127.0.0.1:{}", which.place.staff_port))
}

fn print_logins(public: &str, staff: &str, logins: &[demo::Login]) {
    println!("公众端    {public}/        （各站点：http://站点.localhost:端口/）");
    println!("工作台    {staff}/");
    println!("样例账号（演示专用，每个数据目录各不相同；动态口令每 30 秒更换，可用密钥在验证器中生成）");
    println!("  {:<10}\t{:<12}\t{:<18}\t{:<8}\t动态口令密钥", "角色", "账号", "密码", "动态口令");
    for l in logins {
        let place = l.site.as_deref().map(|s| format!("（{s}）")).unwrap_or_default();
        println!("  {}{place}\t{}\t{}\t{}\t{}", l.label, l.username, l.password, l.totp_code, l.totp_secret);
    }
    println!("按 Ctrl+C 停止。");
}

async fn run_init(city: &City, name: &str) -> Result<Ended> {
    let (which, _) = which(city)?;
    let house = house::open(&which, system::env()?, Hold::Alone, true).await?;
    let logins = init::run(&house, name).await?;
    let key_file = which.key_file.clone().unwrap_or_else(|| house::usual_key_file(&which.data));
    let phrase = recovery_phrase(&key_file)?;
    if city.json {
        print_json(&json!({ "logins": logins, "key_file": key_file, "recovery_phrase": phrase }));
    } else {
        println!("已初始化“{name}”。三类管理员的一次性密码只显示这一次，请分别交给三个人，首次登录时更换：");
        for l in &logins {
            println!("  {}\t{}\t{}", l.role, l.username, l.password);
        }
        println!("密钥文件：{}", key_file.display());
        println!("密钥恢复短语（只显示这一次，请抄写后分处保存；丢失密钥文件时只能靠它恢复加密内容）：");
        println!("  {phrase}");
        println!("下一步：gongkai serve --data {}", which.data.display());
    }
    house.close().await;
    Ok(Ended::Done)
}

/// The key in groups of four, with a check at the end: what a person can write down.
fn recovery_phrase(key_file: &Path) -> Result<String> {
    let key = std::fs::read_to_string(key_file).map_err(|e| Refusal::internal("key.file", e))?;
    let groups: Vec<String> =
        key.trim().chars().collect::<Vec<_>>().chunks(4).map(|c| c.iter().collect::<String>()).collect();
    Ok(groups.join("-"))
}

async fn run_serve(city: &City, listen: &Listen, remote: bool) -> Result<Ended> {
    let (mut which, config) = which(city)?;
    let (public, staff) = addresses(listen, config.as_ref());
    let doors = serve::bind(&public, &staff).await?;
    set_ports(&mut which, Some(&doors), &public, &staff);
    let house = house::open(&which, system::env()?, Hold::Alone, false).await?;
    let demo = {
        let mut tx = house.app.db.read().await?;
        site::city(&mut tx).await?.demo
    };
    if demo {
        only_here(&public, remote)?;
        only_here(&staff, remote)?;
    }
    let (public_url, staff_url) = urls(&which);
    if city.json {
        print_json(&json!({ "public": public_url, "staff": staff_url }));
    } else {
        println!("公众端    {public_url}/");
        println!("工作台    {staff_url}/");
    }
    serve::run(house, doors, until_told()).await?;
    Ok(Ended::Done)
}

/// Becomes true when the operator wants it to stop.
fn until_told() -> watch::Receiver<bool> {
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        let interrupted = tokio::signal::ctrl_c();
        let terminated = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut s) => {
                    s.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupted => {}
            () = terminated => {}
        }
        let _ = tell.send(true);
        // Kept until the process ends: receivers must not see a closed channel.
        std::future::pending::<()>().await;
    });
    told
}

async fn import_documents(city: &City, order: &importing::Order<'_>) -> Result<Ended> {
    let house = open(city, Hold::Beside).await?;
    let progress = Progress::new("导入");
    let report = importing::run(&house, order, &|a, b| progress.show(a, b)).await?;
    if city.json {
        print_json(&serde_json::to_value(&report).unwrap_or_default());
    } else {
        println!(
            "读入 {} 行：导入 {} 条，原已导入 {} 条，未能导入 {} 行。",
            report.read,
            report.imported,
            report.unchanged,
            report.refused.len()
        );
    }
    for b in &report.refused {
        let place = b.place.as_deref().map(|p| format!(" {p}")).unwrap_or_default();
        let mend = b.mend.as_deref().map(|m| format!("，{m}")).unwrap_or_default();
        eprintln!("error: {}，第 {} 行{place}{mend} [{}]", b.what, b.line, b.code);
    }
    house.close().await;
    Ok(if report.refused.is_empty() { Ended::Done } else { Ended::Partly })
}

async fn site_id(house: &House, slug: Option<&str>) -> Result<Option<kernel::Id>> {
    let Some(slug) = slug else { return Ok(None) };
    let mut tx = house.app.db.read().await?;
    match site::find_slug(&mut tx, slug).await? {
        Some(s) => Ok(Some(s.id)),
        None => Err(Refusal::not_found("site.unknown", "没有这个站点")
            .at(slug.to_string())
            .mend("站点地址词见“网站群”页面")),
    }
}

async fn rebuild(city: &City, slug: Option<&str>, full: bool) -> Result<Ended> {
    let house = open(city, Hold::Beside).await?;
    let site = site_id(&house, slug).await?;
    let progress = Progress::new("生成网页");
    let stats = house.app.publisher.rebuild(site, &|a, b| progress.show(a, b)).await?;
    if full && house.lock.is_some() {
        let progress = Progress::new("生成索引");
        capabilities::indexing::rebuild(&house.app, &|a, b| progress.show(a, b)).await?;
    }
    if house.lock.is_none() {
        // The server beside this process reads the route table anew.
        let ctx = house.ctx("命令行");
        let mut tx = house.app.db.write(&ctx).await?;
        tx.audit(audit::Entry::note("publish.rebuild", "site", "done"));
        tx.event("publish.reload", &json!({}))?;
        tx.commit().await?;
    }
    if city.json {
        print_json(&json!({ "rendered": stats.rendered, "changed": stats.changed }));
    } else {
        println!("核对 {} 个地址，其中 {} 个有变化并已更新。", stats.rendered, stats.changed);
    }
    house.close().await;
    Ok(Ended::Done)
}

async fn verify(city: &City, repair: bool) -> Result<Ended> {
    let house = open(city, Hold::Beside).await?;
    let progress = Progress::new("核对");
    let report = house.app.publisher.verify(repair, &|a, b| progress.show(a, b)).await?;
    let slugs: std::collections::HashMap<kernel::Id, String> = {
        let mut tx = house.app.db.read().await?;
        site::list(&mut tx).await?.into_iter().map(|s| (s.id, s.slug)).collect()
    };
    let bad: Vec<serde_json::Value> = report
        .bad
        .iter()
        .map(|b| json!({ "blob": b.blob, "site": slugs.get(&b.site), "path": b.path, "pages": b.pages }))
        .collect();
    if city.json {
        print_json(&json!({ "checked": report.checked, "bad": bad, "repaired": report.repaired, "lost": report.lost }));
    } else {
        println!(
            "核对 {} 个数据块：{} 个不一致，已修复 {} 个，旧版网页无法恢复 {} 个。",
            report.checked,
            report.bad.len(),
            report.repaired,
            report.lost
        );
    }
    for b in &report.bad {
        let site = slugs.get(&b.site).map_or("", String::as_str);
        let mend = if repair { "已从数据库重新生成" } else { "请加上 --repair 重新生成" };
        eprintln!(
            "error: 已发布的内容被改动、缺失或者读不出，{site} {}（数据块 {}，含 {} 页），{mend}",
            b.path, b.blob, b.pages
        );
    }
    house.close().await;
    Ok(if report.bad.is_empty() { Ended::Done } else { Ended::Wrong })
}

async fn export(city: &City, slug: &str, out: &Path) -> Result<Ended> {
    let house = open(city, Hold::Beside).await?;
    let id = site_id(&house, Some(slug)).await?.ok_or_else(site::unknown)?;
    let sites = {
        let mut tx = house.app.db.read().await?;
        site::list(&mut tx).await?
    };
    let links: Vec<(String, String)> =
        sites.iter().map(|s| (format!("\"/go/{}/", s.slug), format!("\"https://{}/", s.domain))).collect();
    let rewrite = move |text: String| links.iter().fold(text, |t, (from, to)| t.replace(from, to));
    let exporter = Exporter { publisher: &house.app.publisher, out, rewrite: &rewrite };
    let progress = Progress::new("导出");
    let stats = exporter.site(id, &|a, b| progress.show(a, b)).await?;
    for (path, asset) in house.app.assets.all() {
        exporter.write(path, &asset.bytes)?;
    }
    exporter.write("/mode.css", house.app.assets.mode_css(web::assets::Mode::default()).as_bytes())?;
    if city.json {
        print_json(&serde_json::to_value(stats).unwrap_or_default());
    } else {
        println!(
            "已导出 {} 页、{} 个文件、{} 个转向地址到 {}。",
            stats.pages,
            stats.files,
            stats.redirects,
            out.display()
        );
    }
    house.close().await;
    Ok(Ended::Done)
}

async fn audit_verify(city: &City) -> Result<Ended> {
    let house = open(city, Hold::Beside).await?;
    let mut tx = house.app.db.read().await?;
    let progress = Progress::new("核对");
    let total =
        platform::Read::scalar::<i64>(&mut tx, "SELECT audit_seq AS n FROM chain_head WHERE id=1", vec![]).await?;
    let verdict =
        audit::verify(&mut tx, house.app.db.crypto(), |n| progress.show(n.unsigned_abs(), total.unsigned_abs()))
            .await?;
    drop(tx);
    if city.json {
        print_json(&serde_json::to_value(&verdict).unwrap_or_default());
    } else if verdict.broken.is_none() {
        println!("审计链成立：共 {} 条记录。", verdict.checked);
    }
    if let Some(broken) = &verdict.broken {
        eprintln!("error: 审计链不成立，{broken}，请保留现场，从备份核对这条记录前后的数据 [audit.broken]");
    }
    house.close().await;
    Ok(if verdict.broken.is_none() { Ended::Done } else { Ended::Wrong })
}

async fn indicators(city: &City, organ: &str, year: i32, code: Option<&str>, with_records: bool) -> Result<Ended> {
    let house = open(city, Hold::Beside).await?;
    let mut tx = house.app.db.read().await?;
    let mut out = Vec::new();
    for i in records::indicator::ALL.iter().filter(|i| code.is_none_or(|c| c == i.code)) {
        out.push(if with_records {
            capabilities::indicators::figure_with_records(&mut tx, organ, year, i.code).await?
        } else {
            capabilities::indicators::figure(&mut tx, organ, year, i.code).await?
        });
    }
    drop(tx);
    if out.is_empty() {
        return Err(Refusal::not_found("indicator.unknown", "没有这个指标")
            .at(code.unwrap_or_default().to_string())
            .mend(format!(
                "现有指标：{}",
                records::indicator::ALL.iter().map(|i| i.code).collect::<Vec<_>>().join("、")
            )));
    }
    if city.json {
        print_json(&serde_json::Value::Array(out));
    } else {
        for v in &out {
            let organ = v.get("organ").map_or("", |o| text(o, "name"));
            println!("{organ}\t{}\t{} {}", text(v, "name"), v.get("value").unwrap_or(&json!(0)), text(v, "unit"));
            for r in v.get("records").and_then(|r| r.as_array()).into_iter().flatten() {
                println!("  {}\t{}\t{}", text(r, "on"), text(r, "number"), text(r, "title"));
            }
        }
    }
    house.close().await;
    Ok(Ended::Done)
}

fn text<'a>(v: &'a serde_json::Value, key: &str) -> &'a str {
    v.get(key).and_then(|v| v.as_str()).unwrap_or_default()
}

/// Every fault that can be found without a server, each with what to do.
async fn doctor(city: &City) -> Result<Ended> {
    let (which, _) = which(city)?;
    let mut faults: Vec<Refusal> = Vec::new();
    let mut good: Vec<String> = Vec::new();
    let house = house::open(&which, system::env()?, Hold::Beside, false).await?;
    good.push(format!("数据库可以打开（{}）", house.app.db.engine_name()));
    let mut tx = house.app.db.read().await?;
    match audit::verify(&mut tx, house.app.db.crypto(), |_| {}).await {
        Ok(v) => match v.broken {
            None => good.push(format!("审计链成立，共 {} 条", v.checked)),
            Some(b) => faults.push(Refusal::internal("audit.broken", b).mend("请保留现场，从备份核对")),
        },
        Err(e) => faults.push(e),
    }
    let head = platform::outbox::head(&mut tx).await?;
    let published = platform::outbox::cursor(&mut tx, "publisher").await?;
    if published < head {
        faults.push(
            Refusal::conflict("publisher.behind", format!("还有 {} 个事件没有发布", head - published))
                .mend("请启动 gongkai serve，它会接着发布"),
        );
    } else {
        good.push("所有事件都已发布".into());
    }
    let jobs = platform::jobs::counts(&mut tx).await?;
    if let Some((_, n)) = jobs.iter().find(|(s, _)| s == "failed") {
        faults.push(
            Refusal::conflict("job.failed", format!("有 {n} 个后台任务失败"))
                .mend("请在工作台“后台任务”中查看原因并重试"),
        );
    }
    drop(tx);
    let report = house.app.publisher.verify(false, &|_, _| {}).await?;
    if report.bad.is_empty() {
        good.push(format!("已发布的 {} 个数据块与发布时一致", report.checked));
    } else {
        faults.push(
            Refusal::conflict("blob.damaged", format!("{} 个已发布的数据块被改动、缺失或者读不出", report.bad.len()))
                .mend("请运行 gongkai publish verify --repair"),
        );
    }
    let originals = missing_originals(&house).await?;
    if originals.is_empty() {
        good.push("附件原件齐全".into());
    }
    faults.extend(originals);
    if house.app.publisher.is_stale().await? {
        faults.push(
            Refusal::conflict("publisher.stale", "网页由另一个版本的程序生成")
                .mend("启动 gongkai serve 后会自动重新生成，或者运行 gongkai publish rebuild"),
        );
    }
    if city.json {
        let list: Vec<_> = faults
            .iter()
            .map(|f| json!({ "code": f.code(), "what": f.what(), "mend": f.how(), "cause": f.cause() }))
            .collect();
        print_json(&json!({ "ok": good, "faults": list }));
    } else {
        for g in &good {
            println!("正常  {g}");
        }
    }
    for f in &faults {
        eprintln!("error: {f}");
    }
    house.close().await;
    Ok(if faults.is_empty() { Ended::Done } else { Ended::Wrong })
}

async fn missing_originals(house: &House) -> Result<Vec<Refusal>> {
    let mut tx = house.app.db.read().await?;
    let hashes: Vec<(String, String)> =
        platform::Read::rows(&mut tx, "SELECT DISTINCT original, name FROM attachment ORDER BY original", vec![])
            .await?
            .iter()
            .map(|r| Ok((r.get("original")?, r.get("name")?)))
            .collect::<Result<_>>()?;
    drop(tx);
    let store = Arc::new(house.app.originals.clone());
    tokio::task::spawn_blocking(move || {
        hashes.into_iter().filter_map(|(hash, name)| store.get(&hash).err().map(|e| e.at(name))).collect()
    })
    .await
    .map_err(|e| Refusal::internal("doctor", e))
}
