"""What the Python scripts share: each check prints a line; a script that met a difference ends with status 1."""

import atexit
import os
import sys
import traceback

failures = []


@atexit.register
def end():
    if failures:
        print(f"{len(failures)} differences: {', '.join(failures)}")
        sys.stdout.flush()
        os._exit(1)


def failed(what, text):
    failures.append(what)
    print(f"FAILED {what}: {text}")


def same(what, got, wanted):
    if got == wanted:
        print(f"ok {what}")
    else:
        failed(what, f"\n  got    {got!r}\n  wanted {wanted!r}")


def true(what, got):
    same(what, bool(got), True)


def fails(what, kind, call, **attributes):
    """The call raises an error of this class with these attributes (`sqlstate="23505"`)."""
    try:
        got = call()
    except kind as error:
        print(f"ok {what}: {kind.__name__}")
        for name, wanted in attributes.items():
            same(f"{what}: {name}", attribute(error, name), wanted)
    except Exception:
        failed(what, f"not a {kind.__name__} but {traceback.format_exc()}")
    else:
        failed(what, f"no error but {got!r}")


def attribute(error, path):
    for name in path.split("__"):
        error = getattr(error, name)
    return error
