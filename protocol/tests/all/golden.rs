//! Golden files: cases of `input`, `---`, `output`, a blank line; `#` begins a heading.

/// Calls `check` for each case; its answer must be the recorded one. All differences are shown.
pub fn check(file: &str, answer: impl Fn(&str) -> String) {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let mut differences = Vec::new();
    let mut cases = 0;
    for case in text.split("\n\n").map(|case| case.trim_matches('\n')) {
        let Some((input, output)) = case.split_once("\n---") else { continue };
        let output = output.strip_prefix('\n').unwrap_or(output);
        cases += 1;
        let got = answer(input);
        if got != output {
            differences.push(format!("{input}\n--- recorded\n{output}\n--- ours\n{got}\n"));
        }
    }
    assert!(cases > 0, "no case in {file}");
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// The bytes of an escaped line: `\r \n \t \\ \xHH`.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next().unwrap() {
            b'r' => out.push(b'\r'),
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'x' => {
                let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                let hex = std::str::from_utf8(&hex).unwrap().to_owned();
                out.push(u8::from_str_radix(&hex, 16).unwrap());
            }
            other => out.push(other),
        }
    }
    out
}

/// The reverse of [`unescape`].
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(*byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out
}
