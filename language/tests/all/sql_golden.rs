//! Golden scripts: `tests/parse/*.txt`, each case SQL, `---`, and the tree or the error, then an
//! empty
//! line. `UPDATE_GOLDEN=1` writes what the parser says now; read the difference before committing.

use std::fmt::Write;
use std::path::Path;

use language::sql::{Dialect, parse, tree::tree};

fn shown(sql: &str) -> String {
    let mut out = String::new();
    match parse(sql, Dialect::PostgreSql) {
        Ok(statements) => {
            for parsed in statements {
                let _ = writeln!(out, "{}", tree(&parsed.statement, true));
                if !parsed.fixed.is_empty() {
                    let _ = writeln!(out, "fixed: {:?} of {}", parsed.fixed, parsed.literals);
                }
            }
        }
        Err(e) => {
            let _ = writeln!(out, "error {} @{}: {e}", e.sqlstate(), e.offset);
        }
    }
    out
}

fn run(text: &str) -> String {
    let mut out = String::new();
    let mut sql: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "---" => {
                let joined = sql.join("\n");
                let _ = write!(out, "{joined}\n---\n{}\n", shown(&joined));
                sql.clear();
                inside = true;
            }
            "" if inside => inside = false,
            _ if inside => {}
            "" => {}
            _ => sql.push(line),
        }
    }
    out
}

#[test]
fn golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parse");
    let mut wrong = String::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5);
    for file in files {
        let now = run(&std::fs::read_to_string(&file).unwrap());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &now).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap();
        for (number, (now, kept)) in now.lines().zip(kept.lines()).enumerate() {
            if now != kept {
                let name = file.file_name().unwrap().to_string_lossy();
                let _ = writeln!(wrong, "{name}:{}\n  kept {kept}\n  now  {now}", number + 1);
                break;
            }
        }
        assert!(wrong.is_empty() && now.lines().count() == kept.lines().count(), "{wrong}");
    }
}
