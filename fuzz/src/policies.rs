//! What must hold for any reply of an attestation service, and for any state of a host.

#![allow(dead_code, reason = "each fuzz target uses one of them")]

use endorse::diagnose::attestation::{Fate, HostState, PolicyStates, overall, simulate};
use endorse::diagnose::hgsa::{Reply, ReplyContent};
use endorse::finding::Code;

/// Reading a reply: what turns a host away has a remedy, and what is no reply an error with
/// a code and help.
pub(crate) fn hgsa_reply(data: &[u8]) {
    match Reply::read(data) {
        Ok(reply) => {
            assert!(!reply.cause().is_empty());
            if reply.content.is_error() {
                assert!(!reply.remedy().is_empty());
            }
            if reply.content == ReplyContent::Unrecognised {
                assert!(!reply.notes.is_empty());
            }
        }
        Err(error) => {
            assert!(matches!(
                error.code,
                Some(Code::JsonMalformed | Code::InputTooLarge | Code::EncodingUnknown)
            ));
            assert!(!error.help.is_empty());
        }
    }
}

/// Reading states: a host is judged by every policy, and nothing that is unknown is a pass.
pub(crate) fn host_state(data: &[u8]) {
    if let Ok(host) = HostState::from_json(data) {
        let judged = simulate(&host, &PolicyStates::default());
        assert_eq!(judged.len(), 18);
        if host.identifier_registered.is_none() {
            assert_ne!(overall(&judged), Fate::Pass);
        }
    }
    if let Ok(states) = PolicyStates::from_json(data) {
        let judged = simulate(&HostState::default(), &states);
        assert_ne!(overall(&judged), Fate::Pass);
    }
}
