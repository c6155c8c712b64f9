//! Commands about the connection and the server: HELLO, CLIENT, COMMAND, SELECT, DEBUG and their
//! like.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qanat::keys::{KeyTransaction, glob};

use super::{Replies, Session, VERSION, config, info};
use crate::redis::codec::{Aggregate, Argv, Version};
use crate::redis::commands::{self, COMMANDS, Command, Id, describe};
use crate::redis::translate::words::{self, SYNTAX, is};
use crate::redis::translate::{Failure, Outcome};

/// Whether [`Session::connection`] answers the command with more than "unsupported".
pub(super) fn is_known(id: Id) -> bool {
    use Id::*;
    matches!(
        id,
        Ping | Echo
            | Quit
            | Reset
            | Hello
            | Auth
            | Select
            | Time
            | Info
            | Lastsave
            | Role
            | Lolwut
            | Command
            | CommandCount
            | CommandDocs
            | CommandInfo
            | CommandList
            | CommandGetkeys
            | CommandGetkeysandflags
            | CommandHelp
            | ConfigGet
            | ConfigSet
            | ConfigResetstat
            | ConfigHelp
            | ClientId
            | ClientGetname
            | ClientSetname
            | ClientSetinfo
            | ClientInfo
            | ClientList
            | ClientKill
            | ClientReply
            | ClientNoEvict
            | ClientNoTouch
            | ClientPause
            | ClientUnpause
            | ClientHelp
            | ObjectHelp
            | MemoryHelp
            | Debug
            | Unwatch
    )
}

/// The refusal of a command that is not built.
pub(super) fn unsupported(command: &Command) -> Failure {
    let name = command.name.replace('|', " ").to_ascii_uppercase();
    Failure::Named(format!("ERR unsupported: '{name}' is not supported"))
}

