//! The commands of strings.

use qanat::keys::{Condition, Expiry, KeyError, SetOptions, SetReply};

use super::words::{self, NOT_INTEGER, SYNTAX, is};
use super::{Call, Failure, Outcome, lcs};
use crate::redis::commands::Id;

/// Whether [`run`] knows the command.
#[must_use]
pub fn is_known(id: Id) -> bool {
    use Id::*;
    matches!(
        id,
        Append
            | Decr
            | Decrby
            | Get
            | Getdel
            | Getex
            | Getrange
            | Getset
            | Incr
            | Incrby
            | Incrbyfloat
            | Lcs
            | Mget
            | Mset
            | Msetnx
            | Psetex
            | Set
            | Setex
            | Setnx
            | Setrange
            | Strlen
            | Substr
    )
}

/// Runs one of them.
///
/// # Errors
/// As Redis words them.
pub async fn run(id: Id, call: &mut Call<'_, '_>) -> Outcome {
    match id {
        Id::Get => get(call).await,
        Id::Set => set(call).await,
        Id::Append => append(call).await,
        Id::Incr => add(call, Some(1)).await,
        Id::Decr => add(call, Some(-1)).await,
        Id::Incrby => {
            let by = words::number(call.arg(2))?;
            add(call, Some(by)).await
        }
        Id::Decrby => {
            let by = words::number(call.arg(2))?;
            add(call, by.checked_neg()).await
        }
        Id::Incrbyfloat => {
            let sum = call.keys.increment_float(call.arg(1), call.arg(2)).await?;
            call.reply.bulk(sum.as_bytes());
            Ok(())
        }
        Id::Getdel => {
            let value = call.keys.get_delete(call.arg(1)).await?;
            call.reply.bulk_or_null(value.as_deref());
            Ok(())
        }
        Id::Getex => getex(call).await,
        Id::Getrange | Id::Substr => getrange(call).await,
        Id::Setrange => setrange(call).await,
        Id::Getset => {
            let options = SetOptions { get: true, ..SetOptions::default() };
            let SetReply { old, .. } = call.keys.set(call.arg(1), call.arg(2), options).await?;
            call.reply.bulk_or_null(old.as_deref());
            Ok(())
        }
        Id::Setnx => {
            let options = SetOptions { condition: Condition::Absent, ..SetOptions::default() };
            let set = call.keys.set(call.arg(1), call.arg(2), options).await?;
            call.reply.integer(i64::from(set.done));
            Ok(())
        }
        Id::Setex => set_expiring(call, true, "setex").await,
        Id::Psetex => set_expiring(call, false, "psetex").await,
        Id::Strlen => {
            let value = call.keys.get_string(call.arg(1)).await?;
            call.lookups.saw(value.is_some());
            call.reply.integer(value.map_or(0, |value| value.len() as i64));
            Ok(())
        }
        Id::Mget => mget(call).await,
        Id::Mset => mset(call, "ERR wrong number of arguments for 'mset' command", false).await,
        Id::Msetnx => mset(call, "ERR wrong number of arguments for 'msetnx' command", true).await,
        _ => lcs::lcs(call).await,
    }
}

/// GET.
///
/// # Errors
/// The key holds no string.
#[inline]
pub async fn get(call: &mut Call<'_, '_>) -> Outcome {
    let key = call.arg(1);
    let value = match call.keys.get_string_now(key) {
        Some(value) => value?,
        None => call.keys.get_string(key).await?,
    };
    call.lookups.saw(value.is_some());
    call.reply.bulk_or_null(value.as_deref());
    Ok(())
}

/// SET.
///
/// # Errors
/// As Redis words them.
pub async fn set(call: &mut Call<'_, '_>) -> Outcome {
    let mut options = SetOptions::default();
    if call.argv.len() > 3 {
        options = set_options(call)?;
    }
    let SetReply { done, old } = call.keys.set(call.arg(1), call.arg(2), options).await?;
    match (options.get, done) {
        (true, _) => call.reply.bulk_or_null(old.as_deref()),
        (false, true) => call.reply.ok(),
        (false, false) => call.reply.null(),
    }
    Ok(())
}

fn set_options(call: &Call<'_, '_>) -> Result<SetOptions, Failure> {
    let (argv, now) = (call.argv, call.keys.now());
    let mut options = SetOptions::default();
    let (mut deadline, mut keep) = (None, false);
    let mut at = 3;
    while let Some(word) = argv.get(at) {
        if is(word, "nx") && options.condition != Condition::Present {
            options.condition = Condition::Absent;
        } else if is(word, "xx") && options.condition != Condition::Absent {
            options.condition = Condition::Present;
        } else if is(word, "get") {
            options.get = true;
        } else if is(word, "keepttl") && deadline.is_none() {
            keep = true;
        } else if let (Some(unit), Some(value)) = (words::unit(word), argv.get(at + 1))
            && deadline.is_none()
            && !keep
        {
            deadline = Some((value, unit));
            at += 1;
        } else {
            return Err(SYNTAX);
        }
        at += 1;
    }
    options.expiry = match deadline {
        Some((value, unit)) => words::deadline(value, unit, now, "set")?,
        None if keep => Expiry::Keep,
        None => Expiry::Never,
    };
    Ok(options)
}

