//! Challenges, and the proofs of hosts that answered them.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::der::Time;
use crate::hash::{Sha256Digest, from_hex};
use crate::possession::{ChallengeId, Kept, KeptEk, Terms};

use super::super::backend::StoredChallenge;
use super::super::model::Possession;
use super::transaction::{json, no_value, to_json};

pub(super) const POSSESSION: &str =
    "SELECT proven_at, ak_name, challenge FROM possession WHERE host_id = ?1";
pub(super) const CHALLENGE: &str =
    "SELECT host, nonce, ak_name, eks, expires_at, used_at FROM challenge WHERE id = ?1";
pub(super) const USE_CHALLENGE: &str = "UPDATE challenge SET used_at = ?2 WHERE id = ?1";
pub(super) const FORGET_CHALLENGES: &str = "DELETE FROM challenge WHERE expires_at < ?1";

/// The proof that a registration has.
pub(super) fn of_host(db: &Connection, id: i64) -> rusqlite::Result<Option<Possession>> {
    db.prepare_cached(POSSESSION)?
        .query_row([id], |row| {
            Ok(Possession {
                proven_at: Time::from_unix(row.get(0)?),
                ak_name: row.get(1)?,
                challenge: row.get(2).map(ChallengeId)?,
            })
        })
        .optional()
}

pub(super) fn write(db: &Connection, id: i64, possession: &Possession) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO possession (host_id, proven_at, ak_name, challenge)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (host_id) DO UPDATE SET proven_at = excluded.proven_at,
            ak_name = excluded.ak_name, challenge = excluded.challenge",
    )?
    .execute(params![
        id,
        possession.proven_at.unix(),
        possession.ak_name,
        possession.challenge.0,
    ])?;
    Ok(())
}

pub(super) fn insert_challenge(
    db: &Connection,
    kept: &Kept,
    made_at: Time,
) -> rusqlite::Result<()> {
    let eks: Vec<[String; 2]> = kept
        .eks
        .iter()
        .map(|kept| [kept.ek.to_string(), kept.secret_sha256.to_string()])
        .collect();
    db.prepare_cached(
        "INSERT INTO challenge (id, host, nonce, ak_name, eks, made_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        kept.terms.id.0,
        kept.terms.host,
        kept.terms.nonce,
        kept.terms.ak_name,
        to_json(&eks)?,
        made_at.unix(),
        kept.terms.expires.unix(),
    ])?;
    Ok(())
}

pub(super) fn challenge(
    db: &Connection,
    id: ChallengeId,
) -> rusqlite::Result<Option<StoredChallenge>> {
    db.prepare_cached(CHALLENGE)?
        .query_row([id.0], |row| {
            let terms = Terms {
                id,
                host: row.get(0)?,
                nonce: row.get(1)?,
                ak_name: row.get(2)?,
                expires: Time::from_unix(row.get(4)?),
            };
            Ok(StoredChallenge {
                kept: Kept {
                    terms,
                    eks: kept_eks(row, 3)?,
                },
                used_at: row.get::<_, Option<i64>>(5)?.map(Time::from_unix),
            })
        })
        .optional()
}

pub(super) fn use_challenge(db: &Connection, id: ChallengeId, at: Time) -> rusqlite::Result<()> {
    db.prepare_cached(USE_CHALLENGE)?
        .execute(params![id.0, at.unix()])?;
    Ok(())
}

pub(super) fn forget_challenges(db: &Connection, before: Time) -> rusqlite::Result<()> {
    db.prepare_cached(FORGET_CHALLENGES)?
        .execute([before.unix()])?;
    Ok(())
}

fn kept_eks(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<KeptEk>> {
    let pairs: Vec<[String; 2]> = json(row, column)?;
    let digest = |text: &str| {
        from_hex(text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Sha256Digest)
            .ok_or_else(|| no_value(column, text))
    };
    pairs
        .iter()
        .map(|[ek, secret]| {
            Ok(KeptEk {
                ek: digest(ek)?,
                secret_sha256: digest(secret)?,
            })
        })
        .collect()
}