impl Session {
    /// Runs one of them; within EXEC `keys` is its transaction.
    pub(super) async fn connection(
        &mut self,
        command: &'static Command,
        argv: &Argv<'_>,
        keys: Option<&mut KeyTransaction>,
    ) -> Outcome {
        if !is_known(command.id) {
            return Err(unsupported(command));
        }
        let arg = |at: usize| argv.get(at).unwrap_or_default();
        match command.id {
            Id::Ping if argv.len() > 2 => {
                let text = "ERR wrong number of arguments for 'ping' command";
                return Err(Failure::Text(text));
            }
            Id::Ping => match argv.get(1) {
                Some(text) => self.reply().bulk(text),
                None => self.reply().simple("PONG"),
            },
            Id::Echo => self.reply().bulk(arg(1)),
            Id::Quit => {
                self.reply().ok();
                self.closing = true;
            }
            Id::Reset => self.reset().await?,
            Id::Hello => self.hello(argv)?,
            Id::Auth => self.auth(argv)?,
            Id::Select => self.select(arg(1), keys).await?,
            Id::Time => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let mut reply = self.reply();
                reply.array(2);
                reply.bulk(now.as_secs().to_string().as_bytes());
                reply.bulk(now.subsec_micros().to_string().as_bytes());
            }
            Id::Lastsave => {
                let now = self.server.keyspaces.now() / 1000;
                self.reply().integer(now as i64);
            }
            Id::Role => {
                let mut reply = self.reply();
                reply.array(3);
                reply.bulk(b"master");
                reply.integer(0);
                reply.array(0);
            }
            Id::Lolwut => self.reply().verbatim(*b"txt", b"Qanat, one store for every client\n"),
            Id::Info => info::info(self, argv).await?,
            Id::ConfigGet => config::get(self, argv),
            Id::ConfigSet => config::set(self, argv)?,
            Id::ConfigResetstat => {
                self.server.stats.reset();
                self.reply().ok();
            }
            Id::Debug => self.debug(argv).await?,
            id if command.name.starts_with("client|") => self.client_command(id, argv).await?,
            _ if command.name.starts_with("command") => self.describe(command, argv)?,
            _ if command.name.ends_with("|help") => self.help(command),
            _ => return Err(unsupported(command)),
        }
        Ok(())
    }

    async fn reset(&mut self) -> Outcome {
        self.end_queue();
        self.version = Version::Resp2;
        self.replies = Replies::On;
        {
            let mut info = self.client.info.lock();
            info.name.clear();
            info.resp = 2;
            (info.no_evict, info.no_touch) = (false, false);
        }
        let database = self.server.options.database.clone();
        self.keys.select_database(&database).await?;
        self.reply().simple("RESET");
        Ok(())
    }

    fn hello(&mut self, argv: &Argv<'_>) -> Outcome {
        let mut version = self.version;
        if let Some(number) = argv.get(1) {
            version = match qanat::keys::number::integer(number) {
                None => {
                    let text = "ERR Protocol version is not an integer or out of range";
                    return Err(Failure::Text(text));
                }
                Some(2) => Version::Resp2,
                Some(3) => Version::Resp3,
                Some(_) => return Err(Failure::Text("NOPROTO unsupported protocol version")),
            };
        }
        let mut name = None;
        let mut at = 2;
        while let Some(word) = argv.get(at) {
            let left = argv.len() - at - 1;
            if is(word, "auth") && left >= 2 {
                check_user(argv.get(at + 1).unwrap_or_default())?;
                at += 2;
            } else if is(word, "setname") && left >= 1 {
                name = argv.get(at + 1);
                at += 1;
            } else {
                let word = String::from_utf8_lossy(word);
                let text = format!("ERR Syntax error in HELLO option '{word}'");
                return Err(Failure::Named(text));
            }
            at += 1;
        }
        if let Some(name) = name {
            self.set_name(name)?;
        }
        self.version = version;
        let id = self.client.id as i64;
        let proto = if version == Version::Resp3 { 3 } else { 2 };
        self.client.info.lock().resp = proto;
        let mut reply = self.reply();
        reply.map(7);
        for (name, value) in [("server", "redis"), ("version", VERSION)] {
            reply.bulk(name.as_bytes());
            reply.bulk(value.as_bytes());
        }
        reply.bulk(b"proto");
        reply.integer(proto.into());
        reply.bulk(b"id");
        reply.integer(id);
        for (name, value) in [("mode", "standalone"), ("role", "master")] {
            reply.bulk(name.as_bytes());
            reply.bulk(value.as_bytes());
        }
        reply.bulk(b"modules");
        reply.array(0);
        Ok(())
    }

    /// There are no accounts: the default user has no password, as in Redis without configuration.
    fn auth(&mut self, argv: &Argv<'_>) -> Outcome {
        match (argv.get(1), argv.get(2), argv.len()) {
            (Some(_), None, _) => {
                let text = "ERR AUTH <password> called without any password configured for the \
                            default user. Are you sure your configuration is correct?";
                return Err(Failure::Text(text));
            }
            (Some(user), Some(_), 3) => check_user(user)?,
            _ => return Err(SYNTAX),
        }
        self.reply().ok();
        Ok(())
    }

    /// SELECT n chooses a key space, SELECT name a database; within EXEC only key spaces can be
    /// chosen.
    async fn select(&mut self, word: &[u8], keys: Option<&mut KeyTransaction>) -> Outcome {
        let number = qanat::keys::number::integer(word);
        match (number, keys) {
            (Some(_), keys) => {
                let space = words::space(word, self.server.options.databases)?;
                match keys {
                    Some(keys) => keys.select(space),
                    None => self.keys.select(space),
                }
            }
            (None, Some(_)) => {
                let text = "ERR SELECT of another database is not possible inside MULTI";
                return Err(Failure::Text(text));
            }
            (None, None) => {
                let name = std::str::from_utf8(word).unwrap_or_default();
                self.keys.select_database(name).await.map_err(|error| match error {
                    qanat::keys::KeyError::Model(qanat::keys::ModelError::Undefined { .. }) => {
                        Failure::Text("ERR invalid DB index")
                    }
                    other => Failure::Key(other),
                })?;
                self.keys.unwatch();
                let mut info = self.client.info.lock();
                info.database = self.keys.database().to_owned();
            }
        }
        self.reply().ok();
        Ok(())
    }

    /// DEBUG SLEEP seconds; JMAP answers; the rest is not built.
    async fn debug(&mut self, argv: &Argv<'_>) -> Outcome {
        let word = argv.get(1).unwrap_or_default();
        if is(word, "sleep") && argv.len() == 3 {
            let text = argv.get(2).and_then(|text| std::str::from_utf8(text).ok());
            let seconds = text.and_then(|text| text.parse::<f64>().ok());
            let seconds = seconds.filter(|seconds| (0.0..=1e6).contains(seconds));
            let seconds = seconds.ok_or(Failure::Text("ERR value is not a valid float"))?;
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        } else if !(is(word, "jmap") && argv.len() == 2) {
            let word = String::from_utf8_lossy(word).to_ascii_uppercase();
            let text = format!("ERR unsupported: 'DEBUG {word}' is not supported");
            return Err(Failure::Named(text));
        }
        self.reply().ok();
        Ok(())
    }

    fn set_name(&mut self, name: &[u8]) -> Outcome {
        let text = std::str::from_utf8(name).ok();
        let plain = text.filter(|text| text.bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
        let Some(name) = plain else {
            let text = "ERR Client names cannot contain spaces, newlines or special characters.";
            return Err(Failure::Text(text));
        };
        self.client.info.lock().name = name.to_owned();
        Ok(())
    }

    async fn client_command(&mut self, id: Id, argv: &Argv<'_>) -> Outcome {
        let arg = |at: usize| argv.get(at).unwrap_or_default();
        match id {
            Id::ClientId => {
                let id = self.client.id as i64;
                self.reply().integer(id);
            }
            Id::ClientGetname => {
                let name = self.client.info.lock().name.clone();
                let name = (!name.is_empty()).then_some(name);
                self.reply().bulk_or_null(name.as_deref().map(str::as_bytes));
            }
            Id::ClientSetname => {
                self.set_name(arg(2))?;
                self.reply().ok();
            }
            Id::ClientSetinfo => self.set_info(arg(2), arg(3))?,
            Id::ClientInfo => {
                let line = self.client.line() + "\n";
                self.reply().verbatim(*b"txt", line.as_bytes());
            }
            Id::ClientList => self.list(argv)?,
            Id::ClientKill => self.kill(argv)?,
            Id::ClientReply => match () {
                () if is(arg(2), "on") => {
                    self.replies = Replies::On;
                    self.reply().ok();
                }
                () if is(arg(2), "off") => self.replies = Replies::Off,
                () if is(arg(2), "skip") && self.replies == Replies::On => {
                    self.replies = Replies::SkipNext;
                }
                () if is(arg(2), "skip") => {}
                () => return Err(SYNTAX),
            },
            Id::ClientNoEvict | Id::ClientNoTouch => {
                let on = match () {
                    () if is(arg(2), "on") => true,
                    () if is(arg(2), "off") => false,
                    () => return Err(SYNTAX),
                };
                {
                    let mut info = self.client.info.lock();
                    if id == Id::ClientNoEvict { info.no_evict = on } else { info.no_touch = on }
                }
                self.reply().ok();
            }
            Id::ClientPause => self.pause(argv)?,
            Id::ClientUnpause => {
                self.server.unpause();
                self.reply().ok();
            }
            Id::ClientHelp => {
                if let Some(command) = commands::find_full(b"client|help") {
                    self.help(command);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn set_info(&mut self, name: &[u8], value: &[u8]) -> Outcome {
        let value = String::from_utf8_lossy(value).into_owned();
        let field = match () {
            () if is(name, "lib-name") => "lib-name",
            () if is(name, "lib-ver") => "lib-ver",
            () => {
                let name = String::from_utf8_lossy(name);
                return Err(Failure::Named(format!("ERR Unrecognized option '{name}'")));
            }
        };
        if !value.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
            let text =
                format!("ERR {field} cannot contain spaces, newlines or special characters.");
            return Err(Failure::Named(text));
        }
        {
            let mut info = self.client.info.lock();
            if field == "lib-name" { info.lib_name = value } else { info.lib_ver = value }
        }
        self.reply().ok();
        Ok(())
    }

    fn list(&mut self, argv: &Argv<'_>) -> Outcome {
        let mut ids = None;
        let mut none = false;
        match (argv.get(2), argv.get(3)) {
            (None, _) => {}
            (Some(word), Some(kind)) if is(word, "type") && argv.len() == 4 => match () {
                () if is(kind, "normal") => {}
                () if ["master", "replica", "slave", "pubsub"].iter().any(|w| is(kind, w)) => {
                    none = true;
                }
                () => {
                    let kind = String::from_utf8_lossy(kind);
                    return Err(Failure::Named(format!("ERR Unknown client type '{kind}'")));
                }
            },
            (Some(word), Some(_)) if is(word, "id") => {
                let bad = || Failure::Text("ERR Invalid client ID");
                let all = argv.after(3);
                let all = all.iter().map(|id| qanat::keys::number::integer(id).ok_or_else(bad));
                ids = Some(all.collect::<Result<Vec<i64>, Failure>>()?);
            }
            _ => return Err(SYNTAX),
        }
        let wanted = |id: u64| ids.as_ref().is_none_or(|ids| ids.contains(&(id as i64)));
        let clients = self.server.clients();
        let lines = clients.iter().filter(|client| !none && wanted(client.id));
        let text: String = lines.map(|client| client.line() + "\n").collect();
        self.reply().verbatim(*b"txt", text.as_bytes());
        Ok(())
    }

    fn kill(&mut self, argv: &Argv<'_>) -> Outcome {
        let clients = self.server.clients();
        if argv.len() == 3 {
            let address = argv.get(2).unwrap_or_default();
            let found = clients.iter().find(|client| client.address.as_bytes() == address);
            let found = found.ok_or(Failure::Text("ERR No such client"))?;
            self.end(found);
            self.reply().ok();
            return Ok(());
        }
        let mut skip_me = true;
        let mut wanted: Vec<(&str, &[u8])> = Vec::new();
        let mut at = 2;
        while let Some(word) = argv.get(at) {
            let value = argv.get(at + 1).ok_or(SYNTAX)?;
            let known = ["id", "addr", "laddr", "user", "type", "skipme", "maxage"];
            let name = known.iter().find(|name| is(word, name)).ok_or(SYNTAX)?;
            match *name {
                "skipme" if is(value, "yes") => skip_me = true,
                "skipme" if is(value, "no") => skip_me = false,
                "skipme" => return Err(SYNTAX),
                "id" | "maxage" if words::number(value).unwrap_or(0) <= 0 => {
                    return Err(Failure::Text("ERR client-id should be greater than 0"));
                }
                "user" if value != b"default" => {
                    let user = String::from_utf8_lossy(value);
                    return Err(Failure::Named(format!("ERR No such user '{user}'")));
                }
                "type"
                    if !["normal", "master", "replica", "slave", "pubsub"]
                        .iter()
                        .any(|w| is(value, w)) =>
                {
                    let kind = String::from_utf8_lossy(value);
                    return Err(Failure::Named(format!("ERR Unknown client type '{kind}'")));
                }
                _ => {}
            }
            wanted.push((name, value));
            at += 2;
        }
        let (mut killed, me) = (0, self.client.id);
        for client in clients.iter().filter(|client| !(skip_me && client.id == me)) {
            let all = wanted.iter().all(|(name, value)| match *name {
                "id" => client.id.to_string().as_bytes() == *value,
                "addr" => client.address.as_bytes() == *value,
                "laddr" => client.local.as_bytes() == *value,
                "type" => is(value, "normal"),
                "maxage" => words::number(value)
                    .is_ok_and(|age| client.since.elapsed().as_secs() as i64 >= age),
                _ => true,
            });
            if all {
                self.end(client);
                killed += 1;
            }
        }
        self.reply().integer(killed);
        Ok(())
    }

    fn end(&mut self, client: &super::Client) {
        if client.id == self.client.id { self.closing = true } else { client.kill() }
    }

    fn pause(&mut self, argv: &Argv<'_>) -> Outcome {
        let timeout = argv.get(2).and_then(qanat::keys::number::integer);
        let timeout =
            timeout.ok_or(Failure::Text("ERR timeout is not an integer or out of range"))?;
        let timeout =
            u64::try_from(timeout).map_err(|_| Failure::Text("ERR timeout is negative"))?;
        let all = match argv.get(3) {
            None => true,
            Some(word) if is(word, "all") => true,
            Some(word) if is(word, "write") => false,
            Some(_) => return Err(Failure::Text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        };
        self.server.pause(Duration::from_millis(timeout.min(u64::from(u32::MAX))), all);
        self.reply().ok();
        Ok(())
    }

    fn describe(&mut self, command: &'static Command, argv: &Argv<'_>) -> Outcome {
        match command.id {
            Id::Command => {
                let mut reply = self.reply();
                reply.array(COMMANDS.len());
                COMMANDS.iter().for_each(|command| describe::info(command, &mut reply));
            }
            Id::CommandCount => self.reply().integer(COMMANDS.len() as i64),
            Id::CommandInfo if argv.len() == 2 => {
                let mut reply = self.reply();
                reply.array(COMMANDS.len());
                COMMANDS.iter().for_each(|command| describe::info(command, &mut reply));
            }
            Id::CommandInfo => {
                let mut reply = self.reply();
                reply.array(argv.len() - 2);
                for name in argv.after(2).iter() {
                    match commands::find_full(name) {
                        Some(command) => describe::info(command, &mut reply),
                        None => reply.null(),
                    }
                }
            }
            Id::CommandDocs => {
                let named: Vec<&'static Command> = match argv.len() {
                    2 => COMMANDS.iter().collect(),
                    _ => argv.after(2).iter().filter_map(commands::find_full).collect(),
                };
                let mut reply = self.reply();
                reply.map(named.len());
                named.iter().for_each(|command| describe::docs(command, &mut reply));
            }
            Id::CommandList => self.list_commands(argv)?,
            Id::CommandGetkeys | Id::CommandGetkeysandflags => self.getkeys(command.id, argv)?,
            _ => self.help(command),
        }
        Ok(())
    }

    fn list_commands(&mut self, argv: &Argv<'_>) -> Outcome {
        let all =
            COMMANDS.iter().flat_map(|command| std::iter::once(command).chain(command.subcommands));
        let names: Vec<&str> = match (argv.get(2), argv.get(3), argv.get(4)) {
            (None, ..) => COMMANDS.iter().map(|command| command.name).collect(),
            (Some(filter), Some(kind), Some(value))
                if is(filter, "filterby") && argv.len() == 5 =>
            {
                match () {
                    () if is(kind, "module") => Vec::new(),
                    () if is(kind, "aclcat") => {
                        let bit = commands::CATEGORY_NAMES.iter().position(|name| {
                            name.trim_start_matches('@').as_bytes().eq_ignore_ascii_case(value)
                        });
                        let of = |command: &&Command| {
                            bit.is_some_and(|bit| command.categories >> bit & 1 == 1)
                        };
                        all.filter(of).map(|command| command.name).collect()
                    }
                    () if is(kind, "pattern") => all
                        .filter(|command| {
                            glob::matches_folded(value, command.name.as_bytes(), true)
                        })
                        .map(|command| command.name)
                        .collect(),
                    () => return Err(SYNTAX),
                }
            }
            _ => return Err(SYNTAX),
        };
        let mut reply = self.reply();
        reply.array(names.len());
        names.iter().for_each(|name| reply.bulk(name.as_bytes()));
        Ok(())
    }

    fn getkeys(&mut self, id: Id, argv: &Argv<'_>) -> Outcome {
        let request = argv.after(2);
        let Ok(command) = commands::resolve(&request) else {
            let known = commands::find(request.name()).is_some();
            return Err(Failure::Text(match known {
                true => "ERR Invalid number of arguments specified for command",
                false => "ERR Invalid command specified",
            }));
        };
        let keys = commands::keys::keys(command, &request);
        let keys = keys.map_err(|error| Failure::Named(error.to_string()))?;
        let mut reply = self.reply();
        reply.array(keys.len());
        for key in keys {
            let name = request.get(key.index).unwrap_or_default();
            if id == Id::CommandGetkeys {
                reply.bulk(name);
                continue;
            }
            reply.array(2);
            reply.bulk(name);
            let names = commands::KEY_FLAG_NAMES.iter().enumerate();
            let names: Vec<_> = names.filter(|(bit, _)| key.flags >> bit & 1 == 1).collect();
            reply.set(names.len());
            names.iter().for_each(|(_, name)| reply.simple(name));
        }
        Ok(())
    }

    /// HELP of a container: its subcommands with their arity, made from the table.
    fn help(&mut self, command: &'static Command) {
        let container = command.name.split('|').next().unwrap_or_default();
        let Some(container) = commands::find(container.as_bytes()) else { return };
        let title = format!(
            "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            container.name.to_ascii_uppercase()
        );
        let mut reply = self.reply();
        let mark = reply.begin();
        reply.simple(&title);
        for sub in container.subcommands {
            let arguments: Vec<&str> = sub.arguments.iter().map(|argument| argument.name).collect();
            let name = sub.last_name().to_ascii_uppercase();
            reply.simple(format!("{name} {}", arguments.join(" ")).trim_end());
        }
        reply.end(mark, Aggregate::Array, container.subcommands.len() + 1);
    }

    pub(super) fn set_idle(&self, seconds: u64) {
        self.server.idle_seconds.store(seconds, Ordering::Relaxed);
    }
}

fn check_user(user: &[u8]) -> Outcome {
    if user == b"default" {
        return Ok(());
    }
    Err(Failure::Text("WRONGPASS invalid username-password pair or user is disabled."))
}
