//! The attestation policies of a Host Guardian Service as a model: what each demands, what a
//! host that fails it is told, and which of them a host in a given state would fail.
