//! The commands of hashes.

use qanat::keys::{KeyError, ScanOptions, number};

use super::words::{self, SYNTAX, is};
use super::{Call, Failure, Outcome};
use crate::redis::codec::{Aggregate, Version};
use crate::redis::commands::Id;

/// Whether [`run`] knows the command.
#[must_use]
pub fn is_known(id: Id) -> bool {
    use Id::*;
    matches!(
        id,
        Hdel | Hexists
            | Hget
            | Hgetall
            | Hincrby
            | Hincrbyfloat
            | Hkeys
            | Hlen
            | Hmget
            | Hmset
            | Hrandfield
            | Hscan
            | Hset
            | Hsetnx
            | Hstrlen
            | Hvals
    )
}

/// Runs one of them.
///
/// # Errors
/// As Redis words them.
pub async fn run(id: Id, call: &mut Call<'_, '_>) -> Outcome {
    match id {
        Id::Hset => set(call, "ERR wrong number of arguments for 'hset' command", false).await,
        Id::Hmset => set(call, "ERR wrong number of arguments for 'hmset' command", true).await,
        Id::Hsetnx => {
            let (key, field, value) = (call.arg(1), call.arg(2), call.arg(3));
            let done = call.keys.hash_set_absent(key, field, value).await?;
            call.reply.integer(i64::from(done));
            Ok(())
        }
        Id::Hget => {
            let value = call.keys.hash_get(call.arg(1), call.arg(2)).await?;
            call.lookups.saw(value.is_some());
            call.reply.bulk_or_null(value.as_deref());
            Ok(())
        }
        Id::Hmget => {
            let fields: Vec<&[u8]> = call.argv.after(2).iter().collect();
            let values = call.keys.hash_get_many(call.arg(1), &fields).await?;
            call.lookups.saw(values.iter().any(Option::is_some));
            call.reply.array(values.len());
            values.iter().for_each(|value| call.reply.bulk_or_null(value.as_deref()));
            Ok(())
        }
        Id::Hdel => {
            let fields: Vec<&[u8]> = call.argv.after(2).iter().collect();
            let gone = call.keys.hash_delete(call.arg(1), &fields).await?;
            call.reply.integer(gone as i64);
            Ok(())
        }
        Id::Hexists => {
            let value = call.keys.hash_get(call.arg(1), call.arg(2)).await?;
            call.lookups.saw(value.is_some());
            call.reply.integer(i64::from(value.is_some()));
            Ok(())
        }
        Id::Hstrlen => {
            let value = call.keys.hash_get(call.arg(1), call.arg(2)).await?;
            call.lookups.saw(value.is_some());
            call.reply.integer(value.map_or(0, |value| value.len() as i64));
            Ok(())
        }
        Id::Hlen => {
            let count = call.keys.hash_len(call.arg(1)).await?;
            call.lookups.saw(count > 0);
            call.reply.integer(count as i64);
            Ok(())
        }
        Id::Hincrby => {
            let by = words::number(call.arg(3))?;
            let sum = call.keys.hash_increment(call.arg(1), call.arg(2), by).await?;
            call.reply.integer(sum);
            Ok(())
        }
        Id::Hincrbyfloat => {
            let (key, field, by) = (call.arg(1), call.arg(2), call.arg(3));
            if number::float(by).is_none() {
                return Err(KeyError::NotFloat.into());
            }
            let sum = call.keys.hash_increment_float(key, field, by).await?;
            call.reply.bulk(sum.as_bytes());
            Ok(())
        }
        Id::Hrandfield => random(call).await,
        Id::Hscan => scan(call).await,
        id => all(call, id != Id::Hvals, id != Id::Hkeys).await,
    }
}

async fn set(call: &mut Call<'_, '_>, odd: &'static str, plain: bool) -> Outcome {
    let argv = call.argv.after(2);
    if !argv.len().is_multiple_of(2) {
        return Err(Failure::Text(odd));
    }
    let value = |at: usize| argv.get(at).unwrap_or_default();
    let pairs: Vec<(&[u8], &[u8])> =
        (0..argv.len()).step_by(2).map(|at| (value(at), value(at + 1))).collect();
    let new = call.keys.hash_set(call.arg(1), &pairs).await?;
    if plain {
        call.reply.ok()
    } else {
        call.reply.integer(new as i64)
    }
    Ok(())
}

