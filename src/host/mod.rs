//! Reading a real machine and its TPM. The only room that names tss-esapi.
