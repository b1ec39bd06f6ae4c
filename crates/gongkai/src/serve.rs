//! Running a city: two listeners, the publisher, the index, the jobs.

use std::collections::HashMap;
use std::sync::Arc;

use capabilities::content::commands::{PUBLISH_DUE, PublishDue, publish_due};
use kernel::{Actor, Refusal, Result};
use platform::jobs::{Handler, Worker};
use tokio::net::TcpListener;
use tokio::sync::watch;
use web::App;

use crate::house::House;

/// Two sockets that are taken before anything else, so that a port in use is told at once.
pub struct Doors {
    /// The public side's.
    pub public: TcpListener,
    /// The staff side's.
    pub staff: TcpListener,
}

/// Takes both sockets.
///
/// # Errors
/// `listen.port` where one is in use, `listen.remote` where a demo would listen to the world.
pub async fn bind(public: &str, staff: &str) -> Result<Doors> {
    let take = async |address: &str| {
        TcpListener::bind(address).await.map_err(|e| {
            Refusal::conflict("listen.port", format!("无法监听（{e}）"))
                .at(address.to_string())
                .mend("请停止占用这个端口的程序，或者用 --listen、--staff-listen 换一个端口")
        })
    };
    Ok(Doors { public: take(public).await?, staff: take(staff).await? })
}

/// Handlers of all jobs.
pub fn handlers(app: &App) -> HashMap<&'static str, Handler> {
    let mut all: HashMap<&'static str, Handler> = HashMap::new();
    let db = app.db.clone();
    all.insert(
        PUBLISH_DUE,
        Arc::new(move |ctx, payload| {
            let db = db.clone();
            Box::pin(async move {
                let due: PublishDue =
                    serde_json::from_str(&payload).map_err(|e| Refusal::internal("job.payload", e))?;
                let mut tx = db.write(&ctx).await?;
                if publish_due(&mut tx, &due).await? {
                    tx.commit().await?;
                }
                Ok(())
            })
        }),
    );
    all
}

/// The public side's service.
pub fn public(app: &App) -> web::public::PublicService {
    web::public::PublicService::new(app.clone(), capabilities::content::public_pages())
}

/// The staff side's router.
pub fn staff(app: &App) -> axum::Router {
    web::staff::router(app.clone(), capabilities::staff_routes(), capabilities::menu())
}

/// Serves until told to stop.
///
/// # Errors
/// What opening refuses; afterwards none.
pub async fn run(house: House, doors: Doors, stop: watch::Receiver<bool>) -> Result<()> {
    let app = house.app.clone();
    let nothing_yet = app.publisher.side().table().is_empty();
    if nothing_yet {
        // The very first time there is nothing to serve meanwhile.
        app.publisher.rebuild(None, &|_, _| {}).await?;
    }
    let public_door = tokio::spawn(web::server::serve(doors.public, public(&app), stop.clone()));
    let staff_router = staff(&app);
    let staff_door = tokio::spawn(async move {
        web::server::serve(doors.staff, web::server::FromWire(staff_router), stop).await;
    });
    app.set_ready();
    let mut background = Vec::new();
    let (halt, halted) = watch::channel(false);
    background.push(tokio::spawn(app.publisher.clone().run(halted.clone())));
    background.push(tokio::spawn(follow_index(app.clone(), house.index_stale, halted.clone())));
    background.push(tokio::spawn(work(app.clone(), halted.clone())));
    background.push(tokio::spawn(watch_over(app.clone(), halted)));
    let _ = public_door.await;
    let _ = staff_door.await;
    let _ = halt.send(true);
    for task in background {
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), task).await;
    }
    house.close().await;
    Ok(())
}

async fn follow_index(app: App, stale: bool, mut halt: watch::Receiver<bool>) {
    let mut commits = app.db.commits();
    let mut must_rebuild = stale && app.index.position() == 0;
    loop {
        let outcome = if must_rebuild {
            capabilities::indexing::rebuild(&app, &|_, _| {}).await.map(|()| must_rebuild = false)
        } else {
            capabilities::indexing::catch_up(&app).await.map(|_| ())
        };
        let note = async {
            let ctx = app.env.ctx(Actor::system("检索"));
            platform::outbox::advance_alone(&app.db, &ctx, "search", app.index.position()).await
        };
        if let Err(e) = match outcome {
            Ok(()) => note.await,
            Err(e) => Err(e),
        } {
            tracing::error!(error = %e, "the search index could not follow and will try again");
        }
        tokio::select! {
            _ = halt.changed() => return,
            changed = commits.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {}
        }
        // Several commits in a row are taken together.
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
}

async fn work(app: App, mut halt: watch::Receiver<bool>) {
    let worker = Worker::new(app.db.clone(), app.env.clone(), handlers(&app));
    loop {
        if let Err(e) = worker.run_due().await {
            tracing::error!(error = %e, "jobs could not be taken and will be tried again");
        }
        tokio::select! {
            _ = halt.changed() => return,
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
        }
    }
}

/// Renders everything again after an upgrade, then reads every stored byte once a day, and repairs.
async fn watch_over(app: App, mut halt: watch::Receiver<bool>) {
    match app.publisher.is_stale().await {
        Ok(true) => {
            tracing::info!("the program or its templates have changed: every page is rendered again");
            if let Err(e) = app.publisher.rebuild(None, &|_, _| {}).await {
                tracing::error!(error = %e, "rendering every page again failed");
            }
        }
        Ok(false) => {}
        Err(e) => tracing::error!(error = %e, "the publisher's state could not be read"),
    }
    loop {
        match app.publisher.verify(true, &|_, _| {}).await {
            Ok(r) if r.bad.is_empty() => {
                tracing::info!(blobs = r.checked, "every published byte is as it was published");
            }
            Ok(r) => tracing::error!(bad = r.bad.len(), repaired = r.repaired, "published bytes were changed on disk"),
            Err(e) => tracing::error!(error = %e, "published bytes could not be checked"),
        }
        tokio::select! {
            _ = halt.changed() => return,
            () = tokio::time::sleep(std::time::Duration::from_secs(24 * 3600)) => {}
        }
    }
}
