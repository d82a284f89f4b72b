//! What is logged, and what is not.

use super::*;
use crate::problem::Problem;
use axum::{Router, body::Body, middleware, routing::get};
use parking_lot::Mutex;
use std::{io, sync::Arc};
use tower::ServiceExt as _;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(method: &str, target: &str) -> String {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(written.clone())
        .with_ansi(false)
        .with_target(false)
        .fmt_fields(line::Once)
        .with_max_level(tracing::Level::DEBUG)
        .finish();
    let router = Router::new()
        .route("/broken", get(|| async { Problem::internal("line one\nline two") }))
        .route("/.notifications/connect/{capability}", get(|| async { "stream" }))
        .layer(middleware::from_fn(access));
    let request = http::Request::builder().method(method).uri(target).header("authorization", "DPoP s3cret");
    let request = request.body(Body::empty()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(router.oneshot(request)).unwrap();
    });
    let bytes = written.0.lock().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_failure_is_logged_once_with_its_cause_on_one_line() {
    let log = logged("GET", "/broken?token=s3cret");
    assert_eq!(log.lines().count(), 2, "{log}");
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    assert!(log.contains(r"GET /broken?… failed: line one\u{a}line two"), "{log}");
    assert!(log.matches("line one").count() == 1 && log.contains("problem.id="), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn capabilities_and_credentials_never_reach_the_log() {
    let log = logged("GET", "/.notifications/connect/s3cret");
    assert!(log.contains("DEBUG") && log.contains("GET /.notifications/connect/… 200"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn refusals_are_told_at_info() {
    let log = logged("GET", "/nowhere");
    assert!(log.contains("INFO") && log.contains("GET /nowhere 404"), "{log}");
    assert!(log.trim_end().ends_with(" ms") && log.matches("/nowhere").count() == 1, "said once: {log}");
}
