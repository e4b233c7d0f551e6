//! Asking servers on loopback in plain HTTP.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The body of what a path gives.
///
/// # Errors
/// Where nobody listens, or the status is not 200.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<String> {
    ask(
        address,
        path,
        &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"),
    )
    .await
}

/// What a path answers to a JSON value.
///
/// # Errors
/// Where nobody listens, or the status is not 200.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    Ok(serde_json::from_str(
        &ask(address, path, &(head + &body)).await?,
    )?)
}

async fn ask(address: SocketAddr, path: &str, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "{path} answers `{status}`");
    let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
    Ok(body.to_owned())
}
