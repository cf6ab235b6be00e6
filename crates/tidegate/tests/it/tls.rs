//! TLS at the gateway of the real server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::{Folder, PATIENCE, Server, run};

/// A certificate that vouches for itself, and its key.
fn certificate() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// Asks for the gateway's health, trusting one certificate only.
fn health(gateway: &str, certificate: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(gateway.strip_prefix("https://").unwrap())?;
    let mut stream = StreamOwned::new(tls, tcp);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn a_certificate_is_replaced_without_a_restart() {
    let folder = Folder::new();
    let (old, key) = certificate();
    let (cert_file, key_file) = (folder.file("cert.pem", &old), folder.file("key.pem", &key));
    let variables = [
        ("TIDEGATE_GATEWAY_TLS_CERT", cert_file.as_str()),
        ("TIDEGATE_GATEWAY_TLS_KEY", key_file.as_str()),
    ];
    let server = Server::serve_with(&folder, &variables);
    assert!(health(&server.gateway, &old).unwrap().starts_with("HTTP/1.1 200 OK"));

    let (new, key) = certificate();
    folder.file("cert.pem", &new);
    folder.file("key.pem", &key);
    server.signal("-HUP");
    let deadline = Instant::now() + PATIENCE;
    while health(&server.gateway, &new).is_err() {
        assert!(Instant::now() < deadline, "the new certificate is not shown");
    }
    assert!(health(&server.gateway, &old).is_err());
    assert!(server.stop().success());
}

#[test]
fn a_server_does_not_start_with_a_certificate_it_cannot_use() {
    let folder = Folder::new();
    let file = folder.file(
        "tidegate.toml",
        &format!(
            "data_dir = {:?}\ncontrol_addr = '127.0.0.1:0'\ngateway_addr = '127.0.0.1:0'\n\
             gateway_tls_cert = '/nowhere/cert.pem'\ngateway_tls_key = '/nowhere/key.pem'\n",
            folder.word()
        ),
    );
    let ran = run(&["serve", "--config", &file]);
    assert!(ran.code != Some(0) && ran.err.contains("/nowhere/cert.pem"), "{ran:?}");
}
