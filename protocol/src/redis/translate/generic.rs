//! The commands that work on keys of every type, and those on whole key spaces.

use qanat::keys::{ExpireIf, Ttl};

use super::words::{self, SYNTAX, is};
use super::{Call, Failure, Outcome, hash};
use crate::redis::codec::Aggregate;
use crate::redis::commands::Id;

/// Whether [`run`] knows the command.
#[must_use]
pub fn is_known(id: Id) -> bool {
    use Id::*;
    matches!(
        id,
        Copy | Del
            | Exists
            | Expire
            | Expireat
            | Expiretime
            | Keys
            | Move
            | ObjectEncoding
            | ObjectFreq
            | ObjectIdletime
            | ObjectRefcount
            | Persist
            | Pexpire
            | Pexpireat
            | Pexpiretime
            | Pttl
            | Randomkey
            | Rename
            | Renamenx
            | Scan
            | Touch
            | Ttl
            | Type
            | Unlink
            | Dbsize
            | MemoryUsage
            | Flushdb
            | Flushall
            | Swapdb
    )
}

/// Whether the command changes the catalogue, and so is a commit of its own.
#[must_use]
pub fn is_alone(id: Id) -> bool {
    matches!(id, Id::Flushdb | Id::Flushall | Id::Swapdb)
}

/// Runs one of them.
///
/// # Errors
/// As Redis words them.
pub async fn run(id: Id, call: &mut Call<'_, '_>) -> Outcome {
    match id {
        Id::Del | Id::Unlink => {
            let mut gone = 0;
            for key in call.argv.after(1).iter() {
                gone += i64::from(call.keys.delete(key).await?);
            }
            call.reply.integer(gone);
            Ok(())
        }
        Id::Exists | Id::Touch => {
            let mut there = 0;
            for key in call.argv.after(1).iter() {
                let found = call.keys.exists(key).await?;
                call.lookups.saw(found);
                there += i64::from(found);
            }
            call.reply.integer(there);
            Ok(())
        }
        Id::Type => {
            let kind = call.keys.kind(call.arg(1)).await?;
            call.reply.simple(kind.unwrap_or("none"));
            Ok(())
        }
        Id::Expire => expire(call, true, false, "expire").await,
        Id::Pexpire => expire(call, false, false, "pexpire").await,
        Id::Expireat => expire(call, true, true, "expireat").await,
        Id::Pexpireat => expire(call, false, true, "pexpireat").await,
        Id::Ttl | Id::Pttl | Id::Expiretime | Id::Pexpiretime => ttl(id, call).await,
        Id::Persist => {
            let done = call.keys.persist(call.arg(1)).await?;
            call.reply.integer(i64::from(done));
            Ok(())
        }
        Id::Rename => {
            call.keys.rename(call.arg(1), call.arg(2), false).await?;
            call.reply.ok();
            Ok(())
        }
        Id::Renamenx => {
            let done = call.keys.rename(call.arg(1), call.arg(2), true).await?;
            call.reply.integer(i64::from(done));
            Ok(())
        }
        Id::Copy => copy(call).await,
        Id::Move => {
            let space = words::number(call.arg(2))?;
            let space = u32::try_from(space).ok().filter(|space| *space < call.environment.spaces);
            let space = space.ok_or(Failure::Text("ERR DB index is out of range"))?;
            let done = call.keys.move_to(call.arg(1), space).await?;
            call.reply.integer(i64::from(done));
            Ok(())
        }
        Id::Keys => {
            let pattern = call.arg(1);
            let reply = &mut call.reply;
            let mark = reply.begin();
            let mut count = 0;
            let each = |key: &[u8]| {
                count += 1;
                reply.bulk(key);
            };
            call.keys.keys(pattern, each).await?;
            call.reply.end(mark, Aggregate::Array, count);
            Ok(())
        }
        Id::Scan => scan(call).await,
        Id::Randomkey => {
            let key = call.keys.random_key().await?;
            call.reply.bulk_or_null(key.as_deref());
            Ok(())
        }
        Id::Dbsize => {
            let size = call.keys.size().await?;
            call.reply.integer(size);
            Ok(())
        }
        Id::Flushdb | Id::Flushall => flush(call, id == Id::Flushall).await,
        Id::Swapdb => swap(call).await,
        Id::MemoryUsage => memory(call).await,
        id => object(id, call).await,
    }
}

fn expire_options(call: &Call<'_, '_>) -> Result<ExpireIf, Failure> {
    let mut only_if = ExpireIf::default();
    for word in call.argv.after(3).iter() {
        match () {
            () if is(word, "nx") => only_if.none = true,
            () if is(word, "xx") => only_if.some = true,
            () if is(word, "gt") => only_if.later = true,
            () if is(word, "lt") => only_if.earlier = true,
            () => {
                let word = String::from_utf8_lossy(word);
                return Err(Failure::Named(format!("ERR Unsupported option {word}")));
            }
        }
    }
    if only_if.none && (only_if.some || only_if.later || only_if.earlier) {
        let text = "ERR NX and XX, GT or LT options at the same time are not compatible";
        return Err(Failure::Text(text));
    }
    if only_if.later && only_if.earlier {
        let text = "ERR GT and LT options at the same time are not compatible";
        return Err(Failure::Text(text));
    }
    Ok(only_if)
}

