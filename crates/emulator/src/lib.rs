//! A wrong-able Model Studio on loopback, for demos, tests and air-gapped work
