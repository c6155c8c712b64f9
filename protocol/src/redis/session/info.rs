//! INFO: sections of numbers, all of them counted or read from the system.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::{Session, VERSION};
use crate::redis::codec::Argv;
use crate::redis::translate::Outcome;
use crate::redis::translate::words::is;

const SECTIONS: [&str; 9] = [
    "server",
    "clients",
    "memory",
    "persistence",
    "stats",
    "replication",
    "cpu",
    "cluster",
    "keyspace",
];

pub(super) async fn info(session: &mut Session, argv: &Argv<'_>) -> Outcome {
    let asked = argv.after(1);
    let whole = asked.is_empty()
        || asked.iter().any(|word| ["all", "default", "everything"].iter().any(|w| is(word, w)));
    let mut text = String::new();
    for section in SECTIONS {
        if !whole && !asked.iter().any(|word| is(word, section)) {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        let lines = match section {
            "keyspace" => keyspace(session).await?,
            other => lines(session, other),
        };
        let (first, rest) = section.split_at(1);
        let title = if section == "cpu" { "CPU".into() } else { first.to_ascii_uppercase() + rest };
        let _ = write!(text, "# {title}\r\n");
        for (name, value) in lines {
            let _ = write!(text, "{name}:{value}\r\n");
        }
    }
    session.reply().verbatim(*b"txt", text.as_bytes());
    Ok(())
}

type Lines = Vec<(String, String)>;

fn lines(session: &Session, section: &str) -> Lines {
    let server = &session.server;
    let stats = &server.stats;
    let number = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed).to_string();
    let uptime = server.started.elapsed().as_secs();
    let swept = server.keyspaces.swept();
    let lines: Vec<(&str, String)> = match section {
        "server" => vec![
            ("redis_version", VERSION.into()),
            ("redis_mode", "standalone".into()),
            ("qanat_version", env!("CARGO_PKG_VERSION").into()),
            ("os", std::env::consts::OS.into()),
            ("arch_bits", usize::BITS.to_string()),
            ("process_id", std::process::id().to_string()),
            ("run_id", server.run_id.clone()),
            ("tcp_port", server.options.port.to_string()),
            ("uptime_in_seconds", uptime.to_string()),
            ("uptime_in_days", (uptime / 86_400).to_string()),
        ],
        "clients" => vec![
            ("connected_clients", server.connected().to_string()),
            ("maxclients", server.options.clients_max.to_string()),
        ],
        "memory" => {
            let resident = resident().to_string();
            vec![
                ("used_memory", resident.clone()),
                ("used_memory_rss", resident),
                ("maxmemory", "0".into()),
                ("maxmemory_policy", "noeviction".into()),
            ]
        }
        "persistence" => vec![
            ("loading", "0".into()),
            ("aof_enabled", "1".into()),
            ("aof_last_write_status", "ok".into()),
        ],
        "stats" => vec![
            ("total_connections_received", number(&stats.connections)),
            ("total_commands_processed", number(&stats.commands)),
            ("total_net_input_bytes", number(&stats.bytes_in)),
            ("total_net_output_bytes", number(&stats.bytes_out)),
            ("rejected_connections", number(&stats.rejected)),
            ("expired_keys", swept.expired.to_string()),
            ("keyspace_hits", number(&stats.hits)),
            ("keyspace_misses", number(&stats.misses)),
            ("total_error_replies", number(&stats.errors)),
            ("total_retried_transactions", server.keyspaces.retried().to_string()),
        ],
        "replication" => vec![("role", "master".into()), ("connected_slaves", "0".into())],
        "cpu" => cpu(),
        _ => vec![("cluster_enabled", "0".into())],
    };
    lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `dbN:keys=…`; how many expire is not counted, so it is not told.
async fn keyspace(session: &mut Session) -> Result<Lines, qanat::keys::KeyError> {
    let mut keys = session.keys.begin(false).await?;
    let spaces: Vec<u32> = keys.spaces().all().map(|(number, _)| number).collect();
    let mut lines = Vec::new();
    for space in spaces {
        keys.select(space);
        let size = keys.size().await?;
        if size > 0 {
            lines.push((format!("db{space}"), format!("keys={size}")));
        }
    }
    Ok(lines)
}

/// Bytes of resident memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Seconds of the processor, from /proc: ticks of 10 ms.
fn cpu() -> Vec<(&'static str, String)> {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let tick = |at: usize| {
        let ticks = after.split_whitespace().nth(at).and_then(|text| text.parse::<f64>().ok());
        format!("{:.6}", ticks.unwrap_or(0.0) / 100.0)
    };
    vec![("used_cpu_sys", tick(12)), ("used_cpu_user", tick(11))]
}
