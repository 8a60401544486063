//! Registered hosts: the rules of registration, the database, the audit trail.