async fn set_expiring(call: &mut Call<'_, '_>, seconds: bool, name: &'static str) -> Outcome {
    let expiry = words::deadline(call.arg(2), (seconds, false), call.keys.now(), name)?;
    let options = SetOptions { expiry, ..SetOptions::default() };
    call.keys.set(call.arg(1), call.arg(3), options).await?;
    call.reply.ok();
    Ok(())
}

async fn getex(call: &mut Call<'_, '_>) -> Outcome {
    let (argv, now) = (call.argv, call.keys.now());
    let mut expiry = None;
    let mut at = 2;
    while let Some(word) = argv.get(at) {
        if expiry.is_some() {
            return Err(SYNTAX);
        }
        if is(word, "persist") {
            expiry = Some(Err(()));
        } else if let (Some(unit), Some(value)) = (words::unit(word), argv.get(at + 1)) {
            expiry = Some(Ok((value, unit)));
            at += 1;
        } else {
            return Err(SYNTAX);
        }
        at += 1;
    }
    // Redis looks at the key before it looks at the number.
    if call.keys.get_string(call.arg(1)).await?.is_none() {
        call.lookups.saw(false);
        call.reply.null();
        return Ok(());
    }
    let expiry = match expiry {
        None => Expiry::Keep,
        Some(Err(())) => Expiry::Never,
        Some(Ok((value, unit))) => words::deadline(value, unit, now, "getex")?,
    };
    let value = call.keys.get_expire(call.arg(1), expiry).await?;
    call.lookups.saw(value.is_some());
    call.reply.bulk_or_null(value.as_deref());
    Ok(())
}

async fn append(call: &mut Call<'_, '_>) -> Outcome {
    let length = call.keys.append(call.arg(1), call.arg(2)).await?;
    call.reply.integer(length as i64);
    Ok(())
}

/// INCR and its kin; `None` is the one number that has no opposite.
async fn add(call: &mut Call<'_, '_>, by: Option<i64>) -> Outcome {
    let by = by.ok_or(Failure::Text("ERR decrement would overflow"))?;
    let sum = call.keys.increment(call.arg(1), by).await?;
    call.reply.integer(sum);
    Ok(())
}

async fn getrange(call: &mut Call<'_, '_>) -> Outcome {
    let (from, to) = (words::number(call.arg(2))?, words::number(call.arg(3))?);
    let value = call.keys.get_string(call.arg(1)).await?;
    call.lookups.saw(value.is_some());
    let value = value.unwrap_or_default();
    call.reply.bulk(part(&value, from, to));
    Ok(())
}

/// The bytes from `from` to `to`, both included, negative ones counted from the end.
fn part(value: &[u8], from: i64, to: i64) -> &[u8] {
    let length = value.len() as i64;
    if from < 0 && to < 0 && from > to {
        return &[];
    }
    let from_start = |at: i64| if at < 0 { (length + at).max(0) } else { at };
    let (from, to) = (from_start(from), from_start(to).min(length - 1));
    if from > to || length == 0 {
        return &[];
    }
    value.get(from as usize..=to as usize).unwrap_or_default()
}

async fn setrange(call: &mut Call<'_, '_>) -> Outcome {
    let offset = words::number(call.arg(2))?;
    let offset =
        usize::try_from(offset).map_err(|_| Failure::Text("ERR offset is out of range"))?;
    let length = call.keys.set_range(call.arg(1), offset, call.arg(3)).await?;
    call.reply.integer(length as i64);
    Ok(())
}

async fn mget(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.array(call.argv.len() - 1);
    for key in call.argv.after(1).iter() {
        let value = match call.keys.get_string(key).await {
            Err(KeyError::WrongType | KeyError::Opened { .. }) => None,
            other => other?,
        };
        call.lookups.saw(value.is_some());
        call.reply.bulk_or_null(value.as_deref());
    }
    Ok(())
}

async fn mset(call: &mut Call<'_, '_>, odd: &'static str, absent: bool) -> Outcome {
    let argv = call.argv.after(1);
    if !argv.len().is_multiple_of(2) {
        return Err(Failure::Text(odd));
    }
    let value = |at: usize| argv.get(at).unwrap_or_default();
    let pairs: Vec<(&[u8], &[u8])> =
        (0..argv.len()).step_by(2).map(|at| (value(at), value(at + 1))).collect();
    if absent {
        let done = call.keys.set_many_absent(&pairs).await?;
        call.reply.integer(i64::from(done));
    } else {
        call.keys.set_many(&pairs).await?;
        call.reply.ok();
    }
    Ok(())
}

/// A number of at least 0, for options.
pub(super) fn natural(argument: &[u8]) -> Result<usize, Failure> {
    usize::try_from(words::number(argument)?.max(0)).map_err(|_| NOT_INTEGER)
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts() {
        for (from, to, expected) in [
            (0, 3, "This"),
            (-3, -1, "ing"),
            (0, -1, "This is a string"),
            (10, 100, "string"),
            (5, 3, ""),
            (-1, -3, ""),
            (-100, -100, "T"),
            (100, 200, ""),
        ] {
            let got = part(b"This is a string", from, to);
            assert_eq!(std::str::from_utf8(got).unwrap(), expected, "{from} {to}");
        }
        assert_eq!(part(b"", 0, -1), b"");
    }
}
