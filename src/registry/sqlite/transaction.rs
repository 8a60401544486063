use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Params, Row, ToSql, params};

use crate::der::Time;
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::identifier::Machine;
use crate::possession::{ChallengeId, Kept};

use super::super::backend::{StoredChallenge, TrailRow, Transaction};
use super::super::model::{
    Host, HostEk, HostEkCert, PolicyVersion, Possession, Recheck, State, Trust,
};
use super::{error, possession};

/// The columns that [`host`] reads, under a condition.
macro_rules! hosts {
    ($condition:literal) => {
        concat!(
            "SELECT id, name, foreign_key, guid, serial, macs, file_sha256, trust, policy_version,
                state, waived, store, policy, judged_at, registered_at, registered_by, reason,
                imported, ended_at FROM host WHERE ",
            $condition
        )
    };
}

// The conditions on the state are those of the partial indexes, word for word.
const BY_ID: &str = hosts!("id = ?1");
const BY_NAME: &str = hosts!("name_key = ?1 AND state IN ('active', 'staged')");
const BY_EK: &str = hosts!("id = (SELECT host_id FROM ek WHERE spki_sha256 = ?1 AND current = 1)");
const BY_EK_RANGE: &str = hosts!(
    "id IN (SELECT host_id FROM ek WHERE current = 1 AND spki_sha256 BETWEEN ?1 AND ?2
        UNION SELECT host_id FROM ek WHERE current = 1 AND windows_sha256 BETWEEN ?1 AND ?2)
     ORDER BY name_key"
);
const BY_MACHINE: &str = hosts!("guid_key = ?1 AND state IN ('active', 'staged') ORDER BY id");
const EKS: &str = "SELECT algorithm, spki, spki_sha256, windows_sha256 FROM ek
    WHERE host_id = ?1 ORDER BY position";
const EKCERTS: &str = "SELECT sha256, der FROM ekcert WHERE host_id = ?1 ORDER BY position";
const RECHECK: &str =
    "SELECT at, judged_at, trusted, codes, store, policy FROM recheck WHERE host_id = ?1";
const FILE: &str = "SELECT bytes FROM file WHERE sha256 = ?1";
const HEAD: &str = "SELECT entries, hash FROM head WHERE id = 1";
const END: &str = "UPDATE host SET state = ?2, ended_at = ?3 WHERE id = ?1";

/// What a registration asks.
#[cfg(test)]
pub(super) const QUERIES: &[&str] = &[
    BY_ID,
    BY_NAME,
    BY_EK,
    BY_EK_RANGE,
    BY_MACHINE,
    EKS,
    EKCERTS,
    RECHECK,
    possession::POSSESSION,
    possession::CHALLENGE,
    possession::USE_CHALLENGE,
    possession::FORGET_CHALLENGES,
    FILE,
    HEAD,
    END,
];

/// A transaction of an SQLite registry.
pub(super) struct SqliteTransaction<'a> {
    transaction: rusqlite::Transaction<'a>,
    path: &'a Path,
}

impl<'a> SqliteTransaction<'a> {
    pub(super) fn new(transaction: rusqlite::Transaction<'a>, path: &'a Path) -> Self {
        Self { transaction, path }
    }

