//! In-memory event bus: one hub, one endpoint per instance
