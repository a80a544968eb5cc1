//! The ceiling: what the HTTP stack alone does on this machine.
//!
//! A handler that reads the body and answers, in a process of its own, served with the settings
//! of `src/http/server.rs`. Nothing is parsed, decided, stored or synced.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::options::CEILING;

/// The running ceiling; killed when dropped.
pub(crate) struct Ceiling {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _child: Child,
}

impl Ceiling {
    /// Starts this program again as the ceiling's server.
    pub(crate) async fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .arg(CEILING)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the ceiling starts");
        let output = child.stdout.take().expect("its output");
        let line = BufReader::new(output).lines().next_line().await;
        let port = line.expect("its output").expect("a line").parse();
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port.expect("its port"))),
            _child: child,
        }
    }
}

/// Serves until killed; prints the port.
pub(crate) async fn serve() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    let router = Router::new().route("/events", post(accept));
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_mins(1))
        .max_buf_size(64 * 1024)
        .half_close(true);
    let service = TowerToHyperService::new(router);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let connection = builder
            .serve_connection(TokioIo::new(stream), service.clone())
            .into_owned();
        connections.spawn(async move { drop(connection.await) });
        while connections.try_join_next().is_some() {}
    }
}

async fn accept(body: Bytes) -> (StatusCode, Json<Value>) {
    let reply = json!({ "results": [{ "sequence": body.len() }], "durability": "none" });
    (StatusCode::ACCEPTED, Json(reply))
}
