//! CONFIG GET and SET: the settings that exist, under Redis's names. What does not exist here is
//! not answered.

use std::sync::atomic::Ordering;

use qanat::keys::glob;

use super::Session;
use crate::redis::codec::{Aggregate, Argv};
use crate::redis::translate::words::is;
use crate::redis::translate::{Failure, Outcome};

/// The settings by name, in order, with their values now.
fn all(session: &Session) -> Vec<(&'static str, String)> {
    let options = &session.server.options;
    let limits = &options.limits;
    let number = |n: u64| n.to_string();
    vec![
        ("appendfsync", options.appendfsync.to_owned()),
        ("appendonly", "yes".to_owned()),
        ("client-query-buffer-limit", number(limits.request_bytes_max.into())),
        ("databases", number(options.databases.into())),
        ("hash-max-listpack-entries", number(qanat::keys::INLINE_FIELDS_MAX as u64)),
        ("hash-max-listpack-value", number(qanat::keys::INLINE_BYTES_MAX as u64)),
        ("hash-max-ziplist-entries", number(qanat::keys::INLINE_FIELDS_MAX as u64)),
        ("hash-max-ziplist-value", number(qanat::keys::INLINE_BYTES_MAX as u64)),
        ("maxclients", number(options.clients_max as u64)),
        ("maxmemory", "0".to_owned()),
        ("maxmemory-policy", "noeviction".to_owned()),
        ("port", number(options.port.into())),
        ("proto-max-bulk-len", number(session.server.bulk_bytes_max.load(Ordering::Relaxed))),
        ("save", String::new()),
        ("timeout", number(session.server.idle_seconds.load(Ordering::Relaxed))),
    ]
}

pub(super) fn get(session: &mut Session, argv: &Argv<'_>) {
    let all = all(session);
    let patterns = argv.after(2);
    let wanted = |name: &str| {
        patterns.iter().any(|pattern| glob::matches_folded(pattern, name.as_bytes(), true))
    };
    // A name that is no pattern is answered as it was asked.
    let spelled = |name: &'static str| {
        let plain = |word: &&[u8]| is(word, name);
        patterns.iter().find(plain).unwrap_or(name.as_bytes())
    };
    let mut reply = session.reply();
    let mark = reply.begin();
    let mut count = 0;
    for (name, value) in all.iter().filter(|(name, _)| wanted(name)) {
        reply.bulk(spelled(name));
        reply.bulk(value.as_bytes());
        count += 1;
    }
    reply.end(mark, Aggregate::Map, count);
}

/// Checks everything before it sets anything.
pub(super) fn set(session: &mut Session, argv: &Argv<'_>) -> Outcome {
    let pairs = argv.after(2);
    if !pairs.len().is_multiple_of(2) {
        let text = "ERR wrong number of arguments for 'config|set' command";
        return Err(Failure::Text(text));
    }
    let known = all(session);
    let mut changes = Vec::new();
    for at in (0..pairs.len()).step_by(2) {
        let (name, value) =
            (pairs.get(at).unwrap_or_default(), pairs.get(at + 1).unwrap_or_default());
        let Some((name, _)) = known.iter().find(|(known, _)| is(name, known)) else {
            let name = String::from_utf8_lossy(name);
            return Err(Failure::Named(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
            )));
        };
        let failed = |why: &str| {
            Failure::Named(format!(
                "ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"
            ))
        };
        let most = match *name {
            "timeout" => i64::from(i32::MAX),
            "proto-max-bulk-len" => i64::from(u32::MAX) - (1 << 21),
            _ => return Err(failed("can't set immutable config")),
        };
        let number = qanat::keys::number::integer(value)
            .ok_or_else(|| failed("argument couldn't be parsed into an integer"))?;
        let least = if *name == "timeout" { 0 } else { 1 << 20 };
        if !(least..=most).contains(&number) {
            let why = format!("argument must be between {least} and {most} inclusive");
            return Err(failed(&why));
        }
        if changes.iter().any(|(seen, _)| seen == name) {
            return Err(failed("duplicate parameter"));
        }
        changes.push((*name, number.unsigned_abs()));
    }
    for (name, value) in changes {
        match name {
            "timeout" => session.set_idle(value),
            _ => {
                session.server.bulk_bytes_max.store(value, Ordering::Relaxed);
                let limits = session.limits();
                session.parser.set_limits(limits);
            }
        }
    }
    session.reply().ok();
    Ok(())
}
