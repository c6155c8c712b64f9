//! The program from outside: exit statuses, messages, signals, `check`.
//!
//! Each test starts the built binary in a folder of its own, on ports that the system gives, and
//! reads what it says of itself in its log.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_qanat");

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(words);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QANAT")) {
        command.env_remove(name);
    }
    command
}

/// Runs to the end: status, standard output, standard error.
fn run(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(folder, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    /// The line that says what is served.
    line: String,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended");
        }
        Self { child, log, line }
    }

    fn port(&self, name: &str) -> u16 {
        let start = self.line.find(&format!("{name}=127.0.0.1:")).expect("an address");
        let rest = &self.line[start + name.len() + 11..];
        rest.split(' ').next().unwrap().trim().parse().unwrap()
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a signal to a process that this test started and has not waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Ends it in an orderly way; answers the exit status and the rest of the log.
    fn stop(mut self) -> (i32, String) {
        self.signal(libc::SIGTERM);
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), rest)
    }
}

const ANYWHERE: [&str; 5] = ["serve", "--postgres", "127.0.0.1:0", "--redis", "127.0.0.1:0"];

/// A PostgreSQL session up to its first ReadyForQuery.
fn connect(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let body = b"\0\x03\0\0user\0ann\0\0";
    let length = (body.len() as u32 + 4).to_be_bytes();
    stream.write_all(&[&length[..], body].concat()).unwrap();
    until_ready(&mut stream);
    stream
}

/// Everything up to a ReadyForQuery outside a transaction.
fn until_ready(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(b"Z\0\0\0\x05I") {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

fn query(stream: &mut TcpStream, text: &str) {
    let length = (text.len() as u32 + 5).to_be_bytes();
    stream.write_all(&[b"Q", &length[..], text.as_bytes(), b"\0"].concat()).unwrap();
}

fn read_all(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn wrong_use_is_told_by_name_with_status_2() {
    let folder = tempfile::tempdir().unwrap();
    for (words, told) in [
        (&["serve", "--mysql", "127.0.0.1:3306"][..], "MySQL is unsupported"),
        (&["serve", "--mongo", "127.0.0.1:27017"], "MongoDB is unsupported"),
        (&["serve", "--web", "127.0.0.1:8080"], "web is unsupported"),
        (&["serve", "--postgres", "0.0.0.0:5432"], "no accounts yet"),
        (&["serve", "--store", "tikv://pd:2379/x"], "tikv: is not supported"),
        (&["serve", "--store", "nosuch:"], "is not a store address"),
        (&["serve", "--memory", "1MB"], "at least 64MB"),
        (&["serve", "--durability", "often"], "use sync, interval or none"),
        (&["serve", "--log-level", "some=nonsense"], "log-level"),
        (&["serve", "--config", "nosuch.toml"], "nosuch.toml"),
        (&["serve", "--nosuch"], "--nosuch"),
        (&["nosuch"], "nosuch"),
        (&["shell"], "`qanat shell` is unsupported"),
        (&["backup", "--to", "x"], "`qanat backup` is unsupported"),
        (&["check", "--store", "file:./nosuch"], "there is no such folder"),
        (&["check", "--store", "memory:"], "is not supported"),
    ] {
        let (status, _, error) = run(folder.path(), words);
        assert_eq!(status, 2, "{words:?}: {error}");
        assert!(error.contains(told), "{words:?}: {error}");
    }
    std::fs::write(folder.path().join("qanat.toml"), "postgress = 'off'\n").unwrap();
    let (status, _, error) = run(folder.path(), &[]);
    assert_eq!(status, 2);
    assert!(error.contains("qanat.toml") && error.contains("postgress"), "{error}");
}

#[test]
fn help_and_version() {
    let folder = tempfile::tempdir().unwrap();
    let (status, help, _) = run(folder.path(), &["--help"]);
    assert_eq!(status, 0);
    assert!(help.contains("serve") && help.contains("check") && help.contains("Examples"));
    let (status, help, _) = run(folder.path(), &["serve", "--help"]);
    assert_eq!(status, 0);
    for word in ["--store", "--durability", "QANAT_STORE", "qanat.toml", "127.0.0.1:5432"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(run(folder.path(), &["version"]).1.starts_with("qanat 0."));
}

#[test]
fn a_port_that_is_taken_is_named_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let flags = ["serve", "--redis", &address, "--postgres", "off"];
    let (status, _, error) = run(folder.path(), &flags);
    assert_eq!(status, 1);
    assert!(error.contains(&address) && error.contains("--redis"), "{error}");
    // Nothing was made meanwhile.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn data_outlives_a_stop_and_check_finds_damage() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(command(folder.path(), &ANYWHERE));
    let mut stream = connect(server.port("postgres"));
    query(&mut stream, "CREATE TABLE t (a int); INSERT INTO t VALUES (42)");
    let answer = until_ready(&mut stream);
    assert!(answer.contains("INSERT 0 1"), "{answer}");
    let busy = run(folder.path(), &["check"]);
    assert_eq!(busy.0, 2, "{busy:?}");
    assert!(busy.2.contains("has this store open"), "{busy:?}");
    let (status, log) = server.stop();
    assert_eq!(status, 0, "{log}");
    let farewell = read_all(stream);
    assert!(farewell.contains("C57P01"), "{farewell}");
    let (status, report, _) = run(folder.path(), &["check"]);
    assert_eq!(status, 0, "{report}");
    assert!(report.contains("FORMAT") && report.contains("the store is whole"), "{report}");

    // The environment says less than a flag and more than the file.
    std::fs::write(folder.path().join("qanat.toml"), "store = 'memory:'\nredis = 'off'\n").unwrap();
    let mut again = command(folder.path(), &["serve", "--postgres", "127.0.0.1:0"]);
    again.env("QANAT_STORE", "file:./qanat-data");
    let server = Server::start(again);
    assert!(server.line.contains("redis=off"), "{}", server.line);
    let mut stream = connect(server.port("postgres"));
    query(&mut stream, "SELECT a FROM t");
    assert!(until_ready(&mut stream).contains("42"));
    assert_eq!(server.stop().0, 0);

    let data = folder.path().join("qanat-data/FORMAT");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    let (status, report, _) = run(folder.path(), &["check", "--store", "file:./qanat-data"]);
    assert_eq!(status, 1, "{report}");
    assert!(report.contains("DAMAGED  FORMAT"), "{report}");
}

#[test]
fn idle_clients_of_redis_do_not_hold_the_stop_back() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [&ANYWHERE[..], &["--store", "memory:", "--log-format", "json"]].concat();
    let mut server = command(folder.path(), &flags);
    let mut child = server.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.starts_with('{') && line.contains("\"message\":\"serving\""), "{line}");
    let start = line.find("\"redis\":\"127.0.0.1:").unwrap() + 19;
    let port: u16 = line[start..].split('"').next().unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"SET a 1\r\n").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
    let server = Server { child, log, line };
    assert_eq!(server.stop().0, 0);
    assert_eq!(read_all(stream), "");
}

#[test]
fn connections_beyond_the_limit_are_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [&ANYWHERE[..], &["--store", "memory:", "--max-connections", "1"]].concat();
    let server = Server::start(command(folder.path(), &flags));
    let first = connect(server.port("postgres"));
    let mut second = TcpStream::connect(("127.0.0.1", server.port("postgres"))).unwrap();
    second.write_all(b"\0\0\0\x12\0\x03\0\0user\0ann\0\0").unwrap();
    assert!(read_all(second).contains("too many clients"));
    drop(first);
    assert_eq!(server.stop().0, 0);
}
