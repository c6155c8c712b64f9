//! A Redis listener over one store, for trying and measuring.
//!
//! `cargo run --release --example redis -- [memory:|file:PATH] [PORT|SOCKET] [sync|interval|none]
//! [THREADS]`
#![allow(clippy::print_stdout, reason = "a program")]

use std::error::Error;

use protocol::redis::session::{Options, Server, serve};
use qanat::Qanat;
use tokio::net::{TcpListener, UnixListener};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("memory:".into());
    let place = arguments.next().unwrap_or("26379".into());
    let durability = qanat::options::durability_of(&arguments.next().unwrap_or("sync".into()))?;
    let threads = arguments.next().and_then(|threads| threads.parse().ok()).unwrap_or(2);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        let options = qanat::options::Options { durability, ..Default::default() };
        let qanat = Qanat::open_with(&address, options).await?;
        let appendfsync = match durability {
            qanat::Durability::Sync => "always",
            qanat::Durability::Interval => "everysec",
            qanat::Durability::None => "no",
        };
        let options = Options { appendfsync, ..Options::default() };
        let server = Server::new(qanat.keyspaces().clone(), options);
        println!("{address} on {place}");
        let Ok(port) = place.parse::<u16>() else {
            let _ = std::fs::remove_file(&place);
            let listener = UnixListener::bind(&place)?;
            loop {
                let (stream, _) = listener.accept().await?;
                let name = format!("{place}:0");
                tokio::spawn(serve(server.clone(), stream, name.clone(), name));
            }
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (stream, peer) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let local = stream.local_addr()?.to_string();
            tokio::spawn(serve(server.clone(), stream, peer.to_string(), local));
        }
    })
}
