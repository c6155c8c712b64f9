//! A load, a crash, and what must be there afterwards: shared by `kill` and `shim`.
//!
//! ```text
//!   round: start ─► writers (acknowledgements are kept here, outside the server) ─► crash
//!          ─► qanat check: whole ─► [start, crash while it starts] ─► start ─► verify ─► …
//!
//!   rows       insert, update, delete by one owner; simple and prepared   the acknowledged value
//!   groups     many rows of one transaction, some rolled back             all of a group or none
//!   accounts   transfers in transactions                                  sum, and each balance
//!   tables     create, fill, index, truncate, drop                        what was acknowledged
//!   keys       SET, HSET, INCR in pipelines                               the acknowledged value
//! ```
//!
//! Each writer owns what it writes, so at a crash at most one step of each is open, and both states
//! of it are right. What is found after the crash is then what is known.
//!
//! **Invariants**
//! - Nothing is learned from the server's own words but acknowledgements.
//! - An index and a scan of the same table agree, whatever was under way.
//!
//! Rejected: one log of acknowledgements on disk (the test's process outlives every crash).

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::wire::{Failure, Postgres, Redis, Rows};

/// A running server.
pub struct Server {
    child: Child,
    /// Where PostgreSQL's clients connect.
    pub postgres: u16,
    /// Where Redis's clients connect.
    pub redis: u16,
    /// What it says on standard error.
    pub log: PathBuf,
}

