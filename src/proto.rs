//! The generated protobuf modules; only `mesh`, `ingest` and `simulate` may import them, and inside
//! `mesh` the messages are turned into our own types by `mesh::codec` and `mesh::summary`.

/// KubeArmor's event service: `proto/kubearmor.proto`.
#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::clone_on_ref_ptr,
    clippy::too_many_lines,
    reason = "generated"
)]
pub mod feeder {
    tonic::include_proto!("feeder");
}

/// The contracts between nodes: `proto/fragment.proto` and `proto/membership.proto`.
#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::clone_on_ref_ptr,
    clippy::too_many_lines,
    clippy::disallowed_methods,
    reason = "generated"
)]
pub mod mesh {
    tonic::include_proto!("armorlake.mesh.v1");
}