    fn map<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|error| match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => {
                error::damaged(&self.path.display(), &error)
            }
            error => error::trouble(self.path, &error),
        })
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.transaction
            .prepare_cached(sql)?
            .query_map(params, read)?
            .collect()
    }

    fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.transaction.prepare_cached(sql)?.execute(params)
    }

    fn hosts(&self, sql: &str, params: impl Params) -> Result<Vec<Host>, Error> {
        let read = || -> rusqlite::Result<Vec<Host>> {
            let mut hosts = self.rows(sql, params, host)?;
            for host in &mut hosts {
                self.complete(host)?;
            }
            Ok(hosts)
        };
        self.map(read())
    }

    fn complete(&self, host: &mut Host) -> rusqlite::Result<()> {
        host.eks = self.rows(EKS, [host.id], |row| {
            Ok(HostEk {
                algorithm: row.get(0)?,
                spki_der: row.get(1)?,
                spki_sha256: digest(row, 2)?,
                windows_sha256: digest(row, 3)?,
            })
        })?;
        host.ekcerts = self.rows(EKCERTS, [host.id], |row| {
            Ok(HostEkCert {
                sha256: digest(row, 0)?,
                der: row.get(1)?,
            })
        })?;
        host.recheck = self
            .transaction
            .prepare_cached(RECHECK)?
            .query_row([host.id], |row| {
                Ok(Recheck {
                    at: Time::from_unix(row.get(0)?),
                    judged_at: Time::from_unix(row.get(1)?),
                    trusted: row.get(2)?,
                    codes: json(row, 3)?,
                    store: digest(row, 4)?,
                    policy: digest(row, 5)?,
                })
            })
            .optional()?;
        host.possession = possession::of_host(&self.transaction, host.id)?;
        Ok(())
    }

    fn insert_all(
        &self,
        host: &Host,
        name_key: &str,
        machine_key: Option<&str>,
        file: &[u8],
    ) -> rusqlite::Result<i64> {
        // The same file may have been registered before, under another name.
        self.execute(
            "INSERT INTO file (sha256, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![host.file_sha256.0, file],
        )?;
        self.execute(
            "INSERT INTO host (name, name_key, foreign_key, guid, guid_key, serial, macs,
                file_sha256, trust, policy_version, state, waived, store, policy, judged_at,
                registered_at, registered_by, reason, imported, ended_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20)",
            params![
                host.name,
                name_key,
                host.foreign_key,
                host.machine.guid,
                machine_key,
                host.machine.serial,
                to_json(&host.machine.macs)?,
                host.file_sha256.0,
                host.trust.as_str(),
                host.policy_version.as_str(),
                host.state.as_str(),
                to_json(&host.waived)?,
                host.store.0,
                host.policy.0,
                host.judged_at.unix(),
                host.registered_at.unix(),
                host.registered_by,
                host.reason,
                host.imported,
                host.ended_at.map(Time::unix),
            ],
        )?;
        let id = self.transaction.last_insert_rowid();
        for (position, ek) in (0_i64..).zip(&host.eks) {
            self.execute(
                "INSERT INTO ek (host_id, position, algorithm, spki_sha256, windows_sha256, spki,
                    current)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    id,
                    position,
                    ek.algorithm,
                    ek.spki_sha256.0,
                    ek.windows_sha256.0,
                    ek.spki_der,
                    host.state.is_current(),
                ],
            )?;
        }
        for (position, ekcert) in (0_i64..).zip(&host.ekcerts) {
            self.execute(
                "INSERT INTO ekcert (host_id, position, sha256, der) VALUES (?1, ?2, ?3, ?4)",
                params![id, position, ekcert.sha256.0, ekcert.der],
            )?;
        }
        if let Some(possession) = &host.possession {
            possession::write(&self.transaction, id, possession)?;
        }
        Ok(id)
    }

    fn visit(
        &self,
        condition: &str,
        params: &[&dyn ToSql],
        visit: &mut dyn FnMut(TrailRow) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let sql = format!(
            "SELECT seq, host_id, name_key, entry, hash FROM trail {condition} ORDER BY seq"
        );
        let mut statement = self.map(self.transaction.prepare_cached(&sql))?;
        let mut rows = self.map(statement.query(params))?;
        while let Some(row) = self.map(rows.next())? {
            let read = || -> rusqlite::Result<TrailRow> {
                Ok(TrailRow {
                    seq: row.get(0)?,
                    host_id: row.get(1)?,
                    name_key: row.get(2)?,
                    json: row.get(3)?,
                    hash: digest(row, 4)?,
                })
            };
            visit(self.map(read())?)?;
        }
        Ok(())
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn current_by_name(&self, name_key: &str) -> Result<Option<Host>, Error> {
        Ok(self.hosts(BY_NAME, [name_key])?.pop())
    }

    fn current_by_ek(&self, spki_sha256: &Sha256Digest) -> Result<Option<Host>, Error> {
        Ok(self.hosts(BY_EK, [spki_sha256.0])?.pop())
    }

    fn current_by_ek_range(
        &self,
        low: &Sha256Digest,
        high: &Sha256Digest,
    ) -> Result<Vec<Host>, Error> {
        self.hosts(BY_EK_RANGE, [low.0, high.0])
    }

    fn current_by_machine(&self, machine_key: &str) -> Result<Vec<Host>, Error> {
        self.hosts(BY_MACHINE, [machine_key])
    }

    fn ids(&self, ended: bool) -> Result<Vec<i64>, Error> {
        self.map(self.rows(
            "SELECT id FROM host WHERE ?1 OR state IN ('active', 'staged') ORDER BY name_key, id",
            [ended],
            |row| row.get(0),
        ))
    }

    fn host(&self, id: i64) -> Result<Option<Host>, Error> {
        Ok(self.hosts(BY_ID, [id])?.pop())
    }

    fn stored_keys(&self, id: i64) -> Result<(String, Option<String>), Error> {
        let read = || {
            self.transaction
                .prepare_cached("SELECT name_key, guid_key FROM host WHERE id = ?1")?
                .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        self.map(read())
    }

    fn file(&self, sha256: &Sha256Digest) -> Result<Option<Vec<u8>>, Error> {
        let read = || {
            self.transaction
                .prepare_cached(FILE)?
                .query_row([sha256.0], |row| row.get(0))
                .optional()
        };
        self.map(read())
    }

    fn insert(
        &self,
        host: &Host,
        name_key: &str,
        machine_key: Option<&str>,
        file: &[u8],
    ) -> Result<i64, Error> {
        self.map(self.insert_all(host, name_key, machine_key, file))
    }

    fn end(&self, id: i64, state: State, at: Time) -> Result<(), Error> {
        self.map(self.execute(END, params![id, state.as_str(), at.unix()]))?;
        Ok(())
    }

    fn set_recheck(&self, id: i64, recheck: &Recheck) -> Result<(), Error> {
        let write = || {
            self.execute(
                "INSERT INTO recheck (host_id, at, judged_at, trusted, codes, store, policy)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (host_id) DO UPDATE SET at = excluded.at, judged_at = excluded.judged_at,
                    trusted = excluded.trusted, codes = excluded.codes, store = excluded.store,
                    policy = excluded.policy",
                params![
                    id,
                    recheck.at.unix(),
                    recheck.judged_at.unix(),
                    recheck.trusted,
                    to_json(&recheck.codes)?,
                    recheck.store.0,
                    recheck.policy.0,
                ],
            )
        };
        self.map(write())?;
        Ok(())
    }

    fn set_possession(&self, id: i64, possession: &Possession) -> Result<(), Error> {
        self.map(possession::write(&self.transaction, id, possession))
    }

    fn insert_challenge(&self, kept: &Kept, made_at: Time) -> Result<(), Error> {
        self.map(possession::insert_challenge(
            &self.transaction,
            kept,
            made_at,
        ))
    }

    fn challenge(&self, id: ChallengeId) -> Result<Option<StoredChallenge>, Error> {
        self.map(possession::challenge(&self.transaction, id))
    }

    fn use_challenge(&self, id: ChallengeId, at: Time) -> Result<(), Error> {
        self.map(possession::use_challenge(&self.transaction, id, at))
    }

    fn forget_challenges(&self, before: Time) -> Result<(), Error> {
        self.map(possession::forget_challenges(&self.transaction, before))
    }

    fn head(&self) -> Result<(i64, Sha256Digest), Error> {
        let read = || {
            self.transaction
                .prepare_cached(HEAD)?
                .query_row([], |row| Ok((row.get(0)?, digest(row, 1)?)))
                .optional()
        };
        self.map(read())?.ok_or_else(|| {
            error::damaged(
                &self.path.display(),
                &"the head of the audit trail is missing",
            )
        })
    }

    fn append(&self, row: &TrailRow) -> Result<(), Error> {
        let write = || {
            self.execute(
                "INSERT INTO trail (seq, host_id, name_key, entry, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![row.seq, row.host_id, row.name_key, row.json, row.hash.0],
            )?;
            self.execute(
                "UPDATE head SET entries = ?1, hash = ?2 WHERE id = 1",
                params![row.seq, row.hash.0],
            )
        };
        self.map(write())?;
        Ok(())
    }

    fn trail(
        &self,
        name_key: Option<&str>,
        visit: &mut dyn FnMut(TrailRow) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match name_key {
            None => self.visit("", &[], visit),
            Some(name_key) => self.visit("WHERE name_key = ?1", &[&name_key], visit),
        }
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        let path = self.path;
        self.transaction
            .commit()
            .map_err(|error| error::trouble(path, &error))
    }
}

/// A host without what other tables hold of it.
fn host(row: &Row<'_>) -> rusqlite::Result<Host> {
    Ok(Host {
        id: row.get(0)?,
        name: row.get(1)?,
        foreign_key: row.get(2)?,
        machine: Machine {
            guid: row.get(3)?,
            serial: row.get(4)?,
            macs: json(row, 5)?,
            ..Machine::default()
        },
        eks: Vec::new(),
        ekcerts: Vec::new(),
        file_sha256: digest(row, 6)?,
        trust: text(row, 7, Trust::from_text)?,
        policy_version: text(row, 8, PolicyVersion::from_text)?,
        state: text(row, 9, State::from_text)?,
        waived: json(row, 10)?,
        store: digest(row, 11)?,
        policy: digest(row, 12)?,
        judged_at: Time::from_unix(row.get(13)?),
        registered_at: Time::from_unix(row.get(14)?),
        registered_by: row.get(15)?,
        reason: row.get(16)?,
        imported: row.get(17)?,
        ended_at: row.get::<_, Option<i64>>(18)?.map(Time::from_unix),
        recheck: None,
        possession: None,
    })
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Sha256Digest> {
    row.get(column).map(Sha256Digest)
}

fn text<T>(
    row: &Row<'_>,
    column: usize,
    from_text: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    from_text(&text).ok_or_else(|| no_value(column, &text))
}

pub(super) fn no_value(column: usize, text: &str) -> rusqlite::Error {
    let reason = format!("'{text}' is no value of this column");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, reason.into())
}

pub(super) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
