"""The forms of PostgreSQL's statements, read from the synopses that psql prints for `\\h *`.

A synopsis is a grammar: words in capitals are keywords, words in small letters stand for something
else, `[ ]` may be left out, `{ | }` is a choice. Every choice and everything that may be left out
is a form of its own: the runs of keywords on the way to it, as in

    ALTER TABLE: ALTER … SET STATISTICS

A statement has a form if it begins with the command's words and the runs stand in it in this order,
each without a gap. From the same grammar comes a statement for each form: what must be there on
the way to it and nothing else, its names filled in from VALUES. Whether it is right, the peer says.
"""
import re

TOKEN = re.compile(r"\.\.\.|[\[\]{}|(),;=*]|[A-Za-z_][\w-]*|'[^']*'|\S")
# The line above a part that a synopsis names.
HEAD = re.compile(r"^(?:where|and|or)?\s*(?:an? )?([a-z_-]+)(?: in .*)? (?:is one of|can be one of|is|are|can be):?\s*$")
# Pages that say again what SELECT's says.
AGAIN = {"TABLE", "WITH"}


class Node:
    def __init__(self, kind, what, parent):
        self.kind, self.what, self.parent, self.alternatives = kind, what, parent, []

    def above(self):
        node = self
        while node is not None:
            yield node
            node = node.parent


def choice(words, end, parent):
    """Alternatives up to the closing bracket: a node for each, its items below it."""
    alternatives = [Node("sequence", [], parent)]
    while words and words[0] != end:
        word, here = words.pop(0), alternatives[-1]
        if word == "|":
            alternatives.append(Node("sequence", [], parent))
        elif word in "[{":
            node = Node("maybe" if word == "[" else "one", None, here)
            node.what = choice(words, "]" if word == "[" else "}", node)
            here.what.append(node)
        elif re.fullmatch(r"[A-Z][A-Z0-9_]*", word):
            here.what.append(Node("word", word, here))
        elif word not in ("...", ";"):
            here.what.append(Node("other", word, here))
    words[:1] = []
    return alternatives


def read(text, parent):
    words, found = TOKEN.findall(text), []
    while words:
        found += choice(words, None, parent)
    return found


def runs_of(items):
    """Runs of the words that must be there."""
    runs, run = [], []
    for item in items:
        if item.kind == "word":
            run.append(item.what)
        elif run:
            runs, run = runs + [" ".join(run)], []
    return runs + [" ".join(run)] if run else runs


def forms_of(alternatives, before, found):
    for sequence in alternatives:
        runs = runs_of(sequence.what)
        if runs:
            found.append((tuple(before + runs), sequence))
        for at, item in enumerate(sequence.what):
            if item.kind in ("maybe", "one"):
                forms_of(item.what, before + runs_of(sequence.what[:at]), found)


def statements(lines, command):
    """One text for each statement of a page: a line that begins the command begins one."""
    verb, texts = command.split()[0], []
    for line in lines:
        starts = re.match(rf"(\[ WITH \[ RECURSIVE|{verb}\b|RESET\b|TABLE \[ ONLY)", line)
        goes_on = line.startswith(verb) and texts and re.fullmatch(r"\s*\[ WITH .*", texts[-1])
        if (starts and not goes_on) or not texts:
            texts.append("")
        texts[-1] += " " + line
    return texts


def alternatives(lines):
    """The alternatives of a part: a line that is not indented further begins one."""
    lines = [line for line in lines if line.strip()]
    depth = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    texts, unclosed = [], 0
    for line in lines:
        goes_on = unclosed or len(line) - len(line.lstrip()) > depth or line.lstrip()[0] in "[]{}" \
            or (texts and texts[-1].rstrip().endswith("|"))
        if texts and goes_on and not (line.lstrip()[0] in "[{" and whole(texts[-1]) and not unclosed and depth == 4):
            texts[-1] += " " + line
        else:
            texts.append(line)
        unclosed = sum(texts[-1].count(c) for c in "[{") - sum(texts[-1].count(c) for c in "]}")
    return texts


def whole(text):
    return not re.search(r"\|\s*$", text) and not re.match(r"\s*\[ CONSTRAINT", text)


