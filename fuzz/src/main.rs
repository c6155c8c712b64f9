//! The fuzzer: libFuzzer's own `main` around one target, whose name is in `QANAT_FUZZ`.
#![no_main]

use std::sync::OnceLock;

use fuzz::Target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<&'static Target> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("QANAT_FUZZ").unwrap_or_default();
        fuzz::find(&name).unwrap_or_else(|| {
            let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            panic!("QANAT_FUZZ names no target: {name:?}; there are: {}", names.join(" "))
        })
    });
    (target.run)(data);
});
