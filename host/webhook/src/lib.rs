//! The admission webhook: endpoints, TLS, drain, health, metrics.
