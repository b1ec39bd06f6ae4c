//! What people do to sites. One verb a file.

mod column;
mod create;
mod domain;
mod settings;
mod status;

pub use column::{add_column, change_column, close_column, delete_column, open_column, shift_column, stamp};
pub use create::{ColumnTree, NewSite, create_columns, create_site};
pub use domain::{add_domain, remove_domain, set_main_domain};
pub use settings::change_settings;
pub use status::{change_status, standing};

use kernel::{Id, Permission, Refusal, Result};
use platform::WriteTx;
use records::site::{self, Site};

/// The first of several reasons; commands refuse with it, pages show all.
fn all_clear(refusals: Vec<Refusal>) -> Result<()> {
    refusals.into_iter().next().map_or(Ok(()), Err)
}

/// Loads a site that the actor may do something to. What they may not even see does not exist for them.
async fn authorised(tx: &mut WriteTx, id: Id, what: Permission) -> Result<Site> {
    let s = site::get(tx, id).await?;
    let target = site::target(tx, id).await?;
    let actor = tx.ctx().actor.clone();
    if !actor.may(Permission::SiteRead, &target) {
        return Err(site::unknown());
    }
    actor.check(what, &target)?;
    Ok(s)
}

/// Says to the publisher that every page of a site is to be rendered again.
fn changed(tx: &mut WriteTx, site: Id) -> Result<()> {
    tx.event("site.changed", &serde_json::json!({ "site": site }))
}

/// Says to the publisher that sites came, went, moved or changed their names.
fn all_changed(tx: &mut WriteTx) -> Result<()> {
    tx.event("sites.changed", &serde_json::json!({}))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::{Actor, Timestamp};
    use platform::env::{Seeded, StandingClock};
    use platform::{Db, Env};
    use records::organ::{self, NewOrgan, OrganKind};
    use records::site::{SiteKind, SiteSettings, SiteStatus};

    use super::super::rules::ColumnDraft;
    use super::*;

    #[test]
    fn a_site_and_its_columns_on_a_real_database() {
        let run = async {
            let entropy = Arc::new(Seeded::new([7; 32]));
            let file = std::env::temp_dir().join(format!("gongkai-sites-{}.db", std::process::id()));
            let _ = std::fs::remove_file(&file);
            let crypto = Arc::new(platform::crypto::Standard::without_key(entropy.clone()));
            let db = Db::sqlite(&file, crypto).await.expect("db");
            let env = Env { clock: Arc::new(StandingClock::at(Timestamp(1_790_000_000_000))), entropy };
            let mut tx = db.write(&env.ctx(Actor::system("测试"))).await.expect("tx");
            let day = tx.now().day();
            let o = NewOrgan {
                slug: "zj".into(),
                kind: OrganKind::Department,
                parent: None,
                name: "住建局".into(),
                short_name: "住建局".into(),
                division: "990100".into(),
                credit_code: None,
                phone: String::new(),
                address: String::new(),
                hours: String::new(),
                duties: String::new(),
                sort: 1,
                from_on: day,
            };
            let organ = organ::insert(&mut tx, &o).await.expect("organ");
            let e = String::new;
            let settings = SiteSettings {
                name: "住建局".into(),
                short_name: "住建局".into(),
                theme: "department".into(),
                id_code: e(),
                sub: e(),
                icp: e(),
                psb: e(),
                psb_code: e(),
                conac: e(),
                sponsor: e(),
                operator: e(),
                phone: e(),
                hours: e(),
                address: e(),
                search_hint: e(),
                grey: false,
            };
            let new = NewSite {
                slug: "zj".into(),
                organ,
                kind: SiteKind::Department,
                settings,
                domains: vec!["ZJ.example.gov.cn".into()],
                demo: true,
                sort: 1,
                status: SiteStatus::Planned,
            };
            let id = create_site(&mut tx, new.clone()).await.expect("site");
            assert_eq!(
                create_site(&mut tx, NewSite { slug: "b".into(), ..new }).await.expect_err("two").code(),
                "site.second"
            );
            let trees: Vec<ColumnTree> = serde_json::from_str(r#"[{"slug":"a","name":"甲","description":"说","keywords":"词","type":"其他","role":null,"children":[{"slug":"b","name":"乙","description":"说","keywords":"词","type":"其他"}]},{"slug":"c","name":"丙","description":"说","keywords":"词","type":"其他"}]"#).expect("json");
            let made = create_columns(&mut tx, id, &trees).await.expect("columns");
            assert_eq!(made.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(), ["a", "a/b", "c"]);
            let a = made[0].clone();
            let draft = ColumnDraft {
                slug: "x".into(),
                name: "甲".into(),
                description: "说".into(),
                keywords: "词".into(),
                kind: "其他".into(),
                role: String::new(),
                parent: None,
            };
            change_column(&mut tx, a.id, &stamp(&a), &draft).await.expect("rename");
            assert_eq!(
                change_column(&mut tx, a.id, &stamp(&a), &draft).await.expect_err("stale").code(),
                "column.stale"
            );
            let old = site::old_paths(&mut tx, id).await.expect("old");
            assert_eq!(old.iter().map(|(p, _)| p.as_str()).collect::<Vec<_>>(), ["a", "a/b"]);
            let taken = ColumnDraft { slug: "a".into(), name: "丁".into(), ..draft };
            assert_eq!(add_column(&mut tx, id, &taken).await.expect_err("former").code(), "column.former");
            shift_column(&mut tx, made[2].id, true).await.expect("up");
            close_column(&mut tx, made[1].id, Some(made[2].id)).await.expect("close");
            open_column(&mut tx, made[1].id).await.expect("open");
            assert_eq!(delete_column(&mut tx, made[1].id).await.expect_err("used").code(), "column.used");
            delete_column(&mut tx, made[2].id).await.expect("unused");
            add_domain(&mut tx, id, "b.example.gov.cn").await.expect("domain");
            set_main_domain(&mut tx, id, "b.example.gov.cn").await.expect("main");
            remove_domain(&mut tx, id, "zj.example.gov.cn").await.expect("remove");
            change_status(&mut tx, id, SiteStatus::Tested).await.expect("tested");
            tx.commit().await.expect("commit");
            let mut tx = db.read().await.expect("read");
            super::super::queries::figures(&mut tx).await.expect("figures");
            assert_eq!(super::super::queries::steps(&mut tx, id).await.expect("steps").len(), 2);
            assert!(crate::system::queries::database_size(&mut tx, &db).await.expect("size") > 0);
            let f = crate::system::rules::AuditFilter { actor: "测".into(), ..Default::default() };
            assert!(!crate::system::queries::entries(&mut tx, None, &f, None, 5).await.expect("audit").is_empty());
            crate::calendar::current(&mut tx).await.expect("calendar");
            let v =
                crate::indicators::figure_with_records(&mut tx, "zj", 2026, "items.published").await.expect("figure");
            assert_eq!(v["value"], 0);
            let _ = std::fs::remove_file(&file);
        };
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime").block_on(run);
    }
}
