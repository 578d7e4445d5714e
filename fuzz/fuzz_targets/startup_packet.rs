//! Packets before login: see `armorlake::pg::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = armorlake::pg::fuzz::startup_packet(bytes) {
        panic!("{broken}");
    }
});
