//! The order of the crates, held against their manifests.
//!
//! A layered program decays by one convenient dependency at a time. So the order is a constant
//! here, every manifest is read, and an edge that points the wrong way fails with its name and with
//! what to do instead.
//!
//! ```text
//!   ORDER   value ◄─ engine ◄─ transaction ◄─ … ◄─ protocol ◄─ server │ fuzz
//!           each may use what stands before it, never itself or what stands after
//! ```
//!
//! `fuzz` is no part of the product but a test of it: it uses what it tests, and what only it needs
//! (a fuzzer, in C++) is optional and off.
//!
//! Also held here, because it is the other half of finding one's way: a crate's folder has the
//! crate's name (but for the library, whose folder says what it is and whose name is the
//! product's), a crate opens with an essay, and sibling protocols do not import one another.
//!
//! Rejected: `cargo metadata` (a second program, and it needs the registry), and a lint in each
//! crate (ten places for one rule).

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

/// The architecture in one line: folder and package, lowest first.
const ORDER: [(&str, &str); 11] = [
    ("value", "value"),
    ("engine", "engine"),
    ("transaction", "transaction"),
    ("cluster", "cluster"),
    ("model", "model"),
    ("query", "query"),
    ("language", "language"),
    ("database", "qanat"),
    ("protocol", "protocol"),
    ("server", "server"),
    ("fuzz", "fuzz"),
];

/// What only tests: it may look behind every door, and stands last so that nothing rests on it.
const TESTS_ONLY: &str = "fuzz";

/// What holds data. A protocol may speak of types and texts (`value`, `query`, `language`), but it
/// reaches data through `qanat` alone: protocols have no private door.
const PRIVATE_DOORS: [&str; 4] = ["engine", "transaction", "cluster", "model"];

/// Where a manifest may name dependencies.
const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// The fewest `//!` lines that can say problem, picture, invariants and rejected alternative.
const ESSAY_LINES_MIN: usize = 8;

/// The repository's root.
pub fn root() -> PathBuf {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server.parent().unwrap_or(server).to_path_buf()
}

