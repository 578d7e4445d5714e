//! The PostgreSQL border as clients meet it: raw sockets, a driver, and the real psql.
//!
//! Every promise of `pg` and `session` that a client can see is tried here over TCP on loopback.

mod in_process;

mod wire {
    mod cancel;
    mod changes;
    mod catalog;
    mod channels;
    mod client;
    mod copy;
    mod copy_from;
    mod cursors;
    mod errors;
    mod extended;
    mod login;
    mod psql;
    mod raw;
    mod roles;
    mod scripts;
    mod server;
    mod settings;
    mod simple;
    mod types;
    mod statements;
    mod tls;
    mod untrusted;
}
