#!/usr/bin/env python3
"""Records the golden files from a PostgreSQL 15 server.

    golden.py SOCKET_FOLDER USER

Each line of tests/golden/*.txt is one call: name, arguments as type:text, and what PostgreSQL answers, separated by tabs.
Values are escaped as COPY escapes them; \\N is NULL. `= text` is a result, `! SQLSTATE message` an error.
A file's first line may set the time zone. The seeds are fixed: the same server writes the same files.
"""
import itertools, os, random, subprocess, sys

SOCKET, USER = sys.argv[1], sys.argv[2]
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "golden")
CASES = {}

SETUP = r"""
set client_min_messages = error;
set timezone = '%s';
create temp table calls(n int primary key, e text);
create function pg_temp.run(e text) returns text language plpgsql as $$
declare r text;
begin
  execute 'select case when v is null then null else format(''%%s'', v) end from (select (' || e || ') as v offset 0) s' into r;
  return coalesce('=' || r, '=\N');
exception when others then return '!' || sqlstate || ' ' || sqlerrm;
end $$;
"""

def esc(s):
    return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")

def lit(ty, text):
    if text is None:
        return f"null::{ty}"
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'::" + ty

def is_op(name):
    return not any(c.isalnum() or c == "_" for c in name)

def sql(name, args):
    vals = [lit(t, v) for t, v in args]
    if name.startswith("::"):
        return f"({vals[0]})::{name[2:]}"
    if name.startswith("agg:"):
        fn, cast = name[4:], args[0][0][1:]
        tail = ", " + vals[1] if len(vals) > 1 else ""
        return f"(select {fn}(x{tail}) from unnest({vals[0]}) with ordinality as u(x, n))"
    if name == "input":
        return vals[0]
    if name == "extract":
        return f"extract({args[0][1]} from {vals[1]})"
    if name == "position":
        return f"position({vals[1]} in {vals[0]})" if False else f"pg_catalog.position({vals[0]}, {vals[1]})"
    if name == "overlaps":
        return f"({vals[0]}, {vals[1]}) overlaps ({vals[2]}, {vals[3]})"
    if is_op(name):
        return f"({vals[0]} {name} {vals[1]})" if len(vals) == 2 else f"({name} {vals[0]})"
    return f"{name}({', '.join(vals)})"

def add(topic, name, *args, zone="UTC"):
    CASES.setdefault((topic, zone), {})[(name, tuple(args))] = None