async fn expire(
    call: &mut Call<'_, '_>,
    seconds: bool,
    absolute: bool,
    name: &'static str,
) -> Outcome {
    let only_if = expire_options(call)?;
    let value = words::number(call.arg(2))?;
    let invalid = || Failure::Named(format!("ERR invalid expire time in '{name}' command"));
    let millis = if seconds { value.checked_mul(1000).ok_or_else(invalid)? } else { value };
    let base = if absolute { 0 } else { i64::try_from(call.keys.now()).unwrap_or(i64::MAX) };
    let at = millis.checked_add(base).ok_or_else(invalid)?;
    let done = call.keys.expire(call.arg(1), at, only_if).await?;
    call.reply.integer(i64::from(done));
    Ok(())
}

async fn ttl(id: Id, call: &mut Call<'_, '_>) -> Outcome {
    let ttl = call.keys.ttl(call.arg(1)).await?;
    call.lookups.saw(ttl != Ttl::Missing);
    let now = call.keys.now();
    call.reply.integer(match ttl {
        Ttl::Missing => -2,
        Ttl::Never => -1,
        Ttl::At(at) => {
            let left = at.saturating_sub(now) as i64;
            match id {
                Id::Ttl => (left + 500) / 1000,
                Id::Pttl => left,
                Id::Expiretime => (at as i64 + 500) / 1000,
                _ => at as i64,
            }
        }
    });
    Ok(())
}

async fn copy(call: &mut Call<'_, '_>) -> Outcome {
    let mut space = call.keys.space();
    let mut replace = false;
    let mut at = 3;
    while let Some(word) = call.argv.get(at) {
        match call.argv.get(at + 1) {
            _ if is(word, "replace") => replace = true,
            Some(number) if is(word, "db") => {
                space = words::space(number, call.environment.spaces)?;
                at += 1;
            }
            _ => return Err(SYNTAX),
        }
        at += 1;
    }
    let done = call.keys.copy(call.arg(1), space, call.arg(2), replace).await?;
    call.reply.integer(i64::from(done));
    Ok(())
}

async fn scan(call: &mut Call<'_, '_>) -> Outcome {
    let cursor = words::cursor(call.arg(1))?;
    let options = hash::scan_options(call, 2, cursor, true)?;
    let (next, keys) = call.keys.scan(options).await?;
    call.reply.array(2);
    call.reply.bulk(next.to_string().as_bytes());
    call.reply.array(keys.len());
    keys.iter().for_each(|key| call.reply.bulk(key));
    Ok(())
}

/// FLUSHDB, FLUSHALL: at once in either mode, since emptying happens behind the commit anyway.
async fn flush(call: &mut Call<'_, '_>, all: bool) -> Outcome {
    match call.argv.get(1) {
        None => {}
        Some(word) if call.argv.len() == 2 && (is(word, "sync") || is(word, "async")) => {}
        Some(_) => return Err(SYNTAX),
    }
    let space = call.keys.space();
    call.keys.flush((!all).then_some(space)).await?;
    call.reply.ok();
    Ok(())
}

async fn swap(call: &mut Call<'_, '_>) -> Outcome {
    let number = |argument, text| qanat::keys::number::integer(argument).ok_or(Failure::Text(text));
    let a = number(call.arg(1), "ERR invalid first DB index")?;
    let b = number(call.arg(2), "ERR invalid second DB index")?;
    let space = |n: i64| {
        let space = u32::try_from(n).ok().filter(|space| *space < call.environment.spaces);
        space.ok_or(Failure::Text("ERR DB index is out of range"))
    };
    let (a, b) = (space(a)?, space(b)?);
    call.keys.swap(a, b).await?;
    call.reply.ok();
    Ok(())
}

async fn memory(call: &mut Call<'_, '_>) -> Outcome {
    let samples = call.argv.get(4).map_or(Ok(0), words::number)?;
    match call.argv.get(3) {
        None => {}
        Some(word) if is(word, "samples") && call.argv.len() == 5 && samples >= 0 => {}
        Some(_) => return Err(SYNTAX),
    }
    match call.keys.encoding(call.arg(2)).await? {
        Some((_, bytes)) => call.reply.integer(bytes as i64),
        None => call.reply.null(),
    }
    Ok(())
}

/// OBJECT: a value has one reference; when it was used is not tracked, so it is idle for 0 seconds.
async fn object(id: Id, call: &mut Call<'_, '_>) -> Outcome {
    let Some((encoding, _)) = call.keys.encoding(call.arg(2)).await? else {
        call.reply.null();
        return Ok(());
    };
    match id {
        Id::ObjectEncoding => call.reply.bulk(encoding.as_bytes()),
        Id::ObjectRefcount => call.reply.integer(1),
        Id::ObjectIdletime => call.reply.integer(0),
        _ => {
            let text = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
                        Please note that when switching between policies at runtime LRU and LFU \
                        data will take some time to adjust.";
            return Err(Failure::Text(text));
        }
    }
    Ok(())
}