fn manifest(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn layer_of(package: &str) -> Option<usize> {
    ORDER.iter().position(|(_, name)| *name == package)
}

/// The names in every dependency section, `target.*` included; a rename counts as what it renames.
fn dependencies(manifest: &Table) -> Vec<(String, String)> {
    let mut tables: Vec<&Table> = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(|target| target.as_table()) {
        tables.extend(targets.values().filter_map(|target| target.as_table()));
    }
    let mut found = Vec::new();
    for table in tables {
        for section in SECTIONS {
            let Some(entries) = table.get(section).and_then(|entries| entries.as_table()) else {
                continue;
            };
            for (name, entry) in entries {
                let renamed = entry.get("package").and_then(|package| package.as_str());
                found.push((section.to_owned(), renamed.unwrap_or(name).to_owned()));
            }
        }
    }
    found
}

/// What is wrong with one crate's dependencies, each with its remedy.
fn wrong_edges(folder: &str, package: &str, manifest: &Table) -> Vec<String> {
    let layer = layer_of(package).unwrap_or(0);
    let mut wrong = Vec::new();
    for (section, name) in dependencies(manifest) {
        let Some(used) = layer_of(&name) else { continue };
        if used >= layer {
            wrong.push(format!(
                "{folder}/Cargo.toml [{section}]: `{package}` must not depend on `{name}`, which \
                 stands above it. Remedy: move what is shared down into `{package}` or lower, or \
                 let `{name}` hand it in through a trait that `{package}` defines."
            ));
        } else if package == "protocol"
            && section != "dev-dependencies"
            && PRIVATE_DOORS.contains(&name.as_str())
        {
            wrong.push(format!(
                "{folder}/Cargo.toml [{section}]: `protocol` must not depend on `{name}`: a client \
                 goes through the same calls as an embedder. Remedy: let `qanat` (folder database) \
                 offer what is needed as a public item, and use it from there."
            ));
        }
    }
    wrong
}

#[test]
fn every_dependency_points_down() {
    let mut wrong = Vec::new();
    for (folder, package) in ORDER {
        let table = manifest(&root().join(folder).join("Cargo.toml"));
        wrong.extend(wrong_edges(folder, package, &table));
    }
    assert!(wrong.is_empty(), "the order of the crates is broken:\n{}", wrong.join("\n"));
}

#[test]
fn an_edge_that_points_up_is_named_with_its_remedy() {
    let cases = [
        ("model", "[dependencies]\nquery.workspace = true", "`model` must not depend on `query`"),
        ("engine", "[dev-dependencies]\ntransaction = \"1\"", "[dev-dependencies]"),
        ("value", "[target.'cfg(unix)'.dependencies]\nserver = \"1\"", "depend on `server`"),
        ("query", "[dependencies]\nl = { package = \"language\", version = \"1\" }", "`language`"),
        ("query", "[build-dependencies]\nquery = \"1\"", "`query` must not depend on `query`"),
        ("protocol", "[dependencies]\nmodel = \"1\"", "let `qanat`"),
    ];
    for (package, text, expected) in cases {
        let wrong = wrong_edges(package, package, &toml::from_str(text).expect("a manifest"));
        assert_eq!(wrong.len(), 1, "{package}: {text}");
        assert!(wrong[0].contains(expected), "{}", wrong[0]);
        assert!(wrong[0].contains("Remedy"), "{}", wrong[0]);
    }
    let right = "[dependencies]\nvalue = \"1\"\nserde = \"1\"\n[dev-dependencies]\nmodel = \"1\"";
    let right = toml::from_str(right).expect("a manifest");
    assert!(wrong_edges("protocol", "protocol", &right).is_empty());
}

/// The dependencies that a default build of this manifest takes, tests left out.
fn always(manifest: &Table) -> Vec<String> {
    let entries = manifest.get("dependencies").and_then(|entries| entries.as_table());
    let needed = |entry: &toml::Value| {
        let optional = entry.get("optional").and_then(|optional| optional.as_bool());
        !optional.unwrap_or(false)
    };
    let entries = entries.into_iter().flatten();
    entries.filter(|(_, entry)| needed(entry)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn no_fuzzer_is_built_unless_asked_for() {
    let table = manifest(&root().join(TESTS_ONLY).join("Cargo.toml"));
    let all = dependencies(&table);
    assert!(all.iter().any(|(_, name)| name == "libfuzzer-sys"), "where is the fuzzer?");
    let needed = always(&table);
    assert!(!needed.is_empty(), "the targets need what they test");
    assert!(
        !needed.iter().any(|name| name == "libfuzzer-sys"),
        "{TESTS_ONLY}/Cargo.toml: `libfuzzer-sys` needs a C++ compiler. Remedy: `optional = true`."
    );
    let features = table.get("features").and_then(|features| features.get("default"));
    assert!(features.is_none(), "{TESTS_ONLY}/Cargo.toml: its features are off by default");
    let text = "[dependencies]\na = \"1\"\nb = { version = \"1\", optional = true }";
    assert_eq!(always(&toml::from_str(text).expect("a manifest")), ["a"]);
}

#[test]
fn the_workspace_is_exactly_the_order() {
    let table = manifest(&root().join("Cargo.toml"));
    let members: Vec<&str> = table["workspace"]["members"]
        .as_array()
        .expect("members")
        .iter()
        .filter_map(|member| member.as_str())
        .collect();
    let folders: Vec<&str> = ORDER.iter().map(|(folder, _)| *folder).collect();
    assert_eq!(
        members, folders,
        "the workspace's members and ORDER differ. Remedy: a new crate gets its place in both, and \
         its line in ARCHITECTURE.md."
    );
}

#[test]
fn a_folder_has_the_name_of_its_crate() {
    for (folder, package) in ORDER {
        let table = manifest(&root().join(folder).join("Cargo.toml"));
        let name = table["package"]["name"].as_str();
        assert_eq!(name, Some(package), "{folder}/Cargo.toml: rename the package or the folder");
    }
}

#[test]
fn a_crate_opens_with_an_essay() {
    let mut short = Vec::new();
    for (folder, _) in ORDER {
        let source = root().join(folder).join("src");
        let path = ["lib.rs", "main.rs"].map(|name| source.join(name));
        let path = path.iter().find(|path| path.exists()).expect("lib.rs or main.rs");
        let text = fs::read_to_string(path).expect("a source file");
        let lines = text.lines().take_while(|line| line.starts_with("//!")).count();
        if lines < ESSAY_LINES_MIN {
            short.push(format!(
                "{}: {lines} lines of `//!`, at least {ESSAY_LINES_MIN} are due. Remedy: say the \
                 problem, the picture, the invariants and the alternative rejected.",
                path.strip_prefix(root()).expect("below the root").display()
            ));
        }
    }
    assert!(short.is_empty(), "{}", short.join("\n"));
}

#[test]
fn sibling_protocols_do_not_import_one_another() {
    let source = root().join("protocol/src");
    let siblings: Vec<String> = fs::read_dir(&source)
        .expect("protocol/src")
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let mut wrong = Vec::new();
    for sibling in &siblings {
        for path in super::tidy::files_below(&source.join(sibling), &["rs"]) {
            let text = fs::read_to_string(&path).expect("a source file");
            for other in siblings.iter().filter(|other| *other != sibling) {
                if text.contains(&format!("crate::{other}")) {
                    wrong.push(format!(
                        "{}: uses `crate::{other}`. Remedy: what both need goes to protocol/src, \
                         beside `limits`.",
                        path.display()
                    ));
                }
            }
        }
    }
    assert!(siblings.len() > 1, "protocol/src holds no siblings");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