def psql(script):
    p = subprocess.run(["psql", "-h", SOCKET, "-U", USER, "-d", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1"],
                       input=script, capture_output=True, text=True)
    if p.returncode:
        sys.exit(p.stderr)
    return p.stdout

def record():
    for (topic, zone), cases in CASES.items():
        keys = list(cases)
        rows = "".join(f"{i}\t{esc(sql(*k))}\n" for i, k in enumerate(keys))
        script = SETUP % zone + "copy calls from stdin;\n" + rows + "\\.\n"
        script += "copy (select n, pg_temp.run(e) from calls order by n) to stdout;\n"
        answers = [line.split("\t", 1)[1] for line in psql(script).splitlines()]
        with open(os.path.join(OUT, topic + ".txt"), "w") as f:
            if zone != "UTC":
                f.write(f"# zone {zone}\n")
            for (name, args), answer in zip(keys, answers):
                answer = answer.replace("=\\\\N", "=\\N")
                cols = [name] + [f"{t}:" + ("\\N" if v is None else esc(v)) for t, v in args] + [answer]
                f.write("\t".join(cols) + "\n")

R = random.Random(15)

INT = {"int2": ["0", "1", "-1", "7", "32767", "-32768"],
       "int4": ["0", "1", "-1", "3", "1000000", "2147483647", "-2147483648"],
       "int8": ["0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808"]}
FLOATS = ["0", "-0", "1", "-1.5", "0.1", "1e15", "1e-5", "123456789.125", "1e308", "1e-308", "Infinity", "-Infinity", "NaN", "2.5", "3.5"]

def integers():
    t = "integers"
    for a, b in itertools.product(INT, INT):
        for op in ["+", "-", "*", "/", "=", "<>", "<", "<=", ">", ">="]:
            for x, y in itertools.product(INT[a], INT[b]):
                add(t, op, (a, x), (b, y))
    for a in INT:
        for x in INT[a] + [None]:
            for op in ["-", "+", "@", "~", "abs"]:
                add(t, op, (a, x))
            for y in INT[a]:
                for op in ["%", "mod", "&", "|", "#"]:
                    add(t, op, (a, x), (a, y))
                if a != "int2":
                    add(t, "gcd", (a, x), (a, y)); add(t, "lcm", (a, x), (a, y))
            for y in ["0", "1", "5", "31", "33", "64", "-1"]:
                add(t, "<<", (a, x), ("int4", y)); add(t, ">>", (a, x), ("int4", y))
    for x in ["0", "1", "5", "20", "33", "-1", "100"]:
        add(t, "factorial", ("int8", x))
    for x in INT["int4"]: add(t, "to_hex", ("int4", x))
    for x in INT["int8"]: add(t, "to_hex", ("int8", x))
    for x in ["0", "10239", "10240", "10241", "-10240", "20971519", "10485760", "123456789012", "9223372036854775807", "-1", "1073741824000"]:
        add(t, "pg_size_pretty", ("int8", x))

def floats():
    t = "floats"
    f4 = ["0", "1", "-1.5", "0.1", "1e38", "1e-38", "Infinity", "NaN", "3.4028235e38", "16777217"]
    for a, b, xs, ys in [("float8", "float8", FLOATS, FLOATS), ("float4", "float4", f4, f4), ("float4", "float8", f4, FLOATS), ("float8", "float4", FLOATS, f4)]:
        for op in ["+", "-", "*", "/", "=", "<", ">=", "<>"]:
            for x, y in itertools.product(xs, ys): add(t, op, (a, x), (b, y))
    for x, y in itertools.product(FLOATS + ["0.5", "3", "-2", "-8", "1000"], FLOATS + ["0.5", "3", "-2"]):
        add(t, "^", ("float8", x), ("float8", y)); add(t, "atan2", ("float8", x), ("float8", y))
    for fn in "abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 degrees radians sin cos tan cot asin acos atan sinh cosh tanh asinh acosh atanh sind cosd tand cotd".split():
        for x in FLOATS + ["0.5", "-0.5", "0.25", "30", "45", "60", "90", "180", "-90", "27", "100", "710", "-746", "720.5"]:
            add(t, fn, ("float8", x))
    for op in ["|/", "||/", "-", "@"]:
        for x in FLOATS: add(t, op, ("float8", x))
    for x in ["5.35", "0", "10", "-3", "NaN", "2", "11"]:
        for lo, hi in [("0", "10"), ("10", "0"), ("0.024", "10.06"), ("1", "1"), ("0", "Infinity")]:
            for n in ["5", "0", "-1"]:
                add(t, "width_bucket", ("float8", x), ("float8", lo), ("float8", hi), ("int4", n))
                add(t, "width_bucket", ("numeric", x), ("numeric", lo), ("numeric", hi), ("int4", n))

def num(digits=20, neg=True):
    whole = "".join(R.choice("0123456789") for _ in range(R.randint(0, digits))).lstrip("0") or "0"
    frac = "".join(R.choice("0123456789") for _ in range(R.randint(0, digits)))
    s = whole + ("." + frac if frac and R.random() < .8 else "")
    return ("-" if neg and R.random() < .4 else "") + s

NUMS = ["0", "0.0", "1", "-1", "0.5", "-0.5", "1.5", "2.5", "-2.5", "10", "100", "99.99", "0.001", "1e10", "1e-10", "12345678901234567890.123456789",
        "NaN", "Infinity", "-Infinity", "0.00000000000000000001", "99999999999999999999999999999999999999999", "3", "7", "2"]

def numerics():
    t = "numerics"
    for x, y in itertools.product(NUMS, NUMS):
        for op in ["+", "-", "*", "/", "%", "=", "<", ">=", "<>"]: add(t, op, ("numeric", x), ("numeric", y))
        for fn in ["div", "gcd", "lcm"]: add(t, fn, ("numeric", x), ("numeric", y))
    for _ in range(700):
        x, y = num(R.choice([4, 10, 25])), num(R.choice([4, 10, 25]))
        for op in ["+", "-", "*", "/", "%"]: add(t, op, ("numeric", x), ("numeric", y))
    for x in NUMS + [num(12) for _ in range(60)]:
        for fn in "abs ceil floor round trunc sign sqrt trim_scale scale min_scale".split(): add(t, fn, ("numeric", x))
        add(t, "-", ("numeric", x))
        for n in ["0", "1", "2", "-1", "-2", "5", "30"]:
            add(t, "round", ("numeric", x), ("int4", n)); add(t, "trunc", ("numeric", x), ("int4", n))
    for _ in range(150):
        x = num(R.choice([2, 6, 15]), neg=False)
        for fn in ["sqrt", "ln", "log", "log10"]: add(t, fn, ("numeric", x))
        add(t, "exp", ("numeric", num(R.choice([1, 2]))))
        add(t, "log", ("numeric", num(3, neg=False)), ("numeric", x))
        add(t, "^", ("numeric", num(3, neg=False)), ("numeric", num(1)))
        add(t, "power", ("numeric", num(2)), ("numeric", str(R.randint(-20, 20))))
    for x in NUMS:
        for fn in ["ln", "log", "exp"]:
            if x not in ("99999999999999999999999999999999999999999",): add(t, fn, ("numeric", x))
        for y in ["0", "1", "-1", "2", "0.5", "-0.5", "NaN", "Infinity", "-Infinity", "3", "100"]:
            add(t, "^", ("numeric", x), ("numeric", y))

VALUES = {
    "bool": ["t", "f"],
    "int2": INT["int2"], "int4": INT["int4"] + ["65", "70000"], "int8": INT["int8"] + ["3000000000"],
    "float4": ["0", "1.5", "2.5", "-2.5", "0.1", "1e20", "NaN", "Infinity", "123456.789", "1e-10", "32767.5"],
    "float8": FLOATS + ["2147483647.5", "9223372036854775807", "0.3333333333333333", "1e39", "1e-50", "32767.4"],
    "numeric": NUMS + ["32767.5", "2147483647.4", "2147483647.5", "9223372036854775807.5", "1e39", "1e400", "1e-400"],
    "text": ["", "a", "hello world", "12", " 12 ", "t", "1.5", "2024-02-29", "{1,2}", "{}", "tRuE"],
    "varchar": ["abc  ", "12"], "bpchar": ["abc  ", "x"], "name": ["abc"],
    "date": ["2024-02-29", "1999-12-31", "infinity", "-infinity", "0044-03-15 BC", "1970-01-01"],
    "time": ["00:00:00", "23:59:59.999999", "12:34:56.5", "24:00:00"],
    "timestamp": ["2024-02-29 12:34:56.789", "1970-01-01 00:00:00", "infinity", "-infinity", "2024-07-01 00:00:00", "0044-03-15 10:00:00 BC", "2024-03-31 02:30:00", "2024-10-27 02:30:00"],
    "timestamptz": ["2024-02-29 12:34:56.789+00", "2024-07-01 00:00:00+02", "infinity", "2024-03-31 01:00:00+00", "2024-10-27 00:30:00+00", "2024-10-27 01:30:00+00"],
    "interval": ["1 year 2 mons 3 days 04:05:06.789", "-1 days +02:03:04", "0", "26:30:00", "-00:00:01", "100 years", "1.5 months", "-14 mons"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "bytea": ["\\x", "\\xdeadbeef", "abc"],
    "jsonb": ["1", "1.5", "\"a\"", "true", "null", "[1, 2]", "{\"a\": 1}", "1e3", "99999999999", "-0"],
    "json": ["1", "\"a\"", "[1, 2]"],
    "oid": ["0", "23", "4294967295"],
    "_int4": ["{}", "{1,2,NULL}", "{{1,2},{3,4}}"], "_text": ["{}", "{a,\"b c\",NULL,\"NULL\",\"\"}", "{1,2}"],
    "_float8": ["{1.5,2.5}"], "_numeric": ["{1.5,2.5}"], "_bool": ["{t,f}"], "_date": ["{2024-02-29}"],
    "\"char\"": ["a", ""],
}
TARGETS = list(VALUES) + ["varchar(3)", "char(4)", "numeric(5,2)", "numeric(3,-1)", "numeric(2,3)", "timestamp(0)", "timestamptz(1)", "time(0)", "interval(0)", "regtype"]

def casts(zone):
    t = "casts" if zone == "UTC" else "casts_zone"
    for frm, vals in VALUES.items():
        for to in TARGETS:
            if zone != "UTC" and not any(k in frm + to for k in ("date", "time")): continue
            if to in ("json", "_int4", "_text") and frm == "json": continue
            for v in vals: add(t, "::" + to, (frm, v), zone=zone)

INPUTS = {
    "bool": ["true", "T", "yes", "y", "on", "off", "of", "o", "0", "1", "2", " t ", "", "tru", "falsey"],
    "int2": ["32768", "-32769", "1.0", "", " 5 ", "+5", "5 5", "0x10", "--1", "1e3"],
    "int4": ["2147483648", "a", "", "  -7", "99999999999999999999999"], "int8": ["9223372036854775808", "abc", "1_000"],
    "float8": ["1e400", "1e-400", "abc", "", " 1.5 ", "inf", "-INFINITY", "nan", "1.", ".5", "1e", "0x1p3"],
    "float4": ["1e39", "1e-46", "x"],
    "numeric": ["", "abc", "1e", "1.2.3", " 1.50 ", "+1", "-.5", "1e5", "1e-5", "nan", "inf", "-Infinity", "1 2", "0.000", "-0"],
    "uuid": ["a0eebc999c0b4ef8bb6d6bb9bd380a11", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "xyz", "a0eebc99", "a0eebc99-9c0b4ef8-bb6d-6bb9bd380a11"],
    "bytea": ["\\x0", "\\xzz", "\\x de ad", "a\\\\b", "a\\101b", "a\\9", "\\"],
    "date": ["2024-02-30", "2024-13-01", "today1", "January 8, 1999", "1999-01-08", "1/8/1999", "1/18/1999", "01/02/03", "1999-Jan-08", "Jan-08-1999", "08-Jan-1999",
             "19990108", "990108", "J2451187", "January 8, 99 BC", "8 January 1999", "Mon Jan 8 1999", "epoch", "infinity", "5874898-01-01", "4714-01-01 BC", "", "abc", "2024-1-5", "2024/01/05", "12/25", "0000-01-01"],
    "time": ["04:05:06.789", "04:05", "040506", "04:05 AM", "04:05 PM", "25:00", "24:00:01", "04:05:06.789-8", "12:60", "23:59:60", "abc", "allballs", "1:2:3"],
    "timestamp": ["2024-01-01", "2024-01-01T10:11:12", "2024-01-01 10:11:12.1234567", "Jan 5 2024 3:04 PM", "2024-01-01 24:00:00", "2024-02-30 00:00", "2024-01-01 10:00:00+05", "2024-01-01 10:00:00 Europe/Berlin",
                  "20240101T101112", "epoch", "abc", "", "294277-01-01", "2024-01-01 25:00:00", "2024-01-01 10", "Thu Jan 04 10:11:12 2024"],
    "timestamptz": ["2024-01-01 10:00:00+05", "2024-01-01 10:00:00-03:30", "2024-01-01 10:00:00 UTC", "2024-01-01 10:00:00 America/New_York", "2024-07-01 10:00:00 Europe/Berlin", "2024-01-01 10:00:00 PST",
                    "2024-01-01 10:00:00 Nowhere/City", "2024-01-01 10:00:00Z", "2024-01-01 10:00 EST", "2024-01-01 10:00:00+99", "2024-01-01 10:00:00 xyz"],
    "interval": ["1 year", "1-2", "1 day 2:03:04", "P1Y2M3DT4H5M6S", "P0001-02-03T04:05:06", "1.5 days", "1 week", "2 weeks ago", "@ 1 minute", "abc", "", "1 fortnight", "-1 year -2 mons +3 days -04:05:06", "1 decade", "1 century", "1 millennium", "5", "1:30", "1 hour 30 minutes", "0.5 year", "1 mon 1 mon", "3 d 4 h 5 m 6 s", "99999999999 years", "1 ms", "1 us", "infinity"],
    "json": ["{", "{\"a\":}", "[1,2", "abc", "", "{\"a\":1}x", "\"\\u0000\"", "01", "{a:1}", "[1,]", "nul"],
    "_int4": ["{1,2", "1,2", "{1,a}", "{{1,2},{3}}", "{1,2}}", "{}", "{ 1 , 2 }", "{1,,2}", "{NULL,null}", "[1:2]={1,2}", "{{}}", "{{1},{2}}", "{1,}", "", "{{1,2},3}"],
    "_text": ["{a,b}", "{\"a\\\"b\",\"c,d\"}", "{a b, c }", "{NULL,\"NULL\",nUlL}", "{\"\"}", "{a\\,b}", "{\"a\"b}", "{a\"b\"}"],
    "oid": ["-1", "4294967296", "abc"], "regtype": ["int4", "integer", "character varying", "timestamp with time zone", "nosuch", "int4[]", "23", "-"],
    "\"char\"": ["abc", ""], "name": ["x" * 70],
    "varchar(3)": ["abcd", "abc ", "abc  x"], "char(3)": ["abcd", "ab", "abc   "], "numeric(4,2)": ["99.994", "99.995", "-99.999", "NaN", "Infinity"],
}

def inputs():
    for ty, vals in INPUTS.items():
        for v in vals: add("inputs", "input", (ty, v))

WORDS = ["", "a", "abc", "Hello World", "  trim me  ", "xxabcxx", "äöü ß €", "a,b,,c", "日本語", "tab\there", "A'b\"c", "foo_bar%baz", "aaa"]

def texts():
    t = "texts"
    for x in WORDS + [None]:
        a = ("text", x)
        for fn in "length char_length octet_length bit_length lower upper initcap btrim ltrim rtrim reverse ascii md5 quote_ident quote_literal quote_nullable".split(): add(t, fn, a)
        for y in ["", "a", "x", "ab", " ", "abc", "b,", "é"]:
            b = ("text", y)
            for fn in "btrim ltrim rtrim strpos position starts_with concat string_to_array".split(): add(t, fn, a, b)
            for op in ["||", "=", "<", ">", "^@"]: add(t, op, a, b)
            add(t, "replace", a, b, ("text", "ZZ")); add(t, "translate", a, b, ("text", "12"))
            for n in ["1", "2", "-1", "-2", "0", "9"]: add(t, "split_part", a, b, ("int4", n))
        for n in ["0", "1", "3", "-1", "-2", "20"]:
            i = ("int4", n)
            for fn in "left right repeat lpad rpad substring substr".split(): add(t, fn, a, i)
            add(t, "lpad", a, i, ("text", "xy")); add(t, "rpad", a, i, ("text", "xy")); add(t, "lpad", a, i, ("text", ""))
            for m in ["0", "1", "2", "-1", "100"]:
                add(t, "substring", a, i, ("int4", m)); add(t, "overlay", a, ("text", "ZZ"), i, ("int4", m))
    for n in ["0", "65", "8364", "128512", "-1", "1114112", "55296"]: add(t, "chr", ("int4", n))
    fmts = ["%s", "%I", "%L", "%%", "%5s|", "%-5s|", "%2$s %1$s", "%s %s %s %s", "%", "%z", "%*s", "%0$s", "a%sb%sc"]
    for f in fmts: add(t, "format", ("text", f), ("text", "it's"), ("text", "b c"), ("int4", "7"))
    add(t, "format", ("text", "%I"), ("text", None)); add(t, "format", ("text", "%L|%s"), ("text", None), ("int4", None))
    add(t, "concat_ws", ("text", ","), ("text", "a"), ("text", None), ("int4", "3"), ("bool", "t")); add(t, "concat_ws", ("text", None), ("text", "a"))
    add(t, "concat", ("text", "a"), ("text", None), ("float8", "1.5"), ("date", "2024-01-01"))
    for e in ["hex", "base64", "escape", "foo"]:
        for v in ["\\x", "\\x00ff10", "\\x" + "ab" * 60, "abc\\\\d"]: add(t, "encode", ("bytea", v), ("text", e))
        for v in ["", "00ff", "0g", "abc", "YWJj", "YWI=", "YQ==", "Y", "a\\\\b", "a\\000", "=YWJ", "YWJj\nYWJj"]: add(t, "decode", ("text", v), ("text", e))
    for v in ["\\x", "\\x616263"]:
        for fn in ["md5", "sha224", "sha256", "sha384", "sha512", "length", "octet_length"]: add(t, fn, ("bytea", v))
        for n in ["0", "1", "2", "5", "-1"]:
            add(t, "get_byte", ("bytea", v), ("int4", n)); add(t, "substring", ("bytea", v), ("int4", n)); add(t, "substring", ("bytea", v), ("int4", n), ("int4", "2"))
            add(t, "get_bit", ("bytea", v), ("int8", n)); add(t, "set_byte", ("bytea", v), ("int4", n), ("int4", "300"))
        add(t, "||", ("bytea", v), ("bytea", "\\xff"))
    for v in ["{1,NULL,3}", "{}", "{{1,2},{3,4}}"]:
        add(t, "array_to_string", ("_int4", v), ("text", ",")); add(t, "array_to_string", ("_int4", v), ("text", ","), ("text", "*"))
    for x in ["int4", "bool", "numeric", "date", "float8"]:
        for v in VALUES[x][:2]: add(t, "||", ("text", "x"), (x, v)); add(t, "||", (x, v), ("text", "x"))
    add(t, "string_to_array", ("text", "abc"), ("text", None)); add(t, "string_to_array", ("text", "a,,b"), ("text", ","), ("text", ""))
    for v in ["\\0041", "\\+01F600", "d\\0061t\\+000061", "\\u0041\\\\", "\\zz"]: add(t, "unistr", ("text", v))

def likes():
    t = "likes"
    def w(alpha, n): return "".join(R.choice(alpha) for _ in range(R.randint(0, n)))
    for _ in range(1500):
        add(t, R.choice(["~~", "!~~", "~~*"]), ("text", w("abAB_%é", 6)), ("text", w("abA%_%_é\\", 5)))
    for p, e in [("a#%", "#"), ("a\\%", "#"), ("a%", ""), ("##", "#"), ("abc", "ab"), ("\\\\", "\\"), ("a\\b", "")]: add(t, "like_escape", ("text", p), ("text", e))
    for x in ["abc", "ABC123", "foo.bar", "line1\nline2", "", "aaa", "x=1;y=2", "日本"]:
        for p in ["a", "^a", "c$", "[0-9]+", "[[:alpha:]]+", "^[^b]*$", "a{2}", "a{2,}", "(a)(b)?", "\\d", "\\mfoo\\M", "\\yline", "foo\\.bar", "a|b", "(?i)abc", "***=a", ".", "^line2$", "(?n)^line2$", "x=(\\d+)", "", "(", "[a", "a**", "*a", "a{2,1}", "(?=a)", "\\1", "[[:foo:]]", "[a-]", "[]a]", "[^]a]", "a{,2}", "\\w+\\s*", "[\\d]", "\\x41", "b*"]:
            for op in ["~", "~*", "!~"]: add(t, op, ("text", x), ("text", p))
            add(t, "substring", ("text", x), ("text", p)); add(t, "regexp_match", ("text", x), ("text", p))
            add(t, "regexp_replace", ("text", x), ("text", p), ("text", "<\\&>")); add(t, "regexp_replace", ("text", x), ("text", p), ("text", "[\\1]"), ("text", "g"))
            add(t, "regexp_split_to_array", ("text", x), ("text", p)); add(t, "regexp_count", ("text", x), ("text", p))
            add(t, "regexp_instr", ("text", x), ("text", p)); add(t, "regexp_substr", ("text", x), ("text", p), ("int4", "1"), ("int4", "2")); add(t, "regexp_like", ("text", x), ("text", p), ("text", "i"))
    add(t, "regexp_replace", ("text", "abcabc"), ("text", "b"), ("text", "X"), ("int4", "3"), ("int4", "1")); add(t, "regexp_match", ("text", "a"), ("text", "a"), ("text", "gz")); add(t, "regexp_match", ("text", "a"), ("text", "a"), ("text", "g"))
    for p in ["a%", "_b", "(a|b)*", "a+", "a.c", "[ab]c", "%\"b\"%", "a\\%"]: add(t, "similar_to_escape", ("text", p))

def ts(lo=1, hi=3000):
    return "%04d-%02d-%02d %02d:%02d:%02d.%06d" % (R.randint(lo, hi), R.randint(1, 12), R.randint(1, 28), R.randint(0, 23), R.randint(0, 59), R.randint(0, 59), R.choice([0, R.randint(0, 999999)]))

def iv():
    return "%d years %d mons %d days %d:%02d:%02d.%06d" % (R.randint(-50, 50), R.randint(-20, 20), R.randint(-60, 60), R.randint(0, 60), R.randint(0, 59), R.randint(0, 59), R.choice([0, R.randint(0, 999999)]))

FIELDS = "microseconds milliseconds second minute hour day week month quarter year decade century millennium isoyear dow isodow doy epoch julian timezone timezone_hour timezone_minute".split()

def dates(zone):
    t = "dates" if zone == "UTC" else "dates_" + zone.split("/")[1].lower()
    z = dict(zone=zone)
    for _ in range(250):
        a, b, i, j = ts(), ts(), iv(), iv()
        for ty in ["timestamp", "timestamptz"]:
            add(t, "+", (ty, a), ("interval", i), **z); add(t, "-", (ty, a), ("interval", i), **z); add(t, "-", (ty, a), (ty, b), **z)
            add(t, "age", (ty, a), (ty, b), **z); add(t, "<", (ty, a), (ty, b), **z)
        add(t, "timezone", ("text", R.choice(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "EST", "+03"])), ("timestamp", a), **z)
        add(t, "timezone", ("text", R.choice(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])), ("timestamptz", ts(1900, 2100)), **z)
        add(t, "date_trunc", ("text", R.choice(FIELDS[:13])), ("timestamptz", ts(1900, 2100)), **z)
        add(t, "=", ("date", a[:10]), ("timestamptz", a[:10]), **z); add(t, "<", ("timestamp", a), ("timestamptz", b), **z)
        if zone != "UTC": continue
        add(t, "+", ("interval", i), ("interval", j)); add(t, "-", ("interval", i), ("interval", j)); add(t, "=", ("interval", i), ("interval", j))
        add(t, "*", ("interval", i), ("float8", str(R.choice([0.5, 1.5, -2, 3.7, 0.1, 100])))); add(t, "/", ("interval", i), ("float8", str(R.choice([0.5, 1.5, -2, 3, 7, 0]))))
        for fn in ["justify_hours", "justify_days", "justify_interval"]: add(t, fn, ("interval", i))
        add(t, "+", ("date", a[:10]), ("int4", str(R.randint(-100000, 100000)))); add(t, "-", ("date", a[:10]), ("date", b[:10])); add(t, "+", ("date", a[:10]), ("interval", i))
        add(t, "+", ("time", a[11:]), ("interval", i)); add(t, "-", ("time", a[11:]), ("time", b[11:])); add(t, "+", ("date", a[:10]), ("time", b[11:]))
        add(t, "date_trunc", ("text", R.choice(FIELDS[:13])), ("timestamp", a)); add(t, "date_trunc", ("text", R.choice(FIELDS[:13])), ("interval", i))
        add(t, "date_bin", ("interval", R.choice(["15 minutes", "1 day", "1 week", "7 hours", "1 month", "0"])), ("timestamp", a), ("timestamp", "2001-01-01"))
        add(t, "overlaps", ("timestamp", a), ("timestamp", b), ("timestamp", ts()), ("interval", i))
    for f in FIELDS + ["foo", "hours", "y"]:
        for ty in ["date", "time", "timestamp", "timestamptz", "interval"]:
            for v in VALUES[ty]: add(t, "date_part", ("text", f), (ty, v), **z); add(t, "extract", ("text", f), (ty, v), **z)
    if zone == "UTC":
        for a in [("2024", "2", "29"), ("2023", "2", "29"), ("-44", "3", "15"), ("0", "1", "1"), ("2024", "13", "1")]: add(t, "make_date", *[("int4", x) for x in a])
        for a in [("8", "15", "23.5"), ("24", "0", "0"), ("24", "0", "1"), ("10", "60", "0"), ("1", "2", "60")]: add(t, "make_time", ("int4", a[0]), ("int4", a[1]), ("float8", a[2]))
        add(t, "make_timestamp", *[("int4", x) for x in ["2024", "2", "29", "12", "30"]], ("float8", "45.123456")); add(t, "make_interval", *[("int4", x) for x in ["1", "2", "3", "4", "5", "6"]], ("float8", "7.5"))
        for v in ["0", "1284352323", "1262349296.789", "-1e9", "NaN", "Infinity", "1e20"]: add(t, "to_timestamp", ("float8", v))
        for ty, vs in [("date", VALUES["date"]), ("timestamp", VALUES["timestamp"])]:
            for v in vs: add(t, "isfinite", (ty, v))

