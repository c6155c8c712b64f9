//! The list of Redis's surface (`tests/surface/redis_commands.txt`) against sessions.
//!
//! ```text
//!   done    SET: NX     protocol/tests/golden/redis_keys.txt   a request there has the option and was answered
//!   later   LPUSH       LPUSH x x                              sent: ERR unsupported: 'LPUSH' …
//! ```
//!
//! `redis_keys.txt` is replayed in `redis_session.rs`, `redis_surface.txt` here: what stands in
//! them is true. A request has an option if the option's word stands behind the command's name;
//! which word that may be, the command table says, which has all commands too, so the list is held
//! against it. Of answers that differ from server to server the kind alone is recorded.

use std::collections::{BTreeMap, BTreeSet};

use protocol::redis::commands::{self, Argument, COMMANDS, Command};

use crate::clients::block_on;
use crate::clients::redis::{Client, server};
use crate::golden;

const FOLDER: &str = "protocol/tests/golden/";

/// One line of the list: what, whether we have it, and what shows it or what is to be sent.
struct Line {
    what: String,
    done: bool,
    proof: String,
}

fn listed() -> Vec<Line> {
    let path = format!("{}/../tests/surface/redis_commands.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let line = |line: &str| match line.split('\t').collect::<Vec<_>>()[..] {
        [state @ ("done" | "later"), what, proof] => {
            Line { what: what.into(), done: state == "done", proof: proof.into() }
        }
        _ => panic!("{line}"),
    };
    text.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

/// The requests of a golden file that were answered by no error, as their words.
fn answered(file: &str) -> Vec<Vec<String>> {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let mut found = Vec::new();
    for case in text.split("\n\n") {
        let Some((sent, answers)) = case.trim_matches('\n').split_once("\n---\n") else { continue };
        let sent = sent.lines().filter(|line| !line.starts_with(['#', '(']) && !line.is_empty());
        let pairs = sent.zip(answers.lines()).filter(|(_, answer)| !answer.starts_with('-'));
        let words = |line: &str| line.split_whitespace().map(str::to_ascii_lowercase).collect();
        found.extend(pairs.map(|(line, _)| words(line.trim_start_matches(['~', '?', '>']))));
    }
    found
}

/// The command or subcommand that a request names, and how many words its name has.
fn command_of(words: &[String]) -> Option<(&'static Command, usize)> {
    let command = commands::find(words.first()?.as_bytes())?;
    match words.get(1).and_then(|word| command.subcommand(word.as_bytes())) {
        Some(sub) => Some((sub, 2)),
        None => Some((command, 1)),
    }
}

fn shown_name(command: &Command) -> String {
    command.name.replace('|', " ").to_ascii_uppercase()
}

fn tokens(arguments: &[Argument], found: &mut BTreeSet<String>) {
    for argument in arguments {
        if !argument.token.is_empty() {
            found.insert(argument.token.trim_matches('"').to_owned());
        }
        tokens(argument.children, found);
    }
}

/// Every command that can be called, by its name in the list.
fn callable() -> BTreeMap<String, &'static Command> {
    let all = COMMANDS.iter().flat_map(|command| {
        // A container is no command, unless it may be called alone.
        let own = command.subcommands.is_empty() || command.arity == -1;
        own.then_some(command).into_iter().chain(command.subcommands)
    });
    all.map(|command| (shown_name(command), command)).collect()
}

#[test]
fn every_command_and_every_option_of_what_is_done_is_listed() {
    let lines = listed();
    let listed: BTreeSet<&str> = lines.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(listed.len(), lines.len(), "a line stands twice");
    let mut wanted = BTreeSet::new();
    for (name, command) in callable() {
        if lines.iter().any(|line| line.done && line.what == name) {
            let mut options = BTreeSet::new();
            tokens(command.arguments, &mut options);
            wanted.extend(options.iter().map(|option| format!("{name}: {option}")));
        }
        wanted.insert(name);
    }
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    assert_eq!(listed, wanted);
}

#[test]
fn what_is_done_stands_in_its_file() {
    let mut files: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Line { what, proof, .. } in listed().into_iter().filter(|line| line.done) {
        let file = proof.strip_prefix(FOLDER).expect("a golden file of ours").to_owned();
        let requests = files.entry(file.clone()).or_insert_with(|| answered(&file));
        let (name, option) = what.split_once(": ").unwrap_or((&what, ""));
        let shows = |words: &Vec<String>| {
            command_of(words).is_some_and(|(command, length)| {
                let mut rest = words[length..].iter();
                shown_name(command) == name
                    && (option.is_empty() || rest.any(|word| word.eq_ignore_ascii_case(option)))
            })
        };
        if !requests.iter().any(shows) {
            wrong.push(format!("{what} is not in {proof}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_later_is_refused_by_name() {
    let mut wrong = Vec::new();
    block_on(async {
        let server = server().await;
        for Line { what, proof, .. } in listed().into_iter().filter(|line| !line.done) {
            let mut client = Client::of(&server);
            let answer = client.text(&proof).await;
            let name = what.replace(':', "");
            if !answer.starts_with(&format!("-ERR unsupported: '{name}")) {
                wrong.push(format!("{what}: {proof}: {answer:?}"));
            }
            // And in a transaction, which then is not executed.
            client.line("multi").await;
            let queued = client.text(&proof).await;
            let executed = client.text("exec").await;
            if !queued.starts_with('-') || !executed.starts_with("-EXECABORT") {
                wrong.push(format!("{what}: in MULTI {queued:?}, EXEC {executed:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn answers_are_as_recorded() {
    golden::check("redis_surface.txt", |case| {
        block_on(async {
            let server = server().await;
            let mut client = Client::of(&server);
            client.line("flushall").await;
            let mut replies = Vec::new();
            for line in case.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let request = line.trim_start_matches(['?', '>']);
                if line.starts_with('>') {
                    client.send(format!("{request}\r\n").as_bytes()).await;
                    replies.push("(none)".to_owned());
                    continue;
                }
                let mut reply = client.line(request).await;
                if line.starts_with('?') {
                    reply.truncate(1);
                }
                replies.push(golden::escape(&reply));
            }
            replies.join("\n")
        })
    });
}
