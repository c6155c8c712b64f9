"""Distinct statements of PostgreSQL's csv log from a byte offset on: collect.py LOG OFFSET TITLE > OUT.sql"""
import csv, io, re, sys

log, offset, title = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(log, "rb") as f:
    f.seek(offset)
    text = f.read().decode()
seen = set()
print(f"-- Sent by {title}; recorded from PostgreSQL 15's log. Statements are separated by lines of `--;`.")
for row in csv.reader(io.StringIO(text)):
    message, detail = row[13], row[14]
    found = re.match(r"(statement|execute [^:]*): (.*)", message, re.S)
    if not found or found.group(2) in seen:
        continue
    seen.add(found.group(2))
    print("--;")
    if detail.startswith("parameters: "):
        print("-- " + detail.replace("\n", " "))
    print("\n".join(line.rstrip() for line in found.group(2).rstrip().splitlines()))
