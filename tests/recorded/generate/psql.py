"""psql's own queries: its meta commands with -X, and its tab completion through a terminal."""
import os, pty, select, subprocess, sys, time

META = r"""
\conninfo
\l
\l+
\l post*
\d
\d+
\d account
\d+ account
\d shop.orders
\d+ shop.orders
\d plain
\d account_made
\d+ account_active
\d account_id_seq
\d+ counter
\d shop.*
\d acc*
\d pg_class
\dt
\dt+
\dt acc*
\dt shop.*
\dt *.*
\di
\di+
\ds
\ds+
\dv
\dv+
\dm
\dE
\dn
\dn+
\du
\du+
\dg
\df
\df+
\df lower
\da
\dT
\dT+
\dT int4
\do
\do +
\dC
\dC+
\dp
\z
\ddp
\db
\db+
\dD
\dD+
\dc
\dO
\dd
\dL
\dA
\dA+
\dAc
\dAf
\dAo
\dAp
\dx
\dx+
\dy
\dew
\des
\det
\deu
\dF
\dFd
\dFp
\dFt
\dP
\drds
\dRp
\dRs
\dX
\dconfig
\dconfig work_mem
\dl
\sf lower
\ef lower
\encoding
\password
\gdesc
SELECT id, email, balance FROM account \gdesc
\watch
"""

def main(socket):
    env = dict(os.environ, PGHOST=socket, PGPORT="5555", PGUSER="postgres", PAGER="cat", EDITOR="true",
               PGDATABASE="postgres", TERM="xterm", PSQLRC="/dev/null")
    skip = {r"\password", r"\watch", r"\ef lower"}
    lines = [line for line in META.strip().splitlines() if line not in skip]
    subprocess.run(["psql", "-X"], input="\n".join(lines) + "\n", text=True, env=env,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["psql", "-X", "-l"], env=env, stdout=subprocess.DEVNULL, check=False)
    tabs(env)

PREFIXES = [
    r"\d ", r"\d acc", r"\dt ", r"\di ", r"\ds ", r"\dv ", r"\dn ", r"\df ", r"\dT ", r"\du ", r"\c ", r"\db ",
    "SELECT * FROM ", "SELECT * FROM acc", "SELECT * FROM shop.", "INSERT INTO ", "UPDATE ", "UPDATE account SET ",
    "DELETE FROM ", "DROP TABLE ", "DROP INDEX ", "DROP SEQUENCE ", "DROP SCHEMA ", "DROP DATABASE ", "DROP TYPE ",
    "ALTER TABLE ", "ALTER TABLE account DROP COLUMN ", "ALTER TABLE account DROP CONSTRAINT ",
    "ALTER TABLE account RENAME COLUMN ", "ALTER TABLE account ADD COLUMN x ", "ALTER INDEX ", "ALTER SEQUENCE ",
    "CREATE INDEX i ON ", "CREATE INDEX i ON account (", "CREATE TABLE t (x ", "TRUNCATE ", "LOCK ", "COPY ",
    "VACUUM ", "ANALYZE ", "SET ", "SET work", "SET search_path TO ", "SET TimeZone TO ", "SHOW ", "RESET ",
    "GRANT SELECT ON ", "GRANT SELECT ON account TO ", "COMMENT ON TABLE ", "EXPLAIN SELECT * FROM ", "EXECUTE ",
    "DEALLOCATE ", "FETCH FROM ", "CLOSE ", "SELECT * FROM account WHERE ", "SELECT lower", "CALL ", "REINDEX TABLE ",
    "REINDEX INDEX ", "CLUSTER ", "LISTEN ", "ALTER DATABASE ", "ALTER ROLE ", "DROP FUNCTION ", "DROP VIEW ",
]

def tabs(env):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe("psql", ["psql", "-X"], env)
    def drain(seconds):
        end = time.time() + seconds
        while time.time() < end and select.select([fd], [], [], seconds)[0]:
            try:
                os.read(fd, 65536)
            except OSError:
                return
    drain(1)
    for prefix in PREFIXES:
        os.write(fd, prefix.encode())
        drain(0.05)
        os.write(fd, b"\t")
        drain(0.05)
        os.write(fd, b"\t")
        drain(0.15)
        os.write(fd, b"n\x15\x03")
        drain(0.1)
    os.write(fd, b"\x15\\q\n")
    drain(0.5)
    os.close(fd)
    os.waitpid(pid, 0)

main(sys.argv[1])
