//! A server that does the least that a webhook must: takes an AdmissionReview over TLS, parses it, and says yes.
//!
//! Load runs ask it and the webhook in turn, in one run: what matters is the ratio.
//!
//! `bare-server ADDRESS DIR` keeps a self-signed certificate in DIR.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let address: SocketAddr = args
        .next()
        .context("give an address")?
        .parse()
        .context("the address")?;
    let folder = PathBuf::from(args.next().context("give a folder for the certificate")?);
    tollgate_webhook::install_crypto();
    let files = tollgate_webhook::self_signed(&folder, &[])?;
    let tls = RustlsConfig::from_pem_file(files.certificate, files.key).await?;
    let router = Router::new()
        .route("/validate", post(answer))
        .route("/mutate", post(answer));
    axum_server::bind_rustls(address, tls)
        .serve(router.into_make_service())
        .await?;
    Ok(())
}

async fn answer(body: Bytes) -> Result<impl IntoResponse, StatusCode> {
    let review: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let uid = review.pointer("/request/uid").cloned().unwrap_or_default();
    let response = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": uid, "allowed": true}});
    Ok((
        [(header::CONTENT_TYPE, "application/json")],
        response.to_string(),
    ))
}
