//! The rules for the certificates of a Host Guardian Service, for requests of such
//! certificates and for the templates they are made from.