DATE_PATTERNS = ["YYYY-MM-DD HH24:MI:SS", "Day, DD Month YYYY", "FMDay, FMDD FMMonth YYYY", "DY dd mon yy", "HH12:MI AM", "hh:mi:ss.ms pm", "US", "SSSS", "Q", "WW", "IW", "IYYY-IW-ID", "DDD", "D", "J", "CC", "RM", "FMRM", "Y,YYY", "YYY YY Y", "A.D. BC", "DDth", "FMDDth FMMONTH", "\"quoted YYYY\" YYYY", "TZ", "OF", "FF1 FF2 FF3 FF6", "W", "month", "MON Mon mon", "HH24MISS", "TZH:TZM", "IDDD", "a.m.", "", "xyz-YYYY", "YYYYTH"]

def formats():
    t = "formats"
    for p in DATE_PATTERNS:
        for v in VALUES["timestamp"] + [ts(1, 2500) for _ in range(3)]:
            add(t, "to_char", ("timestamp", v), ("text", p)); add(t, "to_char", ("timestamptz", v), ("text", p))
        for v in VALUES["interval"]: add(t, "to_char", ("interval", v), ("text", p))
    nums = ["0", "1", "-1", "12", "123.456", "-123.456", "0.1", "-0.1", "1234567.891", "99999", "0.005", "-0.005", "485", "3148.5", "12.45"]
    pats = ["9", "999", "0999", "999.99", "FM999.99", "9,999,999.99", "S999", "999S", "MI999", "999MI", "PL999", "SG999", "999PR", "FM999PR", "$999", "L999", "9G999D99", "0.00", "FM0.00", "FM990.009", "999th", "999TH", "RN", "FMRN", "rn", "99V99", "9.99EEEE", "B999", "\"x\"999", "00", "FM00", "9.9", "FM9.9", "S9.9", "99.0", "FM999999990.00", "000.000", "9 9 9", "FM9,999", "SG0", "fm999", "0,000.0"]
    for p in pats:
        for v in nums:
            add(t, "to_char", ("numeric", v), ("text", p)); add(t, "to_char", ("float8", v), ("text", p))
            if "." not in v: add(t, "to_char", ("int4", v), ("text", p)); add(t, "to_char", ("int8", v), ("text", p))
    for v, p in [("2024-02-29", "YYYY-MM-DD"), ("05 Dec 2000", "DD Mon YYYY"), ("2000-1-5", "YYYY-MM-DD"), ("20000105", "YYYYMMDD"), ("99-12-31", "YY-MM-DD"), ("2024 60", "YYYY DDD"), ("2024-13-01", "YYYY-MM-DD"), ("abc", "YYYY"), ("2024-02-30", "YYYY-MM-DD"),
                 ("12/25/2023", "MM/DD/YYYY"), ("January 5 2020", "Month DD YYYY"), ("44-03-15 BC", "YYYY-MM-DD BC"), ("2020-W10-3", "IYYY-\"W\"IW-ID"), ("2451187", "J"), ("", "YYYY"), ("Monday 5 February 2024", "Day DD Month YYYY"), ("2024", "YYYY"), ("15", "DD"), ("5-XII-2001", "DD-RM-YYYY")]:
        add(t, "to_date", ("text", v), ("text", p)); add(t, "to_timestamp", ("text", v), ("text", p))
    for v, p in [("05 Dec 2000 13:14:15.678", "DD Mon YYYY HH24:MI:SS.MS"), ("2000-01-01 01:02 PM", "YYYY-MM-DD HH12:MI AM"), ("2000-01-01 13:02 PM", "YYYY-MM-DD HH12:MI AM"), ("20000101T131415", "YYYYMMDD\"T\"HH24MISS"), ("2000-01-01 25:00", "YYYY-MM-DD HH24:MI"), ("2000-01-01 10:00 +02", "YYYY-MM-DD HH24:MI TZH"), ("2000-01-01 3600", "YYYY-MM-DD SSSS")]:
        add(t, "to_timestamp", ("text", v), ("text", p))
    for v, p in [("12,454.8-", "99G999D9S"), ("1234", "9999"), ("-12.5", "S99.9"), ("$1,234.56", "L9,999.99"), ("<123>", "999PR"), ("abc", "999"), ("12.34", "99.99"), ("0012", "9999"), ("1.5", "9")]:
        add(t, "to_number", ("text", v), ("text", p))

