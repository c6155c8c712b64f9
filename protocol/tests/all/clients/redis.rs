//! A Redis client at the other end of a stream: requests out, replies in.

use std::sync::Arc;

use protocol::redis::client::{self, ReplyScanner};
use protocol::redis::session::{Options, Server, serve};
use qanat::Qanat;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

pub async fn server() -> Arc<Server> {
    let qanat = Qanat::open("memory:").await.unwrap();
    let keyspaces = qanat.keyspaces().clone();
    // The store lives as long as the process: the handle that stops its threads is kept.
    std::mem::forget(qanat);
    Server::new(keyspaces, Options::default())
}

pub struct Client {
    stream: DuplexStream,
    buffer: Vec<u8>,
}

impl Client {
    pub fn of(server: &Arc<Server>) -> Client {
        let (stream, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve(server.clone(), theirs, "test:1".into(), "test:2".into()));
        Client { stream, buffer: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// One reply as its bytes; empty where the connection was closed.
    pub async fn reply(&mut self) -> Vec<u8> {
        let mut scanner = ReplyScanner::default();
        loop {
            if let Some(length) = scanner.advance(&self.buffer).unwrap() {
                return self.buffer.drain(..length).collect();
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap() == 0 {
                return Vec::new();
            }
        }
    }

    pub async fn line(&mut self, line: &str) -> Vec<u8> {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    pub async fn ask<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Vec<u8> {
        let mut request = Vec::new();
        client::encode(&mut request, arguments);
        self.send(&request).await;
        self.reply().await
    }

    pub async fn text(&mut self, line: &str) -> String {
        String::from_utf8_lossy(&self.line(line).await).into_owned()
    }
}