/// How a server is started.
pub struct Launch<'a> {
    /// The store's folder.
    pub store: &'a Path,
    /// `sync`, `interval`.
    pub durability: &'a str,
    /// Further variables of its environment.
    pub environment: Vec<(&'static str, String)>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Starts the program, and does not wait for it.
    pub fn spawn(launch: &Launch<'_>) -> Server {
        let (postgres, redis) = (free_port(), free_port());
        let log = launch.store.with_extension("log");
        let file = File::options().append(true).create(true).open(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_qanat"));
        command.args(["serve", "--memory", "128MB", "--log-level", "warn"]);
        command.args(["--store", &format!("file:{}", launch.store.display())]);
        command.args(["--durability", launch.durability]);
        command.args(["--postgres", &format!("127.0.0.1:{postgres}")]);
        command.args(["--redis", &format!("127.0.0.1:{redis}")]);
        command.env_remove("QANAT_ROUNDS").env_remove("QANAT_SEED");
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Server { child, postgres, redis, log }
    }

    /// Waits until it serves; `None` if it ended before.
    pub fn ready(&mut self) -> Option<Postgres> {
        let began = Instant::now();
        loop {
            if let Ok(postgres) = Postgres::connect(self.postgres) {
                return Some(postgres);
            }
            if self.child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "it does not start: {}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Ends it in an orderly way.
    pub fn stop(&mut self) {
        // SAFETY: a signal to a process that this test started and has not waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        assert!(self.wait().success(), "it does not end well: {}", self.said());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `qanat check`, which must find a whole store.
pub fn check(store: &Path) {
    let address = format!("file:{}", store.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_qanat"));
    let output = command.args(["check", "--store", &address]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    // Before anything was acknowledged there may be no store yet.
    assert!(output.status.success() || told.contains("there is no"), "qanat check: {told}");
}

/// What may be there: what was acknowledged, or what was asked for since.
#[derive(Debug, Clone, Default)]
struct Value {
    known: Option<String>,
    tried: Vec<Option<String>>,
}

impl Value {
    fn try_one(&mut self, value: Option<String>) {
        self.tried.push(value);
    }

    fn acknowledge(&mut self) {
        if let Some(last) = self.tried.pop() {
            self.known = last;
        }
        self.tried.clear();
    }

    /// What is found must be one of them, and is what is known from now on.
    fn settle(&mut self, found: Option<String>) -> Result<(), String> {
        if found != self.known && !self.tried.contains(&found) {
            let short = |text: &Option<String>| {
                text.as_ref().map(|t| t.chars().take(40).collect::<String>())
            };
            let tried: Vec<_> = self.tried.iter().map(short).collect();
            return Err(format!(
                "found {:?}, acknowledged {:?}, asked {tried:?}",
                short(&found),
                short(&self.known)
            ));
        }
        self.known = found;
        self.tried.clear();
        Ok(())
    }
}

/// Whether a writer goes on after a failure: a refusal that a client runs into rightly.
fn goes_on(failure: &Failure) -> bool {
    let Failure::Refused(code, message) = failure else { return false };
    let is_expected =
        ["40", "55", "57", "42P01", "42P07", "0A000"].iter().any(|class| code.starts_with(class));
    assert!(is_expected && code != "40003", "{code} {message}");
    true
}

fn number(rows: &Rows) -> i64 {
    rows[0][0].as_ref().map_or(0, |text| text.parse().unwrap())
}

fn random_text(random: &mut StdRng) -> String {
    let length = match random.random_range(0..20) {
        0 => random.random_range(0..20_000),
        _ => random.random_range(0..200),
    };
    let letter = char::from(random.random_range(b'a'..=b'z'));
    format!("{}{}", random.random_range(0..50), letter.to_string().repeat(length))
}

/// One owner of rows, groups or whatever it writes.
trait Writer: Send {
    /// One step; an error ends the round for this writer or not, see `goes_on`.
    fn step(&mut self, postgres: &mut Postgres, random: &mut StdRng) -> Result<(), Failure>;
    /// After the crash.
    fn verify(&mut self, postgres: &mut Postgres) -> Result<(), String>;
}

fn found(postgres: &mut Postgres, sql: &str) -> Result<Rows, String> {
    postgres.simple(sql).map_err(|failure| format!("{sql}: {failure:?}"))
}

struct Rowwise {
    owner: i64,
    next: i64,
    rows: BTreeMap<i64, Value>,
}

impl Writer for Rowwise {
    fn step(&mut self, postgres: &mut Postgres, random: &mut StdRng) -> Result<(), Failure> {
        let text = random_text(random);
        let living: Vec<i64> =
            self.rows.iter().filter(|(_, v)| v.known.is_some()).map(|(id, _)| *id).collect();
        let is_prepared = random.random_bool(0.5);
        let kind = if living.is_empty() { 0 } else { random.random_range(0..10) };
        let (id, owner) = match kind {
            0..5 => {
                self.next += 1;
                (self.owner << 32 | self.next, self.owner)
            }
            _ => (living[random.random_range(0..living.len())], self.owner),
        };
        let value = if kind == 9 { None } else { Some(text.clone()) };
        self.rows.entry(id).or_default().try_one(value);
        let done = match (kind, is_prepared) {
            (0..5, false) => {
                postgres.simple(&format!("INSERT INTO facts VALUES ({id}, {owner}, '{text}')"))
            }
            (0..5, true) => {
                let values = [id.to_string(), owner.to_string(), text];
                postgres.prepared("INSERT INTO facts VALUES ($1, $2, $3)", &values)
            }
            (9, false) => postgres.simple(&format!("DELETE FROM facts WHERE id = {id}")),
            (9, true) => postgres.prepared("DELETE FROM facts WHERE id = $1", &[id.to_string()]),
            (_, false) => {
                postgres.simple(&format!("UPDATE facts SET note = '{text}' WHERE id = {id}"))
            }
            (_, true) => postgres
                .prepared("UPDATE facts SET note = $2 WHERE id = $1", &[id.to_string(), text]),
        };
        let row = self.rows.get_mut(&id).unwrap();
        match done {
            Ok(_) => row.acknowledge(),
            Err(failure) => {
                if failure != Failure::Lost {
                    row.tried.pop();
                }
                return Err(failure);
            }
        }
        Ok(())
    }

    fn verify(&mut self, postgres: &mut Postgres) -> Result<(), String> {
        let owner = self.owner;
        let rows =
            found(postgres, &format!("SELECT id, note FROM facts WHERE owner + 0 = {owner}"))?;
        let mut there: BTreeMap<i64, String> = rows
            .into_iter()
            .map(|row| (row[0].as_ref().unwrap().parse().unwrap(), row[1].clone().unwrap()))
            .collect();
        for (id, value) in &mut self.rows {
            value.settle(there.remove(id)).map_err(|error| format!("facts {id}: {error}"))?;
        }
        match there.is_empty() {
            true => Ok(()),
            false => Err(format!("facts that nobody wrote: {:?}", there.keys())),
        }
    }
}

struct Groups {
    owner: i64,
    next: i64,
    groups: BTreeMap<i64, Value>,
}

impl Writer for Groups {
    fn step(&mut self, postgres: &mut Postgres, random: &mut StdRng) -> Result<(), Failure> {
        self.next += 1;
        let id = self.owner << 32 | self.next;
        let size = if random.random_bool(0.05) { 1500 } else { random.random_range(2..20) };
        let kind = random.random_range(0..5);
        let value = if kind == 4 { None } else { Some(size.to_string()) };
        self.groups.entry(id).or_default().try_one(value);
        let done = Self::write(postgres, id, size, kind);
        let group = self.groups.get_mut(&id).unwrap();
        match &done {
            Ok(()) => group.acknowledge(),
            Err(Failure::Refused(..)) => {
                group.tried.clear();
                postgres.simple("ROLLBACK")?;
            }
            Err(Failure::Lost) => {}
        }
        done
    }

    fn verify(&mut self, postgres: &mut Postgres) -> Result<(), String> {
        let owner = self.owner;
        let text = format!(
            "SELECT id, count(*), min(size), max(size) FROM members WHERE owner = {owner} \
             GROUP BY id"
        );
        let mut there = BTreeMap::new();
        for row in found(postgres, &text)? {
            let cells: Vec<String> = row.into_iter().map(Option::unwrap).collect();
            if cells[1] != cells[2] || cells[2] != cells[3] {
                return Err(format!("a torn group: {cells:?}"));
            }
            there.insert(cells[0].parse::<i64>().unwrap(), cells[1].clone());
        }
        for (id, value) in &mut self.groups {
            value.settle(there.remove(id)).map_err(|error| format!("group {id}: {error}"))?;
        }
        if there.is_empty() { Ok(()) } else { Err(format!("groups that nobody wrote: {there:?}")) }
    }
}

impl Groups {
    fn write(postgres: &mut Postgres, id: i64, size: i64, kind: u32) -> Result<(), Failure> {
        let owner = id >> 32;
        let series = format!(
            "INSERT INTO members SELECT {id}, g, {owner}, {size} FROM generate_series(1, {size}) g"
        );
        if kind == 0 {
            return postgres.simple(&series).map(drop);
        }
        postgres.simple("BEGIN")?;
        if kind == 1 || size > 100 {
            postgres.simple(&series)?;
        } else {
            for member in 1..=size {
                let values = [id, member, owner, size].map(|value| value.to_string());
                postgres.prepared("INSERT INTO members VALUES ($1, $2, $3, $4)", &values)?;
                if kind == 2 {
                    postgres.simple("SAVEPOINT s")?;
                    postgres.simple(&format!("DELETE FROM members WHERE id = {id}"))?;
                    postgres.simple("ROLLBACK TO s")?;
                }
            }
        }
        postgres.simple(if kind == 4 { "ROLLBACK" } else { "COMMIT" }).map(drop)
    }
}

const ACCOUNTS: i64 = 20;

struct Transfers {
    owner: i64,
    next: i64,
    done: BTreeMap<i64, Value>,
}

impl Writer for Transfers {
    fn step(&mut self, postgres: &mut Postgres, random: &mut StdRng) -> Result<(), Failure> {
        self.next += 1;
        let id = self.owner << 32 | self.next;
        let (from, to) = (random.random_range(0..ACCOUNTS), random.random_range(0..ACCOUNTS));
        let amount = random.random_range(1..100);
        self.done.entry(id).or_default().try_one(Some(amount.to_string()));
        let mut write = || {
            postgres.simple("BEGIN")?;
            for (account, by) in [(from, -amount), (to, amount)] {
                let values = [account.to_string(), by.to_string()];
                postgres.prepared(
                    "UPDATE accounts SET balance = balance + $2 WHERE id = $1",
                    &values,
                )?;
            }
            postgres
                .simple(&format!("INSERT INTO transfers VALUES ({id}, {from}, {to}, {amount})"))?;
            postgres.simple("COMMIT").map(drop)
        };
        let result = write();
        let value = self.done.get_mut(&id).unwrap();
        match &result {
            Ok(()) => value.acknowledge(),
            Err(Failure::Refused(..)) => {
                value.tried.clear();
                postgres.simple("ROLLBACK")?;
            }
            Err(Failure::Lost) => {}
        }
        result
    }

    fn verify(&mut self, postgres: &mut Postgres) -> Result<(), String> {
        let low = self.owner << 32;
        let text = format!(
            "SELECT id, amount FROM transfers WHERE id BETWEEN {low} AND {low} + 4294967295"
        );
        let rows = found(postgres, &text)?;
        let mut there: BTreeMap<i64, String> = rows
            .into_iter()
            .map(|row| (row[0].as_ref().unwrap().parse().unwrap(), row[1].clone().unwrap()))
            .collect();
        for (id, value) in &mut self.done {
            value.settle(there.remove(id)).map_err(|error| format!("transfer {id}: {error}"))?;
        }
        if there.is_empty() {
            Ok(())
        } else {
            Err(format!("transfers that nobody made: {there:?}"))
        }
    }
}

/// Tables that come and go; a value is `rows` of the table.
struct Tables {
    next: i64,
    tables: BTreeMap<String, Value>,
}

impl Writer for Tables {
    fn step(&mut self, postgres: &mut Postgres, random: &mut StdRng) -> Result<(), Failure> {
        let living: Vec<String> = self
            .tables
            .iter()
            .filter(|(_, v)| v.known.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        let kind =
            if living.len() < 3 { random.random_range(0..3) } else { random.random_range(0..9) };
        let rows = random.random_range(0..400);
        let fill = |name: &str| {
            format!("INSERT INTO {name} SELECT g, g % 7 FROM generate_series(1, {rows}) g")
        };
        let name = if kind < 3 {
            self.next += 1;
            format!("made_{}", self.next)
        } else {
            living[random.random_range(0..living.len())].clone()
        };
        let create = format!("CREATE TABLE {name} (id int, v int)");
        let index = format!("CREATE INDEX ON {name} (v)");
        let (texts, value) = match kind {
            0 => (vec![create], Some(0)),
            1 => (vec!["BEGIN".into(), create, fill(&name), index, "COMMIT".into()], Some(rows)),
            2 => (vec!["BEGIN".into(), create, index, fill(&name), "COMMIT".into()], Some(rows)),
            3 | 4 => (
                vec!["BEGIN".into(), format!("TRUNCATE {name}"), fill(&name), "COMMIT".into()],
                Some(rows),
            ),
            5 => (vec![format!("DROP TABLE {name}")], None),
            _ => return Self::index(postgres, random),
        };
        let value = value.map(|rows: i32| rows.to_string());
        self.tables.entry(name.clone()).or_default().try_one(value);
        let result = texts.iter().try_for_each(|text| postgres.simple(text).map(drop));
        let state = self.tables.get_mut(&name).unwrap();
        match &result {
            Ok(()) => state.acknowledge(),
            Err(Failure::Refused(..)) => {
                state.tried.clear();
                postgres.simple("ROLLBACK")?;
            }
            Err(Failure::Lost) => {}
        }
        result
    }

    fn verify(&mut self, postgres: &mut Postgres) -> Result<(), String> {
        let names = found(
            postgres,
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'made%'",
        )?;
        let mut there = BTreeMap::new();
        for row in names {
            let name = row[0].clone().unwrap();
            let count = number(&found(postgres, &format!("SELECT count(*) FROM {name}"))?);
            same(postgres, &name, "v", 0..7)?;
            there.insert(name, count.to_string());
        }
        for (name, value) in &mut self.tables {
            value.settle(there.remove(name)).map_err(|error| format!("{name}: {error}"))?;
        }
        if there.is_empty() { Ok(()) } else { Err(format!("tables that nobody made: {there:?}")) }
    }
}

impl Tables {
    /// Indexes on tables that others write into meanwhile.
    fn index(postgres: &mut Postgres, random: &mut StdRng) -> Result<(), Failure> {
        let (name, on) = [
            ("facts_note", "facts (note)"),
            ("facts_owner_note", "facts (owner DESC, note)"),
            ("members_size", "members (size, member)"),
        ][random.random_range(0..3)];
        match random.random_bool(0.5) {
            true => {
                postgres.simple(&format!("CREATE INDEX IF NOT EXISTS {name} ON {on}")).map(drop)
            }
            false => postgres.simple(&format!("DROP INDEX IF EXISTS {name}")).map(drop),
        }
    }
}

/// An index and a scan give the same rows for each value.
fn same(
    postgres: &mut Postgres,
    table: &str,
    column: &str,
    values: std::ops::Range<i64>,
) -> Result<(), String> {
    for value in values {
        let way = |condition: &str| {
            format!(
                "SELECT count(*), coalesce(sum(id), 0) FROM {table} WHERE {condition} = {value}"
            )
        };
        let by_index = found(postgres, &way(column))?;
        let by_scan = found(postgres, &way(&format!("{column} + 0")))?;
        if by_index != by_scan {
            return Err(format!(
                "{table}.{column} = {value}: index {by_index:?}, scan {by_scan:?}"
            ));
        }
    }
    Ok(())
}

/// Keys of Redis; the reply is the acknowledgement.
struct Keys {
    owner: i64,
    next: i64,
    values: BTreeMap<String, Value>,
    counter: (i64, i64),
}

impl Keys {
    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// A pipeline; false when the connection is gone.
    fn step(&mut self, redis: &mut Redis, random: &mut StdRng) -> bool {
        let owner = self.owner;
        let mut commands = Vec::new();
        let mut names = Vec::new();
        for _ in 0..random.random_range(1..50) {
            self.next += 1;
            let text = format!("{} {}", self.next, random_text(random));
            let n = random.random_range(0..40);
            let (name, command, value) = match random.random_range(0..10) {
                0..4 => {
                    let name = format!("key:{owner}:{n}");
                    (name.clone(), Self::words(&["SET", &name, &text]), Some(text))
                }
                4..7 => {
                    let name = format!("hash:{owner} {n}");
                    let field = n.to_string();
                    (
                        name,
                        Self::words(&["HSET", &format!("hash:{owner}"), &field, &text]),
                        Some(text),
                    )
                }
                7 => {
                    let name = format!("key:{owner}:{n}");
                    (name.clone(), Self::words(&["DEL", &name]), None)
                }
                _ => {
                    self.counter.1 += 1;
                    commands.push(Self::words(&["INCR", &format!("counter:{owner}")]));
                    names.push(None);
                    continue;
                }
            };
            self.values.entry(name.clone()).or_default().try_one(value.clone());
            commands.push(command);
            names.push(Some((name, value)));
        }
        let replies = redis.pipeline(&commands);
        let is_whole = replies.len() == commands.len();
        for (reply, name) in replies.into_iter().zip(names) {
            let reply = reply.unwrap();
            assert!(!reply.starts_with("ERROR"), "{reply}");
            match name {
                None => self.counter.0 = reply.parse().unwrap(),
                Some((name, value)) => {
                    let state = self.values.get_mut(&name).unwrap();
                    state.known = value;
                    state.tried.remove(0);
                }
            }
        }
        is_whole
    }

    fn verify(&mut self, redis: &mut Redis) -> Result<(), String> {
        let owner = self.owner;
        for (name, value) in &mut self.values {
            let command = match name.split_once(' ') {
                Some((hash, field)) => Self::words(&["HGET", hash, field]),
                None => Self::words(&["GET", name]),
            };
            let reply = redis.pipeline(&[command]).pop().ok_or("the connection is gone")?;
            value.settle(reply).map_err(|error| format!("{name}: {error}"))?;
        }
        let reply = redis.pipeline(&[Self::words(&["GET", &format!("counter:{owner}")])]);
        let there = reply
            .first()
            .ok_or("the connection is gone")?
            .as_ref()
            .map_or(0, |n| n.parse().unwrap());
        if there < self.counter.0 || there > self.counter.1 {
            return Err(format!("counter:{owner} is {there}, not between {:?}", self.counter));
        }
        self.counter = (there, there);
        Ok(())
    }
}

/// All writers of a store, and what they know.
pub struct Load {
    writers: Vec<Box<dyn Writer>>,
    keys: Vec<Keys>,
    random: StdRng,
    is_made: bool,
}

const SCHEMA: &[&str] = &[
    "CREATE TABLE facts (id bigint PRIMARY KEY, owner bigint, note text)",
    "CREATE INDEX facts_owner ON facts (owner, id)",
    "CREATE TABLE members (id bigint, member int, owner bigint, size int, \
     PRIMARY KEY (id, member))",
    "CREATE INDEX members_owner ON members (owner)",
    "CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint)",
    "CREATE TABLE transfers (id bigint PRIMARY KEY, source bigint, target bigint, amount bigint)",
    "CREATE INDEX transfers_source ON transfers (source)",
    "CREATE INDEX transfers_target ON transfers (target)",
    "INSERT INTO accounts SELECT g, 1000 FROM generate_series(0, 19) g",
];

impl Load {
    /// Writers for a fresh store.
    pub fn new(seed: u64) -> Load {
        let mut writers: Vec<Box<dyn Writer>> = Vec::new();
        for owner in 1..=2 {
            writers.push(Box::new(Rowwise { owner, next: 0, rows: BTreeMap::new() }));
            writers.push(Box::new(Groups { owner, next: 0, groups: BTreeMap::new() }));
            writers.push(Box::new(Transfers { owner, next: 0, done: BTreeMap::new() }));
        }
        writers.push(Box::new(Tables { next: 0, tables: BTreeMap::new() }));
        let keys = |owner| Keys { owner, next: 0, values: BTreeMap::new(), counter: (0, 0) };
        Load {
            writers,
            keys: vec![keys(1), keys(2)],
            random: StdRng::seed_from_u64(seed),
            is_made: false,
        }
    }

    /// Makes the tables, once, before anything can crash.
    pub fn prepare(&mut self, postgres: &mut Postgres) {
        if !std::mem::replace(&mut self.is_made, true) {
            for text in SCHEMA {
                postgres.simple(text).unwrap();
            }
        }
    }

    /// Runs all writers until `crash` has come back and the connections are gone.
    pub fn run(&mut self, ports: (u16, u16), crash: impl FnOnce(&mut StdRng)) -> usize {
        let over = AtomicBool::new(false);
        let done = std::sync::atomic::AtomicUsize::new(0);
        let mut random = || StdRng::seed_from_u64(self.random.random());
        let mut own = random();
        std::thread::scope(|scope| {
            for writer in &mut self.writers {
                let (mut random, over, done) = (random(), &over, &done);
                scope.spawn(move || {
                    let Ok(mut postgres) = Postgres::connect(ports.0) else { return };
                    while !over.load(Ordering::Relaxed) {
                        match writer.step(&mut postgres, &mut random) {
                            Ok(()) => drop(done.fetch_add(1, Ordering::Relaxed)),
                            Err(failure) if goes_on(&failure) => {}
                            Err(_) => return,
                        }
                    }
                });
            }
            for keys in &mut self.keys {
                let (mut random, over) = (random(), &over);
                scope.spawn(move || {
                    let Ok(mut redis) = Redis::connect(ports.1) else { return };
                    while !over.load(Ordering::Relaxed) && keys.step(&mut redis, &mut random) {}
                });
            }
            crash(&mut own);
            over.store(true, Ordering::Relaxed);
        });
        done.load(Ordering::Relaxed)
    }

    /// What must be there after a crash.
    pub fn verify(&mut self, server: &Server, postgres: &mut Postgres) -> Result<(), String> {
        for writer in &mut self.writers {
            writer.verify(postgres)?;
        }
        let mut redis = Redis::connect(server.redis).map_err(|_| "no connection for Redis")?;
        for keys in &mut self.keys {
            keys.verify(&mut redis)?;
        }
        let sum = number(&found(postgres, "SELECT sum(balance) FROM accounts")?);
        if sum != ACCOUNTS * 1000 {
            return Err(format!("the sum of the accounts is {sum}"));
        }
        for account in 0..ACCOUNTS {
            let text = format!(
                "SELECT 1000 \
                 - (SELECT coalesce(sum(amount), 0) FROM transfers WHERE source = {account}) \
                 + (SELECT coalesce(sum(amount), 0) FROM transfers WHERE target = {account}) \
                 - (SELECT balance FROM accounts WHERE id = {account})"
            );
            if number(&found(postgres, &text)?) != 0 {
                return Err(format!("account {account} is not what its transfers make"));
            }
        }
        same(postgres, "facts", "owner", 1..3)?;
        same(postgres, "members", "owner", 1..3)?;
        same(postgres, "members", "size", 2..21)?;
        same(postgres, "transfers", "source", 0..ACCOUNTS)?;
        let by_note = "SELECT count(*), sum(id) FROM facts WHERE note >= ''";
        let by_scan = "SELECT count(*), sum(id) FROM facts WHERE note || '' >= ''";
        let (by_note, by_scan) = (found(postgres, by_note)?, found(postgres, by_scan)?);
        if by_note != by_scan {
            return Err(format!("facts.note: index {by_note:?}, scan {by_scan:?}"));
        }
        Ok(())
    }
}

/// What a crash is.
pub trait Crash {
    /// The environment of the server that will crash.
    fn environment(&mut self, store: &Path, random: &mut StdRng) -> Vec<(&'static str, String)>;
    /// Lets it crash now.
    fn crash(&mut self, server: &mut Server, random: &mut StdRng);
}

/// Rounds on one store until a fresh one is taken.
const ROUNDS_OF_A_STORE: u64 = 20;

/// Runs rounds; panics with the seed at the first that finds something wrong.
pub fn rounds(count: u64, durabilities: &[&str], crash: &mut dyn Crash) {
    let seed = std::env::var("QANAT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("QANAT_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut folder = tempfile::tempdir().unwrap();
    let mut load = Load::new(random.random());
    let mut steps = 0;
    for round in 0..count {
        if round % ROUNDS_OF_A_STORE == 0 {
            folder = tempfile::tempdir().unwrap();
            load = Load::new(random.random());
        }
        let store = folder.path().canonicalize().unwrap().join("store");
        let durability = durabilities[random.random_range(0..durabilities.len())];
        let launch = |environment| Launch { store: &store, durability, environment };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            one_round(&mut load, crash, &launch, &mut random)
        }));
        let told = std::fs::read_to_string(store.with_extension("log")).unwrap_or_default();
        match result {
            Ok(Ok(done)) if !told.contains("panicked") => steps += done,
            wrong => {
                let kept = folder.keep();
                let last: Vec<&str> = told.lines().rev().take(30).collect();
                let said = match wrong {
                    Ok(Ok(_)) => "the server panicked".to_owned(),
                    Ok(Err(error)) => error,
                    Err(panic) => {
                        panic.downcast_ref::<String>().cloned().unwrap_or("a panic (above)".into())
                    }
                };
                panic!(
                    "round {round}, seed {seed}, {durability}, {}: {said}\n{last:#?}",
                    kept.display()
                );
            }
        }
    }
    println!("{count} rounds, {steps} acknowledged steps");
}

fn one_round<'a>(
    load: &mut Load,
    crash: &mut dyn Crash,
    launch: &dyn Fn(Vec<(&'static str, String)>) -> Launch<'a>,
    random: &mut StdRng,
) -> Result<usize, String> {
    let store = launch(Vec::new()).store;
    if !load.is_made {
        let mut server = Server::spawn(&launch(Vec::new()));
        let mut postgres = server.ready().ok_or_else(|| format!("it ends: {}", server.said()))?;
        load.prepare(&mut postgres);
    }
    let mut server = Server::spawn(&launch(crash.environment(store, random)));
    let mut steps = 0;
    if server.ready().is_some() {
        let ports = (server.postgres, server.redis);
        steps = load.run(ports, |own| crash.crash(&mut server, own));
    }
    server.wait();
    check(store);
    // Crashes while it starts: recovery is recovered from.
    while random.random_bool(0.3) {
        let mut server = Server::spawn(&launch(crash.environment(store, random)));
        std::thread::sleep(Duration::from_millis(random.random_range(0..60)));
        crash.crash(&mut server, random);
        check(store);
    }
    let mut server = Server::spawn(&launch(Vec::new()));
    let mut postgres =
        server.ready().ok_or_else(|| format!("it does not open: {}", server.said()))?;
    load.verify(&server, &mut postgres)?;
    drop(postgres);
    server.kill();
    check(store);
    Ok(steps)
}

/// Rounds from the environment, or the given number.
pub fn rounds_max(otherwise: u64) -> u64 {
    std::env::var("QANAT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(otherwise)
}