J = ["null", "1", "1.50", "\"a\"", "true", "[]", "{}", "[1, 2, 3]", "[1, [2, 3], {\"a\": 1}]", "{\"a\": 1, \"b\": [1, 2], \"c\": null}", "{\"a\": {\"b\": {\"c\": 7}}}", "[\"a\", \"b\"]", "{\"bb\": 1, \"a\": 2, \"b\": \"x\"}", "[null]", "1.5", "\"1\"", "{\"a\": [1, 2]}"]

def jsons():
    t = "jsons"
    for x in J:
        a = ("jsonb", x)
        for k in ["a", "b", "zz", "1", "0", ""]:
            for op in ["->", "->>", "?", "-"]: add(t, op, a, ("text", k))
        for k in ["0", "1", "-1", "5", "-5"]:
            for op in ["->", "->>", "-"]: add(t, op, a, ("int4", k))
        for p in ["{a}", "{a,b}", "{b,1}", "{1,0}", "{}", "{a,b,c}", "{-1}", "{NULL}", "{x,y}", "{0}", "{2,a}"]:
            for op in ["#>", "#>>", "#-"]: add(t, op, a, ("_text", p))
            for new in ["9", "{\"n\": 1}"]:
                for c in ["t", "f"]: add(t, "jsonb_set", a, ("_text", p), ("jsonb", new), ("bool", c)); add(t, "jsonb_insert", a, ("_text", p), ("jsonb", new), ("bool", c))
        for p in ["{a,b}", "{}", "{a,zz}"]:
            for op in ["?|", "?&", "-"]: add(t, op, a, ("_text", p))
        for y in J:
            for op in ["@>", "<@", "||", "=", "<", ">"]: add(t, op, a, ("jsonb", y))
        for fn in "jsonb_typeof jsonb_array_length jsonb_strip_nulls jsonb_pretty to_jsonb".split(): add(t, fn, a)
        add(t, "json_typeof", ("json", x)); add(t, "json_array_length", ("json", x)); add(t, "->>", ("json", x), ("text", "a")); add(t, "->>", ("json", x), ("int4", "0"))
        add(t, "jsonb_extract_path", a, ("text", "a"), ("text", "b")); add(t, "jsonb_extract_path_text", a, ("text", "a"))
    for args in [(), (("text", "a"), ("int4", "1")), (("text", "a"),), (("text", None), ("int4", "1")), (("text", "x"), ("text", None), ("int4", "7"), ("_int4", "{1,NULL,3}")), (("text", "a"), ("int4", "1"), ("text", "a"), ("int4", "2")), (("text", "d"), ("date", "2024-02-29"), ("text", "f"), ("float8", "1.5"))]:
        add(t, "jsonb_build_object", *args); add(t, "jsonb_build_array", *args)
    for ty in ["bool", "int4", "float8", "numeric", "text", "date", "timestamp", "timestamptz", "interval", "uuid", "_int4", "_text", "bytea", "time"]:
        for v in VALUES[ty]: add(t, "to_jsonb", (ty, v))
    for v in ["{a,1,b,2}", "{a}", "{{a,1},{b,2}}", "{}", "{NULL,1}"]: add(t, "jsonb_object", ("_text", v))
    add(t, "jsonb_object", ("_text", "{a,b}"), ("_text", "{1,NULL}")); add(t, "jsonb_object", ("_text", "{a}"), ("_text", "{1,2}"))

