"""The audit log: who changed what, when and from where. Nobody changes it, and a store keeps it as long as it says."""