async fn all(call: &mut Call<'_, '_>, fields: bool, values: bool) -> Outcome {
    let key = call.arg(1);
    let reply = &mut call.reply;
    let mark = reply.begin();
    let mut count = 0;
    let each = |field: &[u8], value: &[u8]| {
        count += 1;
        if fields {
            reply.bulk(field);
        }
        if values {
            reply.bulk(value);
        }
    };
    call.keys.hash_all(key, |_| {}, each).await?;
    call.lookups.saw(count > 0);
    let kind = if fields && values { Aggregate::Map } else { Aggregate::Array };
    call.reply.end(mark, kind, count);
    Ok(())
}

async fn random(call: &mut Call<'_, '_>) -> Outcome {
    let key = call.arg(1);
    if call.argv.len() == 2 {
        let drawn = call.keys.hash_random(key, 1, false).await?;
        call.reply.bulk_or_null(drawn.first().map(|(field, _)| field.as_ref()));
        return Ok(());
    }
    let count = words::number(call.arg(2))?;
    if count == i64::MIN {
        let text = "ERR value is out of range, value must between -9223372036854775807 and \
                    9223372036854775807";
        return Err(Failure::Text(text));
    }
    let values = call.argv.len() > 3;
    if call.argv.len() > 4 || (values && !is(call.arg(3), "withvalues")) {
        return Err(SYNTAX);
    }
    if values && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
        return Err(Failure::Text("ERR value is out of range"));
    }
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 && wanted > call.environment.repeated_max {
        return Err(Failure::Text("ERR value is out of range"));
    }
    let drawn = call.keys.hash_random(key, wanted, count < 0).await?;
    let nested = values && call.reply.version() == Version::Resp3;
    call.reply.array(drawn.len() * if values && !nested { 2 } else { 1 });
    for (field, value) in &drawn {
        if nested {
            call.reply.array(2);
        }
        call.reply.bulk(field);
        if values {
            call.reply.bulk(value);
        }
    }
    Ok(())
}

async fn scan(call: &mut Call<'_, '_>) -> Outcome {
    let cursor = words::cursor(call.arg(2))?;
    // Redis looks at the key before it looks at the options.
    match call.keys.kind(call.arg(1)).await? {
        Some("hash") => {}
        Some(_) => return Err(KeyError::WrongType.into()),
        None => {
            call.reply.array(2);
            call.reply.bulk(b"0");
            call.reply.array(0);
            return Ok(());
        }
    }
    let options = scan_options(call, 3, cursor, false)?;
    let (next, pairs) = call.keys.hash_scan(call.arg(1), options).await?;
    call.reply.array(2);
    call.reply.bulk(next.to_string().as_bytes());
    call.reply.array(pairs.len() * 2);
    for (field, value) in &pairs {
        call.reply.bulk(field);
        call.reply.bulk(value);
    }
    Ok(())
}

/// COUNT, MATCH and (SCAN only) TYPE from an argument on.
pub(super) fn scan_options<'c>(
    call: &Call<'c, '_>,
    from: usize,
    cursor: u64,
    kinds: bool,
) -> Result<ScanOptions<'c>, Failure> {
    let mut options = ScanOptions { cursor, count: 10, pattern: None, kind: None };
    let mut at = from;
    while let Some(word) = call.argv.get(at) {
        let Some(value) = call.argv.get(at + 1) else { return Err(SYNTAX) };
        match () {
            () if is(word, "count") => {
                let count = words::number(value)?;
                options.count = usize::try_from(count).ok().filter(|n| *n > 0).ok_or(SYNTAX)?;
            }
            () if is(word, "match") => options.pattern = Some(value),
            () if is(word, "type") && kinds => options.kind = Some(value),
            () => return Err(SYNTAX),
        }
        at += 2;
    }
    Ok(options)
}