def arrays():
    t = "arrays"
    A = ["{}", "{1}", "{1,2,3}", "{1,NULL,1}", "{{1,2},{3,4}}", "{3,2}"]
    for x in A:
        a = ("_int4", x)
        for fn in ["array_ndims", "array_dims", "cardinality"]: add(t, fn, a)
        for n in ["0", "1", "2", "3"]:
            for fn in ["array_length", "array_upper", "array_lower", "trim_array"]: add(t, fn, a, ("int4", n))
        for v in ["1", "9", None]:
            e = ("int4", v)
            for fn in ["array_append", "array_remove", "array_position", "array_positions"]: add(t, fn, a, e)
            add(t, "array_prepend", e, a); add(t, "array_replace", a, e, ("int4", "7")); add(t, "||", a, e); add(t, "||", e, a)
        for y in A:
            for op in ["||", "@>", "<@", "&&", "=", "<", ">"]: add(t, op, a, ("_int4", y))
    for v, d in [("7", "{3}"), (None, "{2,2}"), ("1", "{}"), ("1", "{0}"), ("1", "{-1}")]: add(t, "array_fill", ("int4", v), ("_int4", d))
    B = ["{a,b}", "{a,NULL}", "{}"]
    for x, y in itertools.product(B, B): add(t, "=", ("_text", x), ("_text", y)); add(t, "<", ("_text", x), ("_text", y)); add(t, "||", ("_text", x), ("_text", y))

