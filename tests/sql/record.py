#!/usr/bin/env python3
"""Records what PostgreSQL answers to the scripts of this folder.

A script is blocks of one statement each:

    [@session] statement
    ---
    answer

An answer is the rows (a line of column names, a line for each row with fields between bars, then the tag) or the command
tag, or `ERROR sqlstate: message` with the other fields below it. Without a name the session is `main`. A statement that does not
answer within 0.4 seconds is `(waiting)`; its answer stands as a further block `@session ...` where it came.

A line `# differs: reason` above a statement keeps the answer that stands there: it is ours and not the peer's, for that reason.

Usage: record.py [--check] SCRIPT...   starts a private server of its own in a temporary folder; needs psycopg.
"""
import os, pwd, re, select, subprocess, sys, tempfile, time
from psycopg import pq

BIN = os.environ.get("PGBIN", "/usr/lib/postgresql/15/bin")


def as_postgres():
    if os.getuid() == 0:
        entry = pwd.getpwnam("postgres")
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)


def start_server(folder):
    env = dict(os.environ, LC_ALL="C", TZ="UTC")

    def run(*words):
        subprocess.run(words, check=True, env=env, preexec_fn=as_postgres, stdout=subprocess.DEVNULL)

    run(f"{BIN}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8", "-N")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c timezone=UTC -c deadlock_timeout=20ms"
    run(f"{BIN}/pg_ctl", "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")


def stop_server(folder):
    words = [f"{BIN}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop"]
    subprocess.run(words, preexec_fn=as_postgres, stdout=subprocess.DEVNULL)


class Session:
    def __init__(self, folder, database):
        self.conn = pq.PGconn.connect(f"host={folder} user=postgres dbname={database}".encode())
        assert self.conn.status == pq.ConnStatus.OK, self.conn.error_message
        self.conn.notice_handler = self.notice
        self.notices = []
        self.waiting = False
        self.differs = False

    def notice(self, result):
        F = pq.DiagnosticField
        field = lambda f: (result.error_field(f) or b"").decode()
        self.notices.append(f"{field(F.SEVERITY)} {field(F.SQLSTATE)}: {field(F.MESSAGE_PRIMARY)}")

    def send(self, text):
        self.conn.send_query(text.encode())
        self.waiting = True

    def poll(self, seconds):
        """The answer, or None if there is none within so many seconds."""
        end = time.time() + seconds
        while True:
            self.conn.consume_input()
            if not self.conn.is_busy():
                lines = []
                while (result := self.conn.get_result()) is not None:
                    lines += shown(result)
                self.waiting = False
                notices, self.notices = self.notices, []
                return "\n".join(notices + lines)
            left = end - time.time()
            if left <= 0:
                return None
            select.select([self.conn.socket], [], [], left)


def cell(result, row, column):
    value = result.get_value(row, column)
    if value is None:
        return "NULL"
    if value == b"":
        return '""'
    return value.decode().replace("\\", "\\\\").replace("\n", "\\n").replace("|", "\\|")


def shown(result):
    status = pq.ExecStatus
    if result.status == status.TUPLES_OK:
        lines = ["|".join(result.fname(c).decode() for c in range(result.nfields)) or "(no columns)"]
        for row in range(result.ntuples):
            lines.append("|".join(cell(result, row, c) for c in range(result.nfields)) or "()")
        return lines + [f"({result.command_status.decode()})"]
    if result.status == status.FATAL_ERROR:
        F = pq.DiagnosticField
        field = lambda f: (result.error_field(f) or b"").decode()
        lines = [f"ERROR {field(F.SQLSTATE)}: {field(F.MESSAGE_PRIMARY)}"]
        for name, f in (
            ("DETAIL", F.MESSAGE_DETAIL),
            ("POSITION", F.STATEMENT_POSITION),
            ("CONSTRAINT", F.CONSTRAINT_NAME),
            ("COLUMN", F.COLUMN_NAME),
            ("TABLE", F.TABLE_NAME),
        ):
            if field(f):
                lines.append(f"{name}: {field(f)}")
        return lines
    return [result.command_status.decode() or "(empty)"]


def blocks(text):
    """Statements with the answers that stand below them."""
    for part in re.split(r"\n\n+", text.strip("\n")):
        statement, _, answer = part.partition("\n---")
        yield statement, answer.strip("\n")


def record(text, folder, database):
    sessions, out = {}, []

    def late(seconds=0.15):
        for name, session in sessions.items():
            if session.waiting and (answer := session.poll(seconds)) is not None:
                came(name, session, answer)

    def came(name, session, answer):
        if not session.differs:
            out.append(f"@{name} ...\n---\n{answer}".rstrip("\n"))

    for statement, kept in blocks(text):
        lines = statement.split("\n")
        if all(line.startswith("#") or not line for line in lines):
            out.append(statement)
            continue
        if match := re.search(r"^(@\w+) \.\.\.$", statement, re.M):
            if statement.startswith("# differs:"):
                # The peer's late answer has just been written down: ours instead.
                at = max(n for n, block in enumerate(out) if block.startswith(match.group(0) + "\n"))
                out[at] = f"{statement}\n---\n{kept}"
            continue
        body = "\n".join(line for line in lines if not line.startswith("#"))
        match = re.match(r"@(\w+) ", body)
        name, sql = (match.group(1), body[match.end():]) if match else ("main", body)
        if name not in sessions:
            sessions[name] = Session(folder, database)
        session = sessions[name]
        if session.waiting and (answer := session.poll(5)) is not None:
            came(name, session, answer)
        session.differs = False
        session.send(sql)
        answer = session.poll(0.4)
        if answer is None:
            answer = "(waiting)"
        if any(line.startswith("# differs:") for line in lines):
            # Where ours does not wait, there is no late answer either.
            session.differs = kept != "(waiting)"
            answer = kept
        out.append(f"{statement}\n---\n{answer}".rstrip("\n"))
        late()
    late(1)
    return "\n\n".join(out) + "\n"


def main():
    check = "--check" in sys.argv
    failed = False
    with tempfile.TemporaryDirectory(prefix="qanat-record-") as folder:
        os.chmod(folder, 0o777)
        start_server(folder)
        try:
            for number, path in enumerate(a for a in sys.argv[1:] if not a.startswith("--")):
                admin = Session(folder, "postgres")
                database = f"script_{number}"
                admin.send(f"CREATE DATABASE {database}")
                admin.poll(30)
                old = open(path).read()
                new = record(old, folder, database)
                if new != old and check:
                    print(f"{path}: differs")
                    failed = True
                elif new != old:
                    open(path, "w").write(new)
                    print(f"{path}: recorded")
        finally:
            stop_server(folder)
    sys.exit(1 if failed else 0)


main()
