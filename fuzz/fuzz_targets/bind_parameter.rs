//! Bound parameters: see `armorlake::pg::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = armorlake::pg::fuzz::bind_parameter(bytes) {
        panic!("{broken}");
    }
});