def orders():
    t = "orders"
    for ty, vals in VALUES.items():
        if ty in ("json", "\"char\"") or ty.startswith("_"): continue
        for x, y in itertools.product(vals, vals): add(t, "=", (ty, x), (ty, y)); add(t, "<", (ty, x), (ty, y))

def aggregates():
    t = "aggregates"
    lists = {
        "_int2": ["{}", "{NULL}", "{1,2,3}", "{32767,32767}", "{1,NULL,2}"],
        "_int4": ["{}", "{NULL}", "{1,2,3,4}", "{2147483647,2147483647}", "{1,NULL,2}", "{5}", "{7,7,7}"],
        "_int8": ["{}", "{1,2}", "{9223372036854775807,9223372036854775807}", "{-5,NULL,10}"],
        "_float4": ["{}", "{1.5,2.25}", "{3e38,3e38}", "{NaN,1}", "{1}"],
        "_float8": ["{}", "{1.5,2.25,-3}", "{1e308,1e308}", "{NaN,1}", "{Infinity,1}", "{5}", "{0.1,0.2,0.3}", "{100000001,100000002,100000003}"],
        "_numeric": ["{}", "{1.5,2.25}", "{NaN,1}", "{1.00,2}", "{99999999999999999999,0.00000000001}", "{Infinity,-Infinity}", "{5}", "{0.1,0.2,0.35}"],
        "_interval": ["{}", "{\"1 day\",\"2 hours\"}", "{\"1 mon\",\"-3 days\",\"1 year\"}"],
        "_bool": ["{}", "{t,f}", "{t,t}", "{t,NULL}", "{f}"], "_text": ["{}", "{b,a,NULL,c}", "{\"\",x}"],
        "_date": ["{2024-01-01,2023-05-05}"], "_timestamp": ["{2024-01-01,infinity}"], "_time": ["{10:00,09:00}"],
    }
    for ty, values in lists.items():
        for v in values + ["{" + ",".join(str(R.randint(-999, 999)) + ("" if "int" in ty else "." + str(R.randint(0, 99))) for _ in range(9)) + "}" for _ in range(6 if ty in ("_int2", "_int4", "_int8", "_float8", "_numeric") else 0)]:
            a = (ty, v)
            for fn in ["count", "array_agg", "jsonb_agg"]: add(t, "agg:" + fn, a)
            if ty != "_bool": add(t, "agg:min", a); add(t, "agg:max", a)
            if ty not in ("_bool", "_text", "_date", "_timestamp", "_time"): add(t, "agg:sum", a); add(t, "agg:avg", a)
            if ty in ("_int2", "_int4", "_int8", "_float4", "_float8", "_numeric"):
                for fn in "variance var_samp var_pop stddev stddev_samp stddev_pop".split(): add(t, "agg:" + fn, a)
            if ty in ("_int2", "_int4", "_int8"):
                for fn in ["bit_and", "bit_or", "bit_xor"]: add(t, "agg:" + fn, a)
            if ty == "_bool":
                for fn in ["bool_and", "bool_or", "every"]: add(t, "agg:" + fn, a)
            if ty == "_text": add(t, "agg:string_agg", a, ("text", ", ")); add(t, "agg:string_agg", a, ("text", None)); add(t, "agg:jsonb_object_agg", a, ("int4", "1"))

integers(); floats(); numerics(); casts("UTC"); casts("Europe/Berlin"); inputs(); texts(); likes(); dates("UTC"); dates("America/New_York"); dates("Europe/Berlin"); formats(); jsons(); arrays(); orders(); aggregates()
os.makedirs(OUT, exist_ok=True)
record()
