"""Runs a command beside a server of its own: `server.py COMMAND …`.

Starts $QANAT on free ports with a fresh store, sets PGHOST, PGPORT, PGUSER, PGDATABASE and REDIS_PORT, runs the command, then stops the
server as an operator would (TERM), checks that it ended well and that `qanat check` finds the store whole. The exit status is
the command's, or 1 if the server's end was not good.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE_SECONDS = 180


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, server):
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit(f"the server ended with status {server.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not listen")


def main():
    program = os.environ["QANAT"]
    folder = tempfile.mkdtemp(prefix="qanat-clients-")
    store = f"file:{folder}/data"
    postgres, redis = free_port(), free_port()
    speaks_redis = "Listen for Redis clients [default: 127" in subprocess.run(
        [program, "serve", "--help"], capture_output=True, text=True
    ).stdout
    redis_flag = f"127.0.0.1:{redis}" if speaks_redis else "off"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "QANAT_"))}
    server = subprocess.Popen(
        [program, "serve", "--store", store, "--postgres", f"127.0.0.1:{postgres}", "--redis", redis_flag],
        cwd=folder, env=clean,
    )
    status = 1
    try:
        wait_for(postgres, server)
        given = dict(clean, PGHOST="127.0.0.1", PGPORT=str(postgres), PGUSER="ann", PGDATABASE="main",
                     PGCONNECT_TIMEOUT="10", REDIS_PORT=str(redis))
        status = subprocess.run(sys.argv[1:], env=given, timeout=DEADLINE_SECONDS).returncode
        if server.poll() is not None:
            print(f"the server ended meanwhile with status {server.returncode}")
            status = 1
    except subprocess.TimeoutExpired:
        print(f"the client did not end within {DEADLINE_SECONDS} s")
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
            try:
                if server.wait(20) != 0:
                    print(f"the server ended with status {server.returncode}")
                    status = 1
            except subprocess.TimeoutExpired:
                print("the server did not stop")
                server.kill()
                status = 1
        checked = subprocess.run([program, "check", "--store", store], cwd=folder, env=clean, capture_output=True, text=True)
        if checked.returncode != 0:
            print(f"qanat check: status {checked.returncode}\n{checked.stdout}{checked.stderr}")
            status = 1
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(status)


main()
