//! Conformance suites for backends, fault-injecting wrappers, simulation helpers
