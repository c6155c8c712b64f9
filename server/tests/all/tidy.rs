//! Habits that matter, held by a test instead of by remarks.
//!
//! ```text
//!   *.rs    at most 100 columns but for drawings, tables and strings · opens with `//!` · at most 1 200 lines
//!           no `dbg`, `todo`, `unimplemented` macro
//!   text    nothing about how it came to be written: trackers, machines, folders outside
//!   *.md    links, files and functions that are named are there
//! ```
//!
//! Each rule is a function from a path and its text to complaints, so each is tried on small texts
//! below before the repository is walked: a rule that finds nothing because it is broken would be
//! worse than none. A refusal names file, line, rule and remedy.
//!
//! `rustfmt` wraps code and not comments (`.ci/wrap` does), so the length of lines is held here.
//! What is generated is listed by name, and the list may only name files that are there and need
//! it.
//!
//! Rejected: clippy's own limits (they know functions, not files and prose).

use std::fs;
use std::path::{Path, PathBuf};

use super::layers::root;

/// Columns, counted in characters.
const COLUMNS_MAX: usize = 100;
/// Drawings, tables in code and long strings, which no tool can wrap.
const WIDE_MAX: usize = 150;

/// Lines of one file: past this it has two subjects.
const LINES_MAX: usize = 1_200;

/// Tables made by a program: their length is their data's.
const GENERATED: [&str; 1] = ["protocol/src/redis/commands/table.rs"];

/// Folders that hold nothing of the repository's own, or nothing that is read (`corpus`: inputs of
/// the fuzzer).
const SKIPPED: [&str; 6] =
    ["target", "node_modules", "qanat-data", "__pycache__", "venv", "corpus"];

/// Texts that are looked at for words that do not belong here.
const TEXTS: [&str; 12] =
    ["rs", "md", "toml", "py", "sh", "txt", "sql", "yml", "yaml", "js", "lua", "c"];

/// All files below a folder with one of these endings, sorted; hidden folders are left out.
pub fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries.filter_map(|entry| entry.ok()) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) {
                open.push(path);
            } else if kind.is_file()
                && path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Whether a line is a drawing, a row of a table or a long string, and not wider than those may be.
fn cannot_be_wrapped(line: &str) -> bool {
    let text = line.trim_start();
    let drawn = text.starts_with("//")
        && text.contains(['─', '│', '►', '◄', '└', '├', '▲', '▼', '→', '↔', '|']);
    let drawn = drawn || text.starts_with("//!   ");
    let row = !text.starts_with("//")
        && (text.contains('"') || text.starts_with("row!") || text.contains("NULL, NULL"));
    let attribute = text.starts_with("#![") || text.starts_with("#[");
    (drawn || row || attribute) && line.chars().count() <= WIDE_MAX
}

fn long_lines(name: &str, text: &str) -> Vec<String> {
    let long = |line: &str| line.chars().count() > COLUMNS_MAX && !cannot_be_wrapped(line);
    text.lines()
        .enumerate()
        .filter(|(_, line)| long(line))
        .map(|(at, line)| {
            let columns = line.chars().count();
            format!("{name}:{}: {columns} columns, at most {COLUMNS_MAX}: run .ci/wrap", at + 1)
        })
        .collect()
}

fn left_overs(name: &str, text: &str) -> Vec<String> {
    let macros = ["dbg", "todo", "unimplemented"].map(|word| format!("{word}!("));
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines()
        .enumerate()
        .filter_map(|(at, line)| {
            let code = code(line);
            let word = macros.iter().find(|word| code.contains(word.as_str()))?;
            Some(format!(
                "{name}:{}: `{word}`: write it, or answer \"unsupported\" by name",
                at + 1
            ))
        })
        .collect()
}

fn essay(name: &str, text: &str) -> Vec<String> {
    let opens = text.lines().next().is_some_and(|line| line.starts_with("//!"));
    if opens {
        return Vec::new();
    }
    vec![format!("{name}:1: does not open with `//!`: say what the file is for")]
}

fn length(name: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= LINES_MAX || GENERATED.contains(&name) {
        return Vec::new();
    }
    vec![format!("{name}: {lines} lines, at most {LINES_MAX}: part it by subject")]
}

/// Words that tell of the writing instead of the thing written. Put together from halves, so that
/// this file does not hold them.
fn foreign_words() -> Vec<String> {
    [
        ["sub", "agent"],
        ["coding ", "agent"],
        ["helper ", "agent"],
        ["language ", "model "],
        ["/work/", "main"],
        ["/work/", "shared"],
        ["brief", ".md"],
        ["farm", "-bench"],
    ]
    .map(|halves| halves.concat())
    .to_vec()
}

/// Whether a line speaks of a tracker's number: the word, then blanks or `#`, then digits.
fn names_a_ticket(line: &str) -> bool {
    let folded = line.to_lowercase();
    folded.match_indices("issue").any(|(at, word)| {
        let rest = folded[at + word.len()..].trim_start_matches([' ', '#']);
        let touched = folded[at + word.len()..].len() > rest.len();
        touched && rest.starts_with(|first: char| first.is_ascii_digit())
    })
}

fn provenance(name: &str, text: &str) -> Vec<String> {
    let words = foreign_words();
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let word = words.iter().find(|word| line.contains(word.as_str()));
        let what = match word {
            Some(word) => word.as_str(),
            None if names_a_ticket(line) => "a tracker's number",
            None => continue,
        };
        found.push(format!(
            "{name}:{}: speaks of `{what}`: a reader has only this repository: say why",
            at + 1
        ));
    }
    found
}

