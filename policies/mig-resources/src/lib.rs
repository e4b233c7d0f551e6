//! The built-in policy mig-resources.
