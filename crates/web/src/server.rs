//! Listening: one socket, one service, until told to stop.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Service;

/// Serves connections until told to stop, then lets those under way finish for a moment.
///
/// # Errors
/// Never; a connection's own failure ends that connection.
pub async fn serve<S>(listener: TcpListener, service: S, mut stop: watch::Receiver<bool>)
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // A client that sends its headers a letter at a time must not hold a connection for ever.
        .header_read_timeout(std::time::Duration::from_secs(20))
        .max_buf_size(64 * 1024)
        .pipeline_flush(true);
    let tracker = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
    loop {
        let (stream, _peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(a) => a,
                // Out of file handles: wait for some to be given back instead of spinning.
                Err(e) => {
                    tracing::warn!(error = %e, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = stop.changed() => break,
        };
        // Without this, small answers wait for the other side's acknowledgement.
        let _ = stream.set_nodelay(true);
        let Ok(permit) = tracker.clone().try_acquire_owned() else { continue };
        let service = service.clone();
        let builder = builder.clone();
        let mut stop = stop.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let mut service = service.clone();
                async move { service.call(request).await }
            });
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            tokio::select! {
                r = connection.as_mut() => drop(r),
                _ = stop.changed() => {
                    connection.as_mut().graceful_shutdown();
                    // Requests under way get a moment; idle connections end at once.
                    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), connection).await;
                }
            }
            drop(permit);
        });
    }
    let _ = tokio::time::timeout(
        std::time::Duration::from_secs(6),
        tracker.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX)),
    )
    .await;
}

/// Connections at once; more are closed, so that memory stays bounded.
const MAX_CONNECTIONS: usize = 16_384;

/// A router that takes requests as they come from the wire.
#[derive(Clone)]
pub struct FromWire(pub axum::Router);

impl Service<Request<hyper::body::Incoming>> for FromWire {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <axum::Router as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<hyper::body::Incoming>) -> Self::Future {
        Service::<Request<Body>>::call(&mut self.0, request.map(Body::new))
    }
}