class Page:
    """One command: its statements and the parts that they name."""

    def __init__(self, text):
        self.command = text.split("\n", 1)[0].strip()
        body = text.split("Syntax:\n", 1)[1].split("\nURL:", 1)[0].split("\n")
        self.parts, own, lines = {}, [], []
        lines = own
        for line in body:
            head = HEAD.match(line)
            if head:
                lines = self.parts.setdefault(head.group(1), [])
            elif line.startswith(self.command) or line.startswith("TABLE [ ONLY"):
                lines = own
                own.append(line)
            else:
                lines.append(line)
        self.root = Node("root", None, None)
        self.root.what = [s for text in statements(own, self.command) for s in read(text, self.root)]
        for name, lines in self.parts.items():
            node = Node("part", name, None)
            node.alternatives = [s for text in alternatives(lines) for s in read(text, node)]
            self.parts[name] = node

    def forms(self):
        found = []
        forms_of(self.root.what, [], found)
        for name, part in self.parts.items():
            forms_of(part.alternatives, self.way_to(name), found)
        words = self.command.split()
        for runs, node in found:
            runs = list(runs)
            if runs[0].split()[:len(words)] == words:
                runs[0] = " ".join(runs[0].split()[len(words):])
            yield (self.command, tuple(run for run in runs if run)), node

    def way_to(self, name, depth=0):
        """The runs before the first item that stands for a part: what the part is of."""
        user = next(self.users(name), None)
        if user is None or depth > 4:
            return []
        runs, item = [], user
        while item.parent is not None and item.parent.kind == "sequence":
            sequence = item.parent
            runs = runs_of(sequence.what[:sequence.what.index(item)]) + runs
            item = sequence.parent
        above = self.way_to(item.what, depth + 1) if item.kind == "part" else []
        return above + [run for run in runs if run not in above[-1:]]

    def users(self, name):
        """The items that stand for a part."""
        def below(alternatives):
            for sequence in alternatives:
                for item in sequence.what:
                    if item.kind in ("maybe", "one"):
                        yield from below(item.what)
                    elif item.kind == "other" and item.what == name:
                        yield item
        yield from below(self.root.what)
        for part in self.parts.values():
            if part is not self.parts[name]:
                yield from below(part.alternatives)

    def statement(self, node, values):
        """The shortest statement with this node, or nothing where the grammar does not lead to it."""
        chosen, top = set(), node
        for _ in range(5):
            chain = list(top.above())
            chosen.update(chain)
            if chain[-1] is self.root:
                return " ".join(self.write(self.root.what, chosen, values, 0))
            top = next(self.users(chain[-1].what), None)
            if top is None:
                return None
        return None

    def write(self, sequences, chosen, values, depth):
        sequence = next((s for s in sequences if s in chosen), sequences[0])
        for item in sequence.what:
            if item.kind == "word":
                yield item.what
            elif item.kind == "one" or (item.kind == "maybe" and item in chosen):
                yield from self.write(item.what, chosen, values, depth)
            elif item.kind == "other":
                part = self.parts.get(item.what)
                if part and part.alternatives and depth < 6 and (part in chosen or item.what not in values):
                    yield from self.write(part.alternatives, chosen, values, depth + 1)
                else:
                    yield values.get(f"{self.command}/{item.what}") or values.get(item.what, item.what if not item.what[0].isalpha() else "x")


def pages(help_text):
    found = [Page(text) for text in re.split(r"^Command:\s+", help_text, flags=re.M)[1:]]
    return [page for page in found if page.command not in AGAIN]


def name(form):
    command, runs = form
    return ": ".join(part for part in (command or "expression", " … ".join(runs)) if part)


WORDS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\$.*?\$\$|--[^\n]*|[A-Za-z_][\w$]*|\S", re.S)


def words(statement):
    """The words of a statement in capitals; what is quoted is none."""
    return [w.upper() if w[0] not in "'\"$-" else "''" for w in WORDS.findall(statement)]


# Verbs that may stand behind WITH.
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE")
# Words that may stand between those of a command: CREATE UNIQUE INDEX, SET LOCAL ROLE, SET SESSION
# CHARACTERISTICS AS TRANSACTION.
BETWEEN = set("""OR REPLACE UNIQUE TEMP TEMPORARY LOCAL GLOBAL UNLOGGED RECURSIVE CONSTRAINT DEFAULT TRUSTED PROCEDURAL
 WORK TRANSACTION SESSION CHARACTERISTICS AS""".split())


def verb_at(found):
    """Where the statement's verb stands: behind WITH's queries, which are in parentheses."""
    depth = 0
    for at, word in enumerate(found):
        depth += (word == "(") - (word == ")")
        if found[0] != "WITH" or (depth == 0 and word in VERBS):
            return at
    return 0


def begins(found, command, runs):
    """Whether a statement is one of the command."""
    at = verb_at(found)
    # TABLE stands on SELECT's page, RESET on those of SET.
    other = {"SELECT": "TABLE", "SET": "RESET"}.get((command.split() or [""])[0])
    if other and found[at:at + 1] == [other] and runs[:1] and runs[0].split()[0] == other:
        return True
    for number, word in enumerate(command.split()):
        # SELECT … INTO, CREATE TABLE … AS: whatever stands between.
        far = word in ("INTO", "AS") and number > 0
        while number and at < len(found) and found[at] != word and (far or found[at] in BETWEEN):
            at += 1
        if found[at:at + 1] != [word]:
            return False
        at += 1
    return True


def has(found, form):
    """Whether a statement, as `words` gives it, has the form."""
    command, runs = form
    if not begins(found, command, runs):
        return False
    at = 0
    for run in runs:
        run = run.split()
        # INHERIT is not shown by NO INHERIT.
        while found[at:at + len(run)] != run or (at and found[at - 1] in ("NO", "NOT")):
            at += 1
            if at > len(found):
                return False
        at += len(run)
    return True