/// What stands between single backquotes, outside of fenced blocks.
fn quoted(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// The targets of links that lead into the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

/// Whether a page's `Type::function` is somewhere in these sources: both names in one file.
fn is_defined(name: &str, sources: &[String]) -> bool {
    let Some((of, function)) = name.rsplit_once("::") else { return true };
    let of = of.rsplit("::").next().unwrap_or(of);
    let defined = [format!("fn {function}("), format!("fn {function}<")];
    sources.iter().any(|text| {
        text.contains(of) && defined.iter().any(|define| text.contains(define.as_str()))
    })
}

/// `Type::function`, and nothing that only looks like it (modules, macros, code).
fn names_a_function(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let (of, function) = name.rsplit_once("::").unwrap_or_default();
    let of = of.rsplit("::").next().unwrap_or(of);
    name.chars().all(plain)
        && of.starts_with(|c: char| c.is_ascii_uppercase())
        && function.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Every complaint of one rule about the files with these endings.
fn complaints(endings: &[&str], rule: fn(&str, &str) -> Vec<String>) -> Vec<String> {
    let root = root();
    let mut all = Vec::new();
    for path in files_below(&root, endings) {
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        all.extend(rule(&name, &String::from_utf8_lossy(&bytes)));
    }
    all
}

/// Fails with the first complaints and their number.
fn assert_none(rule: &str, complaints: &[String]) {
    let shown = complaints.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{rule}: {} complaints, the first:\n{shown}", complaints.len());
}

#[test]
fn lines_fit_into_100_columns() {
    let all = complaints(&["rs"], |name, text| match GENERATED.contains(&name) {
        true => Vec::new(),
        false => long_lines(name, text),
    });
    assert_none("long lines", &all);
}

#[test]
fn nothing_is_left_to_do_in_code() {
    assert_none("left-over macros", &complaints(&["rs"], left_overs));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    assert_none("files without an essay", &complaints(&["rs"], essay));
}

#[test]
fn files_have_one_subject() {
    assert_none("long files", &complaints(&["rs"], length));
}

#[test]
fn texts_speak_of_the_program_only() {
    assert_none("foreign words", &complaints(&TEXTS, provenance));
}

#[test]
fn what_is_listed_as_generated_is_there_and_long() {
    for name in GENERATED {
        let text = fs::read_to_string(root().join(name)).expect("a file of GENERATED");
        assert!(text.lines().count() > LINES_MAX, "{name} need not be in GENERATED any more");
    }
}

#[test]
fn links_of_pages_lead_somewhere() {
    let all = complaints(&["md"], |name, text| {
        let folder = root().join(name).parent().unwrap_or(Path::new("/")).to_path_buf();
        let dead = links(text).into_iter().filter(|link| !folder.join(link).exists());
        dead.map(|link| format!("{name}: the link to {link} leads nowhere")).collect()
    });
    assert_none("dead links", &all);
}

#[test]
fn pages_name_functions_and_files_that_are_there() {
    let sources = files_below(&root(), &["rs"]);
    let sources: Vec<String> = sources.iter().filter_map(|f| fs::read_to_string(f).ok()).collect();
    let mut missing = Vec::new();
    for page in ["ARCHITECTURE.md", "README.md", "docs/formats.md"] {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        for name in quoted(&text) {
            let is_path = name.contains('/') && name.ends_with(".rs") && !name.contains('*');
            let file_is_there = || {
                let found = files_below(&root(), &["rs"]);
                found.iter().any(|path| path.ends_with(name))
            };
            if is_path && !file_is_there() {
                missing.push(format!("{page}: there is no file {name}: say where it went"));
            } else if names_a_function(name) && !is_defined(name, &sources) {
                missing.push(format!("{page}: there is no {name}: tell the way as it goes now"));
            }
        }
    }
    assert_none("pages behind the code", &missing);
}

#[test]
fn the_rules_find_what_they_are_for() {
    let page = "see `A::b` and `c`\n```text\n`no`\n```\n[d](e.md#f) [g](https://h) [i](#j)";
    assert_eq!(quoted(page), ["A::b", "c"]);
    assert_eq!(links(page), ["e.md"]);
    assert!(names_a_function("x::A::b") && !names_a_function("a::b") && !names_a_function("A::B"));
    let source = ["impl A { fn b(&self) {} }".to_owned()];
    assert!(is_defined("A::b", &source) && !is_defined("A::c", &source));

    let width = "x".repeat(COLUMNS_MAX);
    assert!(long_lines("a.rs", &width).is_empty());
    assert_eq!(long_lines("a.rs", &format!("ok\n{width}y\n")).len(), 1);
    assert!(long_lines("a.rs", &"─".repeat(COLUMNS_MAX)).is_empty(), "characters, not bytes");

    let macros = format!("{}!(1);\n// {0}!(1)\nlet a = 1;", "dbg");
    assert_eq!(left_overs("a.rs", &macros).len(), 1);

    assert!(essay("a.rs", "//! What.\n").is_empty());
    assert_eq!(essay("a.rs", "use std;\n").len(), 1);
    assert_eq!(essay("a.rs", "").len(), 1);

    assert_eq!(length("a.rs", &"\n".repeat(LINES_MAX + 1)).len(), 1);
    assert!(length(GENERATED[0], &"\n".repeat(LINES_MAX + 1)).is_empty());

    for (line, found) in [
        (["see Iss", "ue 12"].concat(), true),
        (["iss", "ue #7 says"].concat(), true),
        ("issues a warning".to_owned(), false),
        ("an issue of trust".to_owned(), false),
        ("reissue1".to_owned(), false),
    ] {
        assert_eq!(names_a_ticket(&line), found, "{line}");
    }
    assert_eq!(provenance("a.md", &foreign_words().join("\n")).len(), foreign_words().len());
}
